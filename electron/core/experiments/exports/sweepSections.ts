// A sweep in an export: curves, throughput at a latency limit, knees, and the heat map of two axes.
import type { Report } from '../../../../shared/experiment.ts'
import { signedPercent } from '../../../../shared/headline.ts'
import { limitsText } from '../../../../shared/load.ts'
import { againstLimit, atLimit, AXIS_LABELS, curvesOf, gridOf, keptUpTo, KEPT_SHARE, knee, loadText, pointText, type Curve, type Grid } from '../../../../shared/sweep.ts'
import { duration, fixed, rate, UNKNOWN } from '../../../../shared/units.ts'
import { heatMap, lineChart } from './charts.ts'
import type { Part, Section } from './outline.ts'
import { milliseconds, withInterval } from './words.ts'

/** Groups of curves that are drawn; the tables have all. */
const DRAWN_GROUPS = 6

const GAIN_NAMES = { againstSingle: 'against the best single engine', againstTimeSliced: 'against the same engines time-sliced', other: 'against another arm' } as const

export function sweepSections(report: Report): Section[] {
  const maps = (['againstSingle', 'againstTimeSliced'] as const).flatMap((name) => {
    const grid = gridOf(report, name)
    return grid === null ? [] : mapParts(report, grid, GAIN_NAMES[name])
  })
  const curves = curvesOf(report).filter((curve) => curve.points.length > 0)
  const swept = curves.some((curve) => curve.points.length > 1) ? curveParts(report, curves) : []
  return maps.length + swept.length === 0 ? [] : [{ title: 'Sweep', parts: [...maps, ...swept] }]
}

function mapParts(report: Report, grid: Grid, against: string): Part[] {
  const [x, y] = [AXIS_LABELS[grid.x.vary], AXIS_LABELS[grid.y.vary]]
  const arm = report.plan.file.arms.find((one) => one.id === grid.armId)?.name ?? grid.armId
  return [
    { kind: 'figure', caption: `${arm} ${against}: change of output tokens/s; half the width of its 95 % interval below.`, svg: heatMap('Gain by cell', { x, y }, grid) },
    { kind: 'table', numbersFrom: 1, head: [`${y} ↓ ${x} →`, ...grid.x.values.map(String)], rows: grid.y.values.map((value, down) => [String(value), ...(grid.rows[down] ?? []).map((cell) => (cell === null ? UNKNOWN : signedPercent(cell.change)))]) },
  ]
}

function curveParts(report: Report, curves: readonly Curve[]): Part[] {
  const { arms, readOffAtLatencySeconds: limit, load } = report.plan.file
  const groups = [...new Set(curves.map((curve) => pointText(curve.fixed)))]
  const figures = groups.slice(0, DRAWN_GROUPS).flatMap((group) => groupFigures(curves.filter((curve) => pointText(curve.fixed) === group), (id) => arms.findIndex((arm) => arm.id === id), group, limit))
  const named = groups.length > 1
  const where = (curve: Curve) => (named ? [pointText(curve.fixed)] : [])
  const vary = AXIS_LABELS[curves[0]!.vary]
  const points = curves.flatMap((curve) => curve.points.map((point) => [
    ...where(curve), curve.armName, String(point.x), withInterval({ mean: point.tokensPerSecond, low: point.low, high: point.high }), milliseconds(point.ttftMsP95), milliseconds(point.tpotMsP95), milliseconds(point.endToEndMsP95), String(point.blocks),
  ]))
  const asLoad = curves[0]!.vary === 'concurrency' || curves[0]!.vary === 'perSecond'
  const single = arms.find(({ kind }) => kind === 'single')
  const against = (curve: Curve, limit: number): string => {
    const baseline = curves.find((other) => other.armId === single?.id && pointText(other.fixed) === pointText(curve.fixed))
    if (baseline === curve) return ''
    return atLeastText(againstLimit(atLimit(curve, limit), baseline === undefined ? null : atLimit(baseline, limit)), ({ change }) => signedPercent(change))
  }
  const summary = curves.map((curve) => [...where(curve), curve.armName, ...(limit === null ? [] : [atLeastText(atLimit(curve, limit), ({ tokensPerSecond }) => rate(tokensPerSecond)), against(curve, limit)]), ...(asLoad ? [kneeText(curve), ...(load.goodput === null ? [] : [keptText(report, curve)])] : [])])
  return [
    ...figures,
    { kind: 'table', numbersFrom: named ? 2 : 1, head: [...(named ? ['Where'] : []), 'Arm', vary, 'Output tokens/s', 'TTFT p95', 'TPOT p95', 'End to end p95', 'Blocks'], rows: points },
    ...(limit === null && !asLoad ? [] : [
      { kind: 'table' as const, numbersFrom: named ? 2 : 1, head: [...(named ? ['Where'] : []), 'Arm', ...(limit === null ? [] : [`Tokens/s at ${duration(1000 * limit)}`, single === undefined ? 'Against' : `Against ${single.name}`]), ...(asLoad ? ['Knee', ...(load.goodput === null ? [] : ['Keeps its limits up to'])] : [])], rows: summary },
      { kind: 'text' as const, text: [
        limit === null ? [] : `Tokens/s at ${duration(1000 * limit)}: read off where the end-to-end p95 crosses that limit, on straight lines between measured points. “At least”: every measured load stayed below the limit. “${UNKNOWN}”: none did, or the single engine's own is not known. It has no interval.`,
        asLoad ? `Knee: the first measured load of which twice as much gives less than 10 % more tokens/s. ${vary} is counted ${load.regime === 'equalTotal' ? 'over the whole arm' : 'per engine'}.` : [],
        asLoad && load.goodput !== null ? `Limits: ${limitsText(load.goodput)}; kept where ${fixed(100 * KEPT_SHARE)} % of the requests that ended well met all of them, at this load and at every lower one.` : [],
      ].flat().join(' ') },
    ]),
  ]
}

const atLeastText = <Value extends { atLeast: boolean }>(value: Value | null, text: (value: Value) => string): string =>
  value === null ? UNKNOWN : `${value.atLeast ? 'at least ' : ''}${text(value)}`

function kneeText(curve: Curve): string {
  const found = knee(curve)
  return found === null ? 'none within what was measured' : `${loadText(found.x)} (${rate(found.tokensPerSecond)} tokens/s)`
}

function keptText(report: Report, curve: Curve): string {
  const kept = keptUpTo(report, curve)
  return kept === null ? 'not kept at any load' : `${kept.all ? 'at least ' : ''}${loadText(kept.x)}`
}

function groupFigures(curves: readonly Curve[], indexOf: (armId: string) => number, group: string, limit: number | null): Part[] {
  const vary = curves[0]!.vary
  const suffix = group === '' ? '' : `, ${group}`
  const along = curves.map((curve) => ({ name: curve.armName, index: indexOf(curve.armId), points: curve.points.map(({ x, tokensPerSecond, low, high }) => ({ x, y: tokensPerSecond, low, high })) }))
  const byLatency = curves.map((curve) => ({
    name: curve.armName, index: indexOf(curve.armId), points: curve.points.flatMap(({ endToEndMsP95, tokensPerSecond }) => (endToEndMsP95 === null ? [] : [{ x: endToEndMsP95 / 1000, y: tokensPerSecond, low: null, high: null }])),
  }))
  return [
    { kind: 'figure', caption: `Output tokens/s over ${AXIS_LABELS[vary].toLowerCase()}${suffix}; bands are 95 % intervals of the mean.`, svg: lineChart({ title: 'Sweep', x: AXIS_LABELS[vary], y: 'Output tokens/s', doubling: true }, along) },
    ...((vary === 'concurrency' || vary === 'perSecond') && byLatency.some((line) => line.points.length > 1) ? [{
      kind: 'figure' as const, caption: `Output tokens/s over end-to-end p95${suffix}${limit === null ? '' : `; the upright line is the limit of ${duration(1000 * limit)}`}.`,
      svg: lineChart({ title: 'Throughput against latency', x: 'End-to-end p95, s', y: 'Output tokens/s', doubling: false, limit }, byLatency),
    }] : []),
  ]
}
