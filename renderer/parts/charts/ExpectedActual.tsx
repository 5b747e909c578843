// ExpectedActual: the band that the model expected against the interval that was measured, one row per cell and arm.
import { Bar, BarChart, CartesianGrid, ReferenceLine, ResponsiveContainer, useXAxisScale, useYAxisScale, XAxis, YAxis } from 'recharts'
import { intervalText, signedPercent } from '../../../shared/headline.ts'
import { placeIn } from '../../../shared/interval.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { AXIS, changeDomain, changeTicks, GRID, LABEL_PX, rowTick, Whiskers } from './marks.tsx'

export interface ExpectedRow {
  arm: string
  cell: string
  colour: string
  expected: { low: number; likely: number; high: number } | null
  /** Why nothing was expected. */
  why: string
  measured: { change: number; low: number | null; high: number | null } | null
}

const ROW_PX = 38
const BAND = 'var(--mantine-color-dimmed)'
/** As the band looks on its surface. */
const BAND_KEY = 'color-mix(in srgb, var(--mantine-color-dimmed) 35%, var(--surface))'

export function ExpectedActual({ rows, stamp = null, confident }: { rows: ExpectedRow[]; stamp?: string | null; confident: boolean }) {
  const drawn = rows.map((row, at) => ({ row: String(at), band: row.expected === null ? [0, 0] : [row.expected.low, row.expected.high] }))
  const ends = rows.flatMap(({ expected, measured }) => [...(expected === null ? [] : [{ change: expected.low, low: null, high: null }, { change: expected.high, low: null, high: null }]), ...(measured === null ? [] : [measured])])
  const domain = changeDomain(ends)
  const anyMeasured = rows.some(({ measured }) => measured !== null)
  const table = {
    heads: ['Arm', 'Cell', 'Expected', 'Expected band', 'Measured', '95 % interval', 'Measured against the band'],
    rows: rows.map(({ arm, cell, expected, measured, why }) => [arm, cell, expected === null ? `— ${why}` : signedPercent(expected.likely), expected === null ? '—' : intervalText(expected), signedPercent(measured?.change ?? null), measured === null ? '—' : intervalText(measured), within(expected, measured)]),
  }
  return (
    <ChartFrame title={anyMeasured ? 'Expected against actual' : 'Expected gain'} unit="change of output tokens/s against the best single engine" stamp={anyMeasured ? stamp : null} table={table}
      keys={[{ label: 'expected: from no overlap to ideal overlap, line at the likely value', colour: BAND_KEY }, ...(anyMeasured ? [{ label: 'measured, with its 95 % interval', colour: 'var(--mantine-color-text)', hollow: true }] : [])]}
      note={confident ? null : 'Low confidence: the model was not fitted to all of this load, GPU or engine. What it leaves out is said with each prediction.'} empty={ends.length === 0 ? rows[0]?.why ?? 'Nothing is expected and nothing was measured.' : null}
      meaning="Expected comes from a model of host time, kernel time and overlap; its band runs from θ = 1 (kernels of several engines do not overlap) to θ = 0 (they do, ideally). It is not fitted to this workstation.">
      <ResponsiveContainer width="100%" height={ROW_PX * rows.length + 30}>
        <BarChart data={drawn} layout="vertical" margin={{ top: 2, right: 24, bottom: 0, left: 0 }} barCategoryGap="27%" accessibilityLayer={false}>
          <CartesianGrid {...GRID} horizontal={false} />
          <XAxis type="number" domain={domain} ticks={changeTicks(domain)} tickFormatter={(value: number) => signedPercent(value, 0)} allowDataOverflow {...AXIS} />
          <YAxis type="category" dataKey="row" width={LABEL_PX} interval={0} {...AXIS} axisLine={false} tick={rowTick((at) => ({ lines: [rows[at]!.arm, rows[at]!.cell], dot: rows[at]!.colour }))} />
          <Bar dataKey="band" isAnimationActive={false} fill={BAND} fillOpacity={0.35} radius={2} />
          <ReferenceLine x={0} stroke="var(--mantine-color-text)" />
          <Likely rows={rows} />
          <Whiskers domain={domain} dot whiskers={rows.flatMap(({ measured, colour }, at) => (measured === null ? [] : [{ row: String(at), ...measured, colour, hollow: false }]))} />
        </BarChart>
      </ResponsiveContainer>
    </ChartFrame>
  )
}

function Likely({ rows }: { rows: ExpectedRow[] }) {
  const xOf = useXAxisScale()
  const yOf = useYAxisScale()
  if (xOf === undefined || yOf === undefined || xOf(0) === undefined) return null
  return <g>{rows.map(({ expected }, at) => (expected === null ? null : <path key={at} d={`M${xOf(expected.likely)} ${(yOf(String(at), { position: 'middle' }) ?? 0) - 11}v22`} stroke={BAND} strokeWidth={2} />))}</g>
}

/** A band of no width is one guess, and nothing lies within it. */
function within(expected: ExpectedRow['expected'], measured: ExpectedRow['measured']): string {
  if (expected === null || measured === null || expected.low === expected.high) return '—'
  return placeIn(expected, { mean: measured.change, low: measured.low, high: measured.high })
}
