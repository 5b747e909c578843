// A sweep as curves and grids: what a report shows over the quantities it varied. Reads measured blocks only; never draws beyond them.
import { withRate, type Arm, type Block, type Comparison, type ExperimentFile, type Point, type Report, type Vary } from './experiment.ts'
import { intervalOf } from './interval.ts'
import { fixed } from './units.ts'

type Swept = Pick<Report, 'plan' | 'blocks'>

/** One arm at one value of x: means over its valid, compared blocks there. */
export interface CurvePoint {
  cell: number
  x: number
  /** Output tokens/s. The interval is of this mean, not of a gain; null with one block. */
  tokensPerSecond: number
  low: number | null
  high: number | null
  /** Means of the blocks' 95th percentiles. */
  endToEndMsP95: number | null
  ttftMsP95: number | null
  tpotMsP95: number | null
  blocks: number
}
export interface Curve {
  armId: string
  armName: string
  vary: NumericVary
  /** What else was varied, and is fixed here. */
  fixed: Point
  /** Ascending x; a point without a valid block is not there. */
  points: CurvePoint[]
}
export type NumericVary = Exclude<Vary, 'model'>

/** The axis to draw along: load before length, because a curve's knee is one of load. */
const ALONG: readonly NumericVary[] = ['concurrency', 'perSecond', 'promptTokens', 'outputTokens']

/** One curve per arm and choice of the other axes; empty where no number is varied. */
export function curvesOf(report: Swept): Curve[] {
  const { file, cells } = report.plan
  const vary = ALONG.find((one) => file.axes.some((axis) => axis.vary === one))
  if (vary === undefined) return []
  const groups = new Map<string, { fixed: Point; cells: { cell: number; x: number }[] }>()
  cells.forEach(({ point }, cell) => {
    const { [vary]: x, ...fixed } = point
    if (x === undefined) return
    const key = pointText(fixed)
    const group = groups.get(key) ?? { fixed, cells: new Array<{ cell: number; x: number }>() }
    group.cells.push({ cell, x })
    groups.set(key, group)
  })
  return [...groups.values()].flatMap((group) => file.arms.map((arm) => ({
    armId: arm.id, armName: arm.name, vary, fixed: group.fixed,
    points: group.cells.flatMap(({ cell, x }) => pointOn(report.blocks, arm, cell, x) ?? []).sort((a, b) => a.x - b.x),
  })))
}

/** By list of blocks, then by arm and cell: every arm of every cell is asked for several times over. Lists of blocks are never changed in place. */
const grouped = new WeakMap<readonly Block[], Map<string, Block[]>>()

export function validBlocks(blocks: readonly Block[], armId: string, cell: number): Block[] {
  const groups = grouped.get(blocks) ?? Map.groupBy(blocks.filter((block) => block.purpose === 'compared' && block.validity === 'valid' && block.total !== null), (block) => `${block.cell} ${block.armId}`)
  grouped.set(blocks, groups)
  return [...(groups.get(`${cell} ${armId}`) ?? [])]
}

function pointOn(blocks: readonly Block[], arm: Arm, cell: number, x: number): CurvePoint | null {
  const totals = validBlocks(blocks, arm.id, cell).flatMap((block) => block.total ?? [])
  const throughput = intervalOf(totals.map((total) => total.outputTokensPerSecond))
  if (throughput === null) return null
  const meanOf = (key: 'endToEndMs' | 'ttftMs' | 'tpotMs') => intervalOf(totals.flatMap((total) => total[key]?.p95 ?? []))?.mean ?? null
  return {
    cell, x, tokensPerSecond: throughput.mean, low: throughput.low, high: throughput.high,
    endToEndMsP95: meanOf('endToEndMs'), ttftMsP95: meanOf('ttftMs'), tpotMsP95: meanOf('tpotMs'), blocks: totals.length,
  }
}

/**
 * Output tokens/s where the end-to-end p95 crosses `latencySeconds`, on straight lines between measured points. With several crossings the last
 * upward one. Null: the limit lies outside what was measured.
 */
export function readOff(curve: Curve, latencySeconds: number): number | null {
  const limit = 1000 * latencySeconds
  const known = curve.points.flatMap((point) => (point.endToEndMsP95 === null ? [] : [{ latency: point.endToEndMsP95, tokensPerSecond: point.tokensPerSecond }]))
  for (let i = known.length - 1; i >= 0; i--) {
    const [here, next] = [known[i]!, known[i + 1]]
    if (here.latency === limit) return here.tokensPerSecond
    if (next !== undefined && here.latency < limit && next.latency > limit) {
      return here.tokensPerSecond + ((limit - here.latency) / (next.latency - here.latency)) * (next.tokensPerSecond - here.tokensPerSecond)
    }
  }
  return null
}

/** What a curve gives at a limit: `atLeast` where every measured point lies below it, so that the most that was measured is there to be had. */
export interface AtLimit {
  tokensPerSecond: number
  atLeast: boolean
}

/** Null: every point is slower than the limit, or no latency was measured. */
export function atLimit(curve: Curve, latencySeconds: number): AtLimit | null {
  const exact = readOff(curve, latencySeconds)
  if (exact !== null) return { tokensPerSecond: exact, atLeast: false }
  const known = curve.points.filter(({ endToEndMsP95 }) => endToEndMsP95 !== null)
  if (known.length === 0 || known.some(({ endToEndMsP95 }) => endToEndMsP95! > 1000 * latencySeconds)) return null
  return { tokensPerSecond: Math.max(...known.map(({ tokensPerSecond }) => tokensPerSecond)), atLeast: true }
}

/** Ratio − 1; null where the baseline is not read off: against "at least" nothing can be said. */
export const againstLimit = (own: AtLimit | null, baseline: AtLimit | null): { change: number; atLeast: boolean } | null =>
  own === null || baseline === null || baseline.atLeast ? null : { change: own.tokensPerSecond / baseline.tokensPerSecond - 1, atLeast: own.atLeast }

/** The first measured point from which twice the load gives less than 10 % more tokens/s. Null: none within what was measured, or no load was varied. */
export function knee(curve: Curve): CurvePoint | null {
  if (curve.vary !== 'concurrency' && curve.vary !== 'perSecond') return null
  return curve.points.find((point) => {
    const twice = throughputAt(curve, 2 * point.x)
    return twice !== null && twice < 1.1 * point.tokensPerSecond
  }) ?? null
}

function throughputAt(curve: Curve, x: number): number | null {
  const after = curve.points.findIndex((point) => point.x >= x)
  const [left, right] = [curve.points[after - 1], curve.points[after]]
  if (right === undefined) return null
  if (right.x === x) return right.tokensPerSecond
  return left === undefined ? null : left.tokensPerSecond + ((x - left.x) / (right.x - left.x)) * (right.tokensPerSecond - left.tokensPerSecond)
}

/** A load as it was asked for: rates of requests may have a digit after the point. */
export const loadText = (x: number): string => fixed(x, Number.isInteger(x) ? 0 : 1)

/** Of the requests that ended well, the part that must meet every limit. */
export const KEPT_SHARE = 0.95

/** The highest measured load up to which an arm kept the load's goodput limits, below it too. `all`: it kept them at every load that was measured. Null: at none, or there are no limits. */
export function keptUpTo(report: Swept, curve: Curve): { x: number; all: boolean } | null {
  if (report.plan.file.load.goodput === null) return null
  const keeps = ({ cell }: CurvePoint): boolean => {
    const totals = validBlocks(report.blocks, curve.armId, cell).flatMap(({ total }) => total ?? [])
    const sum = (of: (total: (typeof totals)[number]) => number) => totals.reduce((all, total) => all + of(total), 0)
    const ended = sum(({ requestsPerSecond }) => requestsPerSecond)
    return ended > 0 && sum(({ goodputPerSecond }) => goodputPerSecond ?? 0) >= KEPT_SHARE * ended
  }
  const missed = curve.points.findIndex((point) => !keeps(point))
  const last = missed === -1 ? curve.points.at(-1) : curve.points[missed - 1]
  return last === undefined ? null : { x: last.x, all: missed === -1 }
}

/** Whether every engine of the arm can have a request at a time: where it cannot, an uneven share says nothing about the engines. */
export function canBeEven({ load }: Pick<ExperimentFile, 'load'>, point: Point, arm: Pick<Arm, 'engines'>): boolean {
  const arrivals = withRate(load.arrivals, point)
  return arrivals.kind !== 'closed' || load.regime === 'equalPerEngine' || arrivals.concurrency >= arm.engines
}

/** How evenly the engines of a block were served: Jain's index (1 even, 1/n all to one) and each engine's share of the output tokens. Null: one engine, or no token. */
export function fairness(block: Pick<Block, 'engines'>): { jain: number; shares: { engineName: string; share: number }[] } | null {
  const rates = block.engines.map((engine) => engine.result.outputTokensPerSecond)
  const sum = rates.reduce((total, rate) => total + rate, 0)
  if (rates.length < 2 || !(sum > 0)) return null
  return {
    jain: sum ** 2 / (rates.length * rates.reduce((total, rate) => total + rate ** 2, 0)),
    shares: block.engines.map((engine) => ({ engineName: engine.engineName, share: engine.result.outputTokensPerSecond / sum })),
  }
}

export type GridCell = Pick<Comparison, 'cell' | 'change' | 'low' | 'high' | 'pairs' | 'verdict'>
/** rows[y][x]; null: not compared (yet). */
export interface Grid {
  armId: string
  x: { vary: Vary; values: (string | number)[] }
  y: { vary: Vary; values: (string | number)[] }
  rows: (GridCell | null)[][]
}

/** The gain in output tokens/s over two axes, the first one down and the second across, for an arm (the first under MPS unless named). Null: not two axes, or no such comparison. */
export function gridOf(report: Pick<Report, 'plan' | 'comparisons'>, name: Comparison['name'], armId?: string): Grid | null {
  const { axes, arms } = report.plan.file
  const [y, x] = axes
  if (axes.length !== 2 || x === undefined || y === undefined) return null
  const chosen = armId ?? (arms.find((arm) => arm.kind === 'mps') ?? arms[0])?.id ?? ''
  const there = report.comparisons.filter((one) => one.name === name && one.armId === chosen && one.measure === 'outputTokensPerSecond')
  if (there.length === 0) return null
  const rows = y.values.map((down) => x.values.map((across) => {
    const cell = report.plan.cells.findIndex(({ point }) => point[y.vary] === down && point[x.vary] === across)
    const found = there.find((one) => one.cell === cell)
    return found === undefined ? null : { cell, change: found.change, low: found.low, high: found.high, pairs: found.pairs, verdict: found.verdict }
  }))
  return { armId: chosen, x: { vary: x.vary, values: [...x.values] }, y: { vary: y.vary, values: [...y.values] }, rows }
}

export const AXIS_LABELS: Record<Vary, string> = { model: 'Model', promptTokens: 'Prompt tokens', outputTokens: 'Output tokens', concurrency: 'Concurrency', perSecond: 'Requests/s' }

/** A point in words, in the order of the axis labels: `Model Qwen2.5-0.5B, concurrency 64`; empty for the only cell of an experiment without axes. */
export function pointText(point: Point): string {
  const text = (Object.keys(AXIS_LABELS) as Vary[]).flatMap((vary) => (point[vary] === undefined ? [] : `${AXIS_LABELS[vary].toLowerCase()} ${point[vary]}`)).join(', ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
