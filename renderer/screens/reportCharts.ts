// What a report's charts show, as rows for chart parts. Pure.
import { holdsOnlyFor } from '../../shared/counted.ts'
import type { Arm, Block, Comparison, Plan, Point, Report } from '../../shared/experiment.ts'
import { AXIS_LABELS, curvesOf, gridOf, knee, pointText, type Curve as Swept } from '../../shared/sweep.ts'
import { fixed } from '../../shared/units.ts'
import { armColour } from '../parts/armColour.ts'
import type { BlockArm } from '../parts/charts/BlockSeries.tsx'
import type { Curve } from '../parts/charts/Curves.tsx'
import type { ExpectedRow } from '../parts/charts/ExpectedActual.tsx'
import type { GainRow } from '../parts/charts/GainBars.tsx'
import type { HeatMapProps } from '../parts/charts/HeatMap.tsx'
import { engineVar } from '../theme/palette.ts'

type Compared = Pick<Report, 'plan' | 'comparisons'>

const colourOf = (arms: readonly Arm[], id: string): string => engineVar(armColour(arms, id))
const nameOf = (arms: readonly Arm[], id: string): string => arms.find((arm) => arm.id === id)?.name ?? id

/** The two named gains of every arm in one cell, in the order of the arms. */
export function gainRows(report: Compared & Pick<Report, 'checks'>, cell: number, measure: Comparison['measure'] = 'outputTokensPerSecond'): GainRow[] {
  const { plan: { file: { arms } }, comparisons } = report
  return arms.flatMap((arm) => (['againstSingle', 'againstTimeSliced'] as const).flatMap((name) => comparisons
    .filter((one) => one.cell === cell && one.measure === measure && one.armId === arm.id && one.name === name)
    .map((comparison) => ({ comparison, arm: arm.name, baseline: nameOf(arms, comparison.baselineId), colour: colourOf(arms, arm.id), only: holdsOnlyFor(report, comparison) }))))
}

/** Every predicted arm of every cell that is shown, with what was measured of it. */
export function expectedRows({ plan, comparisons }: Compared, cells: readonly number[]): ExpectedRow[] {
  const { arms } = plan.file
  return cells.flatMap((cell) => arms.filter((arm) => arm.kind !== 'single').map((arm): ExpectedRow => {
    const prediction = plan.cells[cell]?.predictions.find((one) => one.armId === arm.id)
    const found = comparisons.find((one) => one.cell === cell && one.armId === arm.id && one.name === 'againstSingle' && one.measure === 'outputTokensPerSecond')
    return {
      arm: arm.name, cell: shortPoint(plan.cells[cell]?.point ?? {}), colour: colourOf(arms, arm.id), expected: prediction?.gain ?? null, why: prediction?.sentence ?? 'There is no prediction for it.',
      measured: found === undefined || found.change === null ? null : { change: found.change, low: found.low, high: found.high },
    }
  }))
}

/** Whether the model was fitted for this load; what it guesses of time slices is said with the arm. */
export const isConfident = (plan: Plan): boolean =>
  plan.cells.every(({ predictions }) => predictions.every(({ armId, gain, confidence }) => gain === null || confidence === 'high' || plan.file.arms.find(({ id }) => id === armId)?.kind === 'timeSliced'))

/** Compared blocks of one cell in the order in which they ran, by arm. */
export function blockArms({ plan, blocks }: Pick<Report, 'plan' | 'blocks'>, cell: number): BlockArm[] {
  const ran = blocks.filter((block) => block.cell === cell && block.purpose === 'compared').sort((a, b) => a.startedAtMs - b.startedAtMs || a.index - b.index)
  const order = new Map(ran.map((block, at) => [block, at]))
  const pointOf = (block: Block) => ({ order: order.get(block)!, round: block.round, startedAtMs: block.startedAtMs, tokensPerSecond: block.total?.outputTokensPerSecond ?? null, validity: block.validity, reasons: block.reasons })
  return plan.file.arms.map((arm) => ({ id: arm.id, label: arm.name, colour: colourOf(plan.file.arms, arm.id), blocks: ran.filter((block) => block.armId === arm.id).map(pointOf) }))
}

/** Values of two axes as a heat map: measured, or while nothing is measured expected. null: there are not two axes. */
export function heatOf(report: Compared, name: 'againstSingle' | 'againstTimeSliced', armId: string): Pick<HeatMapProps, 'rows' | 'columns' | 'cells'> | null {
  const [y, x] = report.plan.file.axes
  if (x === undefined || y === undefined || report.plan.file.axes.length !== 2) return null
  const grid = gridOf(report, name, armId)
  const cells = y.values.flatMap((down, row) => x.values.map((across, column) => {
    const measured = grid?.rows[row]?.[column]
    if (measured != null) return { row, column, change: measured.change, low: measured.low, high: measured.high, verdict: measured.verdict, pairs: measured.pairs, why: 'No pair of valid blocks.' }
    const prediction = report.plan.cells.find(({ point }) => point[y.vary] === down && point[x.vary] === across)?.predictions.find((one) => one.armId === armId)
    const gain = report.comparisons.length > 0 ? null : (name === 'againstSingle' ? prediction?.gain : prediction?.gainOverTimeSlicing) ?? null
    const why = report.comparisons.length > 0 ? 'Not measured.' : prediction?.sentence ?? 'There is no prediction for it.'
    return { row, column, change: gain?.likely ?? null, low: gain?.low ?? null, high: gain?.high ?? null, verdict: null, pairs: 0, why }
  }))
  return { rows: { label: AXIS_LABELS[y.vary], values: y.values.map(valueText) }, columns: { label: AXIS_LABELS[x.vary], values: x.values.map(valueText) }, cells }
}

/** A cell in few words: `Qwen2.5-0.5B · 128 in · 64 at a time`. */
export function shortPoint({ model, promptTokens, outputTokens, concurrency, perSecond }: Point): string {
  const parts = [model === undefined ? null : valueText(model), promptTokens === undefined ? null : `${fixed(promptTokens)} in`, outputTokens === undefined ? null : `${fixed(outputTokens)} out`,
    concurrency === undefined ? null : `${fixed(concurrency)} at a time`, perSecond === undefined ? null : `${valueText(perSecond)} requests/s`]
  return parts.filter((part) => part !== null).join(' · ')
}

const valueText = (value: string | number): string => (typeof value === 'number' ? fixed(value, Number.isInteger(value) ? 0 : 1) : (value.split('/').at(-1) ?? value))

/** What else was varied, in words: one choice per group of curves. */
export const groupsOf = (report: Pick<Report, 'plan' | 'blocks'>): string[] => [...new Set(curvesOf(report).map((curve) => pointText(curve.fixed)))]

export const curvesIn = (report: Pick<Report, 'plan' | 'blocks'>, group: string): Swept[] => curvesOf(report).filter((curve) => pointText(curve.fixed) === group)

/** Throughput over the load, or over the end-to-end p95 that it came with, in seconds. */
export function drawnCurves(arms: readonly Arm[], curves: readonly Swept[], over: 'load' | 'latency'): Curve[] {
  return curves.map((curve) => {
    const bend = knee(curve)
    const placed = curve.points.flatMap((point) => {
      const x = over === 'load' ? point.x : point.endToEndMsP95 === null ? null : point.endToEndMsP95 / 1000
      const other = over === 'load' ? `p95 ${point.endToEndMsP95 === null ? '—' : `${fixed(point.endToEndMsP95 / 1000, 2)} s`}` : `${AXIS_LABELS[curve.vary].toLowerCase()} ${valueText(point.x)}`
      return x === null ? [] : [{ point, x, y: point.tokensPerSecond, low: point.low, high: point.high, note: `${other}, ${point.blocks} block${point.blocks === 1 ? '' : 's'}` }]
    })
    const at = placed.find(({ point }) => point.cell === bend?.cell)
    return { id: curve.armId, label: curve.armName, colour: colourOf(arms, curve.armId), points: placed.map(({ x, y, low, high, note }) => ({ x, y, low, high, note })), knee: at === undefined ? null : { x: at.x, y: at.y } }
  })
}
