// HeatMap: changes over two axes, with the numbers in the cells. No difference is hatched, too few blocks has a dashed edge: colour alone says nothing.
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useId } from 'react'
import type { Verdict } from '../../../shared/experiment.ts'
import { intervalText, signedPercent } from '../../../shared/headline.ts'
import { verdictText } from '../gains.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { heatColour } from './heatColours.ts'

export interface HeatCell {
  row: number
  column: number
  change: number | null
  low: number | null
  high: number | null
  /** null: expected, not measured. */
  verdict: Verdict | null
  pairs: number
  /** Why there is no number. */
  why: string
}
export interface HeatMapProps {
  title: string
  meaning: React.ReactNode
  unit: string
  rows: { label: string; values: string[] }
  columns: { label: string; values: string[] }
  cells: HeatCell[]
  stamp?: string | null
  aside?: React.ReactNode
}

const CELL = { height: 46, most: 132, least: 62 }
const LEFT = 128
const TOP = 36

export function HeatMap({ title, meaning, unit, rows, columns, cells, stamp = null, aside }: HeatMapProps) {
  const scheme = useComputedColorScheme('dark')
  const { ref, width } = useElementSize()
  const hatch = useId()
  const wide = Math.max(CELL.least, Math.min(CELL.most, (width - LEFT) / Math.max(1, columns.values.length)))
  const size = { width: LEFT + wide * columns.values.length, height: TOP + CELL.height * rows.values.length + 4 }
  const most = Math.max(0.1, ...cells.map(({ change }) => Math.abs(change ?? 0)))
  const table = {
    heads: [rows.label, columns.label, 'Change', 'Low', 'High', 'Verdict'],
    rows: cells.map((cell) => [rows.values[cell.row] ?? '', columns.values[cell.column] ?? '', signedPercent(cell.change), signedPercent(cell.low), signedPercent(cell.high), wordOf(cell)]),
  }
  return (
    <ChartFrame title={title} unit={unit} meaning={meaning} stamp={stamp} aside={aside} table={table} empty={cells.length === 0 ? 'No cell is done yet.' : null}
      keys={[{ label: `gain, full colour at ${signedPercent(most, 0)}`, colour: heatColour(1, 1, scheme).fill }, { label: 'loss', colour: heatColour(-1, 1, scheme).fill }, { label: 'hatched: the interval holds zero', colour: 'var(--mantine-color-dimmed)', hollow: true }]}>
      <div ref={ref} style={{ overflowX: 'auto' }}>
        <svg className="ownChart" width={size.width} height={size.height} role="img" aria-label={title}>
          <defs><pattern id={hatch} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V7" stroke="var(--mantine-color-dimmed)" strokeWidth="1.6" opacity="0.45" /></pattern></defs>
          <text x={LEFT} y={12} fill="var(--mantine-color-dimmed)">{columns.label}</text>
          {columns.values.map((value, at) => <text key={value} x={LEFT + (at + 0.5) * wide} y={29} textAnchor="middle" fill="var(--mantine-color-text)">{value}</text>)}
          <text x={0} y={29} fill="var(--mantine-color-dimmed)">{rows.label}</text>
          {rows.values.map((value, at) => <text key={value} x={0} y={TOP + (at + 0.5) * CELL.height + 4} fill="var(--mantine-color-text)">{value.length > 19 ? `…${value.slice(-18)}` : value}<title>{value}</title></text>)}
          {cells.map((cell) => <Cell key={`${cell.row} ${cell.column}`} cell={cell} wide={wide} hatch={hatch} colour={heatColour(cell.change ?? 0, most, scheme)} />)}
        </svg>
      </div>
    </ChartFrame>
  )
}

function Cell({ cell, wide, hatch, colour }: { cell: HeatCell; wide: number; hatch: string; colour: { fill: string; ink: string } }) {
  const { change, low, high, verdict } = cell
  const box = { x: LEFT + cell.column * wide + 1, y: TOP + cell.row * CELL.height + 1, width: wide - 2, height: CELL.height - 2, rx: 3 }
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const none = change === null
  return (
    <g>
      <title>{none ? cell.why : `${signedPercent(change)} (${intervalText({ low, high })}), ${wordOf(cell)}`}</title>
      <rect {...box} fill={none ? 'none' : colour.fill} stroke={verdict === 'tooFewBlocks' || verdict === 'unfinished' || none ? 'var(--mantine-color-dimmed)' : 'none'} strokeDasharray="3 3" />
      {(verdict === 'noDifference' || (verdict === null && low !== null && high !== null && low <= 0 && high >= 0)) && <rect {...box} fill={`url(#${hatch})`} />}
      <text x={x} y={wide > 92 ? y - 2 : y + 4} textAnchor="middle" fontWeight={600} fill={none ? 'var(--mantine-color-dimmed)' : colour.ink}>{signedPercent(change, wide > 80 ? 1 : 0)}</text>
      {wide > 92 && !none && low !== null && <text x={x} y={y + 13} textAnchor="middle" fill={colour.ink} opacity={0.85}>{intervalText({ low, high }, wide > 118 ? 1 : 0)}</text>}
    </g>
  )
}

const wordOf = ({ verdict, pairs, change, why }: HeatCell): string => (change === null ? why : verdict === null ? 'expected, band' : verdictText({ verdict, pairs }))
