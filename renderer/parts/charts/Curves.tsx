// Curves: a sweep. One line per arm with its band, the knee and a latency limit marked. Lines are told apart by point shape too.
import { CartesianGrid, ComposedChart, Line, ReferenceDot, ReferenceLine, ResponsiveContainer, Tooltip, useXAxisScale, useYAxisScale, XAxis, YAxis, type DotItemDotProps, type TooltipContentProps } from 'recharts'
import { fixed, rate, UNKNOWN } from '../../../shared/units.ts'
import { axisTop, splitsTo } from '../stripColumns.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { joined, logTicks, type CurveRow } from './curveRows.ts'
import { AXIS, GRID, PointMark } from './marks.tsx'

export interface CurvePoint { x: number; y: number; low: number | null; high: number | null; /** Said beside it. */ note: string }
export interface Curve { id: string; label: string; colour: string; points: CurvePoint[]; knee: { x: number; y: number } | null }

export interface CurvesProps {
  title: string
  meaning: React.ReactNode
  curves: Curve[]
  x: { label: string; unit: string; logarithmic: boolean; digits: number }
  y: { label: string; unit: string }
  /** A vertical line: the latency limit. */
  limit: { x: number; label: string } | null
  stamp?: string | null
  aside?: React.ReactNode
  note?: React.ReactNode
  empty?: string | null
}

export function Curves({ title, meaning, curves, x, y, limit, stamp = null, aside, note, empty = null }: CurvesProps) {
  const rows = joined(curves)
  const xs = rows.map((row) => row.x)
  const log = x.logarithmic && xs.length > 1 && xs[0]! > 0
  const [low, high] = [Math.min(...xs), Math.max(...xs)]
  const domain: [number, number] = log ? [low / 1.12, high * 1.12] : [Math.min(0, low), axisTop(Math.max(high, limit?.x ?? high))]
  const most = Math.max(...curves.flatMap(({ points }) => points.map((point) => point.y)))
  // a wild interval of few blocks would flatten everything else: its band leaves the plot at the top
  const top = axisTop(Math.max(...curves.flatMap(({ points }) => points.map(({ y: at, high: end }) => Math.min(1.5 * most, Math.max(at, end ?? at))))))
  const xText = (value: number): string => fixed(value, x.digits)
  const table = {
    heads: ['Arm', `${x.label}${x.unit === '' ? '' : ` (${x.unit})`}`, `${y.label} (${y.unit})`, 'Interval low', 'Interval high', 'Of it'],
    rows: curves.flatMap((curve) => curve.points.map((point) => [curve.label, xText(point.x), rate(point.y), rate(point.low), rate(point.high), [point.note, curve.knee?.x === point.x ? 'knee' : ''].filter((part) => part !== '').join(', ')])),
  }
  return (
    <ChartFrame title={title} unit={`${y.unit} over ${x.label}${x.unit === '' ? '' : `, ${x.unit}`}`} meaning={meaning} stamp={stamp} aside={aside} note={note} table={table} empty={empty ?? (rows.length === 0 ? 'No point yet: a curve begins with the first cell that is done.' : null)}
      keys={curves.map(({ label, colour }) => ({ label, colour }))}>
      <ResponsiveContainer width="100%" height={320}>
        <ComposedChart data={rows} margin={{ top: 14, right: 18, bottom: 16, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid {...GRID} />
          <XAxis type="number" dataKey="x" scale={log ? 'log' : 'linear'} domain={domain} {...(log ? { ticks: logTicks(xs) } : {})} tickFormatter={xText} allowDataOverflow {...AXIS} label={{ value: x.unit === '' ? x.label : `${x.label}, ${x.unit}`, position: 'insideBottom', offset: -10, fill: 'var(--mantine-color-dimmed)', fontSize: 11 }} />
          <YAxis width={62} domain={[0, top]} ticks={splitsTo(top, 6)} interval={0} tickFormatter={(value: number) => fixed(value)} {...AXIS} />
          <Drawn curves={curves} top={top} />
          {limit !== null && <ReferenceLine x={limit.x} stroke="var(--tone-busy)" strokeDasharray="5 4" label={{ value: limit.label, position: 'insideTopLeft', fill: 'var(--tone-busy)', fontSize: 11 }} />}
          {curves.map((curve, at) => (
            <Line key={curve.id} dataKey={curve.id} name={curve.label} stroke="none" isAnimationActive={false} activeDot={false} type="linear" dot={dotOf(rows, curve, at)} />
          ))}
          {curves.map((curve, at) => curve.knee !== null && <ReferenceDot key={`${curve.id} knee`} x={curve.knee.x} y={curve.knee.y} r={9} fill="none" stroke={curve.colour} strokeWidth={1.4} label={{ value: 'knee', position: at % 2 === 0 ? 'top' : 'bottom', fill: curve.colour, fontSize: 11, offset: 10 }} />)}
          <Tooltip isAnimationActive={false} cursor={{ stroke: 'var(--line-strong)' }} content={tipOf(curves, (at) => `${x.label} ${xText(at)} ${x.unit}`, y.unit)} />
        </ComposedChart>
      </ResponsiveContainer>
    </ChartFrame>
  )
}

const dotOf = (rows: CurveRow[], { id, colour }: Curve, at: number) => ({ cx, cy, index }: DotItemDotProps) => (cx == null || cy == null || rows[index]?.[id] == null ? <g key={index} /> : <g key={index}><PointMark at={at} x={cx} y={cy} colour={colour} /></g>)
const tipOf = (curves: Curve[], headOf: (at: number) => string, unit: string) => ({ active, label }: TooltipContentProps) => (active ? <Tip curves={curves} at={Number(label)} head={headOf(Number(label))} unit={unit} /> : null)

/** Lines and bands in the order of the load: over latency a curve may turn back, which is what it has to show. Bands become whiskers there. */
function Drawn({ curves, top }: { curves: Curve[]; top: number }) {
  const xOf = useXAxisScale()
  const yOf = useYAxisScale()
  if (xOf === undefined || yOf === undefined || yOf(0) === undefined) return null
  const at = (x: number, y: number): string => `${xOf(x)} ${yOf(Math.min(top, Math.max(0, y)))}`
  return (
    <g fill="none">
      {curves.map(({ id, colour, points }) => {
        const forward = points.every((point, index) => index === 0 || point.x > points[index - 1]!.x)
        const band = [...points.map((point) => at(point.x, point.high ?? point.y)), ...points.toReversed().map((point) => at(point.x, point.low ?? point.y))]
        return (
          <g key={id} stroke={colour}>
            {forward && band.length > 2 && <path d={`M${band.join('L')}Z`} fill={colour} fillOpacity={0.16} stroke="none" />}
            {!forward && points.map((point) => (point.low === null || point.high === null ? null : <path key={point.note} d={`M${at(point.x, point.low)}L${at(point.x, point.high)}`} />))}
            {points.length > 1 && <path d={`M${points.map((point) => at(point.x, point.y)).join('L')}`} strokeWidth={1.8} />}
          </g>
        )
      })}
    </g>
  )
}

function Tip({ curves, at, head, unit }: { curves: Curve[]; at: number; head: string; unit: string }) {
  return (
    <div className="chartTip">
      <strong>{head}</strong>
      {curves.flatMap((curve) => curve.points.filter((point) => point.x === at).map((point) => (
        <span key={`${curve.id} ${point.note}`}><i style={{ background: curve.colour }} />{curve.label} <b>{rate(point.y)} {unit}</b> <span className="dim">{point.low === null ? UNKNOWN : `${rate(point.low)} … ${rate(point.high)}`} · {point.note}</span></span>
      )))}
    </div>
  )
}
