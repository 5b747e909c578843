// Marks shared by the analysis charts: point shapes told apart without colour, whiskers, axis looks.
import { useXAxisScale, useYAxisScale, type YAxisTickContentProps } from 'recharts'

export const AXIS = { stroke: 'var(--line-strong)', tick: { fill: 'var(--mantine-color-dimmed)', fontSize: 11 }, tickLine: false } as const
export const GRID = { stroke: 'var(--line)', strokeDasharray: '2 3' } as const

/** Circle, square, triangle, diamond, in turn. */
export function PointMark({ at, x, y, colour, hollow = false, size = 4 }: { at: number; x: number; y: number; colour: string; hollow?: boolean; size?: number }) {
  const look = { fill: hollow ? 'var(--surface)' : colour, stroke: colour, strokeWidth: 1.5 }
  const s = size
  if (at % 4 === 1) return <rect x={x - s + 0.5} y={y - s + 0.5} width={2 * s - 1} height={2 * s - 1} {...look} />
  if (at % 4 === 2) return <path d={`M${x} ${y - s - 0.5}L${x + s + 0.5} ${y + s - 0.5}H${x - s - 0.5}Z`} {...look} />
  if (at % 4 === 3) return <path d={`M${x} ${y - s - 1}L${x + s + 1} ${y}L${x} ${y + s + 1}L${x - s - 1} ${y}Z`} {...look} />
  return <circle cx={x} cy={y} r={s} {...look} />
}

export interface Whisker { row: string; change: number; low: number | null; high: number | null; colour: string; hollow: boolean }

/** Horizontal intervals with a dot, one per row of a chart that lies on its side. Cut off at the edge of the plot: an arrow says that it goes on. */
export function Whiskers({ whiskers, domain, dot }: { whiskers: Whisker[]; domain: [number, number]; dot: boolean }) {
  const xOf = useXAxisScale()
  const yOf = useYAxisScale()
  // before its first layout a chart has scales without a range
  if (xOf === undefined || yOf === undefined || xOf(domain[0]) === undefined) return null
  const within = (value: number): number => xOf(Math.min(domain[1], Math.max(domain[0], value)))!
  return (
    <g>
      {whiskers.map(({ row, change, low, high, colour, hollow }) => {
        const y = yOf(row, { position: 'middle' })
        if (y === undefined) return null
        return (
          <g key={row} stroke="var(--mantine-color-text)" strokeWidth={1.4} fill="none">
            {low !== null && high !== null && <>
              <path d={`M${within(low)} ${y}H${within(high)}`} />
              <path d={low < domain[0] ? `M${within(low) + 5} ${y - 4}L${within(low)} ${y}L${within(low) + 5} ${y + 4}` : `M${within(low)} ${y - 5}v10`} />
              <path d={high > domain[1] ? `M${within(high) - 5} ${y - 4}L${within(high)} ${y}L${within(high) - 5} ${y + 4}` : `M${within(high)} ${y - 5}v10`} />
            </>}
            {dot && <circle cx={within(change)} cy={y} r={4.5} fill={hollow ? 'var(--surface)' : colour} stroke={colour} strokeWidth={2} />}
          </g>
        )
      })}
    </g>
  )
}

/** Text in two lines left of each row. */
function RowLabel({ x, y, lines, dot }: { x: number | string; y: number | string; lines: [string, string]; dot: string }) {
  const [left, top] = [Number(x), Number(y)]
  const two = lines[1] !== ''
  return (
    <g>
      <rect x={left - 192} y={top - (two ? 12 : 4)} width={9} height={9} rx={2} fill={dot} />
      <text x={left - 178} y={top + (two ? -4 : 4)} fill="var(--mantine-color-text)" fontWeight={600}>{cut(lines[0], 27)}<title>{lines[0]}</title></text>
      {two && <text x={left - 178} y={top + 10} fill="var(--mantine-color-dimmed)">{cut(lines[1], 31)}<title>{lines[1]}</title></text>}
    </g>
  )
}

/** As the tick of an axis whose categories are row numbers. */
export const rowTick = (rowOf: (at: number) => { lines: [string, string]; dot: string }) => ({ x, y, payload }: YAxisTickContentProps) => <RowLabel x={x} y={y} {...rowOf(Number(payload.value))} />

export const LABEL_PX = 200

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

/** Holds zero and every change; intervals up to twice the largest change, so that a wild one does not flatten the rest. Ratios − 1. */
export function changeDomain(values: { change: number; low: number | null; high: number | null }[]): [number, number] {
  const most = Math.max(0.05, ...values.map(({ change }) => Math.abs(change))) * 2
  const ends = values.flatMap(({ change, low, high }) => [change, Math.max(-most, low ?? change), Math.min(most, high ?? change)])
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)]
  const room = Math.max(0.01, (high - low) * 0.06)
  return [low === 0 ? 0 : Math.max(-1, low - room), high === 0 ? 0 : high + room]
}

/** Round steps from low to high, zero among them. */
export function changeTicks([low, high]: [number, number]): number[] {
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10].find((each) => (high - low) / each <= 7) ?? 20
  const ticks: number[] = []
  for (let at = Math.ceil(low / step); at * step <= high + 1e-9; at++) ticks.push(at * step)
  return ticks
}
