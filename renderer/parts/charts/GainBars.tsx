// GainBars: the named gains of each arm with their 95 % intervals over a zero line. What is not shown to differ is hollow.
import { Bar, BarChart, CartesianGrid, ReferenceLine, ResponsiveContainer, usePlotArea, useYAxisScale, XAxis, YAxis, type BarShapeProps } from 'recharts'
import type { Holds } from '../../../shared/counted.ts'
import type { Comparison } from '../../../shared/experiment.ts'
import { intervalText, signedPercent } from '../../../shared/headline.ts'
import { AGAINST, MEASURES, verdictText } from '../gains.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { AXIS, changeDomain, changeTicks, GRID, LABEL_PX, rowTick, Whiskers } from './marks.tsx'

/** `only`: what its number holds for, where that is not more than this load. */
export interface GainRow { comparison: Comparison; arm: string; baseline: string; colour: string; only: Holds | null }
interface Drawn { row: string; change: number; at: number }

const ROW_PX = 44
/** With a third line of text. */
const TALL_ROW_PX = 58
const TEXT_PX = 184

export function GainBars({ rows, title = 'Gains', stamp = null }: { rows: GainRow[]; title?: string; stamp?: string | null }) {
  const drawn = rows.flatMap(({ comparison }, at): Drawn[] => (comparison.change === null ? [] : [{ row: String(at), change: comparison.change, at }]))
  const domain = changeDomain(drawn.map(({ change, at }) => ({ change, low: rows[at]!.comparison.low, high: rows[at]!.comparison.high })))
  const rowPx = rows.some(({ only }) => only !== null) ? TALL_ROW_PX : ROW_PX
  const measure = MEASURES[rows[0]?.comparison.measure ?? 'outputTokensPerSecond']
  const table = {
    heads: ['Arm', 'Against', 'Change', '95 % interval', 'Pairs of blocks', 'Verdict', 'Holds'],
    rows: rows.map(({ comparison: one, arm, baseline, only }) => [arm, `${AGAINST[one.name]}: ${baseline}`, signedPercent(one.change), intervalText(one), String(one.pairs), verdictText(one), only?.where ?? '']),
  }
  return (
    <ChartFrame title={title} unit={`change of ${measure.label.replace('Output', 'output')}`} stamp={stamp} table={table} empty={drawn.length === 0 ? 'No pair of valid blocks yet: a gain needs both arms measured in the same round.' : null}
      meaning={<><div>{measure.meaning}</div><div>Mean of log ratios over pairs of blocks from the same round, with its 95 % t interval. Hollow: the interval holds zero, or there are fewer than six pairs.</div></>}>
      <ResponsiveContainer width="100%" height={rowPx * drawn.length + 30}>
        <BarChart data={drawn} layout="vertical" margin={{ top: 2, right: TEXT_PX, bottom: 0, left: 0 }} barCategoryGap="27%" accessibilityLayer={false}>
          <CartesianGrid {...GRID} horizontal={false} />
          <XAxis type="number" domain={domain} ticks={changeTicks(domain)} tickFormatter={(value: number) => signedPercent(value, 0)} {...AXIS} />
          <YAxis type="category" dataKey="row" width={LABEL_PX} {...AXIS} axisLine={false} tick={rowTick((at) => ({ lines: [rows[at]!.arm, AGAINST[rows[at]!.comparison.name]], dot: rows[at]!.colour }))} />
          <Bar dataKey="change" isAnimationActive={false} shape={barOf(rows)} />
          <ReferenceLine x={0} stroke="var(--mantine-color-text)" />
          <Whiskers domain={domain} dot={false} whiskers={drawn.map(({ row, change, at }) => ({ row, change, low: rows[at]!.comparison.low, high: rows[at]!.comparison.high, colour: rows[at]!.colour, hollow: false }))} />
          <Readings rows={rows} drawn={drawn} />
        </BarChart>
      </ResponsiveContainer>
    </ChartFrame>
  )
}

/** Filled: a difference is shown. Dashed: none is, or not yet. */
const barOf = (rows: GainRow[]) => ({ x, y, width, height, payload }: BarShapeProps) => {
  const { comparison, colour } = rows[(payload as Drawn).at]!
  const sure = comparison.verdict === 'higher' || comparison.verdict === 'lower'
  return <rect x={Math.min(x, x + width)} y={y} width={Math.abs(width)} height={height} fill={sure ? colour : 'none'} fillOpacity={comparison.name === 'againstSingle' ? 0.85 : 0.45} stroke={colour} strokeDasharray={sure ? undefined : '3 2'} />
}

/** The numbers and the verdict at the right of each row. */
function Readings({ rows, drawn }: { rows: GainRow[]; drawn: Drawn[] }) {
  const plot = usePlotArea()
  const yOf = useYAxisScale()
  if (plot === undefined || yOf === undefined) return null
  return <g>{drawn.map(({ row, at }) => {
    const { comparison, only } = rows[at]!
    const y = (yOf(row, { position: 'middle' }) ?? 0) - (only === null ? 0 : 7)
    const x = plot.x + plot.width + 12
    return (
      <g key={row}>
        <text x={x} y={y - 3} fill="var(--mantine-color-text)"><tspan fontWeight={600}>{signedPercent(comparison.change)}</tspan> <tspan fill="var(--mantine-color-dimmed)">({intervalText(comparison)})</tspan></text>
        <text x={x} y={y + 12} fill="var(--mantine-color-dimmed)">{verdictText(comparison)}{comparison.verdict === 'tooFewBlocks' ? '' : ` · ${comparison.pairs} pairs`}</text>
        {only !== null && <text x={x} y={y + 27} fill="var(--mantine-color-text)">{only.short}</text>}
      </g>
    )
  })}</g>
}
