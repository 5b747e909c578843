// A report held against the claims of its file. Pure; believes intervals only, and says what it could not see.
import type { Claim } from './claim.ts'
import { VERDICTS, type Comparison, type ExperimentFile, type Report, type Vary, type Verdict } from './experiment.ts'
import { intervalText, signedPercent } from './headline.ts'
import { AXIS_LABELS, curvesOf, pointText, readOff } from './sweep.ts'

const VARIED = Object.keys(AXIS_LABELS) as Vary[]

export const CLAIM_RESULTS = { met: 'met', missed: 'MISSED', notSettled: 'not settled', notMeasured: 'not measured' } as const
export type ClaimResult = keyof typeof CLAIM_RESULTS

export interface Held {
  claim: Claim
  result: ClaimResult
  /** What it rests on, in the order of the cells. */
  found: string[]
}

/** How a claim is judged, in a sentence each for those that have intervals and for the one that has none. */
export const CLAIM_RULE = 'Met: the 95 % interval of every cell that it speaks of lies on its side; for a fall, that of the last cell below that of the first, and none above the one before it. Missed: one interval lies on the other side. Not settled: an interval holds the limit, or too little was measured. What is read off a curve has no interval.'

/** Said of the claims of a simulated report. */
export const CLAIMS_SIMULATED = 'This is a test of the plumbing. The simulated workstation has a physics of its own, written down with what it meets and misses of the study in electron/sim/physics.ts: what it meets here says nothing about a GPU, and nothing about the study.'

/** `3 met, 1 MISSED, 0 not settled, 2 not measured` */
export const claimsCounted = (held: readonly Held[]): string =>
  (Object.keys(CLAIM_RESULTS) as ClaimResult[]).map((result) => `${held.filter((one) => one.result === result).length} ${CLAIM_RESULTS[result]}`).join(', ')

interface Seen {
  cell: number
  change: number | null
  low: number | null
  high: number | null
  verdict: Verdict
}

type Measured = Pick<Report, 'plan' | 'blocks' | 'comparisons'>

/** Every claim of the report's file, in its order. */
export function claimsHeld(report: Measured): Held[] {
  return report.plan.file.claims.map((claim) => ({ claim, ...held(claim, report) }))
}

function held(claim: Claim, report: Measured): Omit<Held, 'claim'> {
  const { is } = claim
  if (is.how === 'readOff') return heldReadOff(claim, is, report)
  const seen = cellsOf(claim, report).map((cell) => seenAt(report, claim.armId, cell))
  const found = seen.filter(({ change }) => change !== null).map((one) => foundText(report, one))
  const results = is.how === 'falls' ? groupsAlong(report, is.along, seen).map(falls) : seen.map((one) => beside(one, is))
  return { result: together(results), found }
}

const cellsOf = (claim: Claim, { plan }: Measured): number[] =>
  plan.cells.flatMap(({ point }, cell) => (VARIED.every((vary) => claim.at[vary] === undefined || claim.at[vary].some((value) => value === point[vary])) ? [cell] : []))

function seenAt({ comparisons }: Measured, armId: string, cell: number): Seen {
  const found = comparisons.find((one) => one.cell === cell && one.armId === armId && one.name === 'againstSingle' && one.measure === 'outputTokensPerSecond')
  return found === undefined ? { cell, change: null, low: null, high: null, verdict: 'tooFewBlocks' } : settled(found)
}

const SETTLED: ReadonlySet<Verdict> = new Set(['higher', 'lower', 'noDifference'])

/** Of too few blocks the change is told, and its interval settles nothing. */
const settled = ({ cell, change, low, high, verdict }: Comparison): Seen => (SETTLED.has(verdict) ? { cell, change, low, high, verdict } : { cell, change, low: null, high: null, verdict })

function beside({ change, low, high }: Seen, is: { how: 'above' | 'below'; gain: number }): ClaimResult {
  if (change === null) return 'notMeasured'
  if (low === null || high === null) return 'notSettled'
  if (low > is.gain) return is.how === 'above' ? 'met' : 'missed'
  if (high < is.gain) return is.how === 'below' ? 'met' : 'missed'
  return 'notSettled'
}

/** Cells that differ along one axis only, in the order of its values. */
function groupsAlong({ plan }: Measured, along: Vary, seen: readonly Seen[]): Seen[][] {
  const order = plan.file.axes.find(({ vary }) => vary === along)?.values ?? []
  const place = ({ cell }: Seen) => order.findIndex((value) => value === plan.cells[cell]?.point[along])
  const groups = Map.groupBy(seen, ({ cell }) => pointText({ ...plan.cells[cell]?.point, [along]: undefined }))
  return [...groups.values()].map((group) => group.toSorted((a, b) => place(a) - place(b)))
}

function falls(group: readonly Seen[]): ClaimResult {
  const [first, last] = [group[0], group.at(-1)]
  const rises = group.some(({ low }, at) => low !== null && (group[at - 1]?.high ?? Infinity) < low)
  if (rises) return 'missed'
  if (first === undefined || last === undefined || first === last || group.some(({ change }) => change === null)) return 'notMeasured'
  if (group.some(({ low }) => low === null)) return 'notSettled'
  return (last.high ?? Infinity) < (first.low ?? -Infinity) ? 'met' : 'notSettled'
}

function heldReadOff(claim: Claim, is: Extract<Claim['is'], { how: 'readOff' }>, report: Measured): Omit<Held, 'claim'> {
  const limit = report.plan.file.readOffAtLatencySeconds
  const curves = curvesOf(report)
  const at = (armId: string) => curves.flatMap((curve) => (curve.armId === armId && limit !== null ? (readOff(curve, limit) ?? []) : []))
  const [arms, baselines] = [at(claim.armId), at(is.againstId)]
  if (arms.length === 0 || arms.length !== baselines.length) return { result: 'notMeasured', found: [] }
  const gains = arms.map((tokensPerSecond, index) => tokensPerSecond / baselines[index]! - 1)
  return { result: gains.every((gain) => Math.abs(gain - is.gain) <= is.within) ? 'met' : 'missed', found: gains.map((gain) => signedPercent(gain)) }
}

/** One that is missed is missed, however little of the rest was measured. */
function together(results: readonly ClaimResult[]): ClaimResult {
  const first = (['missed', 'notMeasured', 'notSettled'] as const).find((result) => results.includes(result))
  return first ?? (results.length === 0 ? 'notMeasured' : 'met')
}

function foundText({ plan }: Measured, { cell, change, low, high, verdict }: Seen): string {
  const where = pointText(plan.cells[cell]?.point ?? {})
  const interval = low === null ? VERDICTS[verdict] : intervalText({ low, high })
  return `${where === '' ? '' : `${where}: `}${signedPercent(change)} (${interval})`
}

type Frame = Pick<ExperimentFile, 'arms' | 'axes' | 'readOffAtLatencySeconds'>

/** What keeps a claim from ever being seen in an experiment of these arms and axes, in a sentence. Null: nothing. */
export function strayClaim({ armId, at, is }: Claim, { arms, axes, readOffAtLatencySeconds }: Frame): string | null {
  const unknown = [armId, ...(is.how === 'readOff' ? [is.againstId] : [])].find((id) => !arms.some((arm) => arm.id === id))
  if (unknown !== undefined) return `it speaks of an arm ${unknown} that is not there.`
  const varied = [...Object.keys(at), ...(is.how === 'falls' ? [is.along] : [])].find((vary) => !axes.some((axis) => axis.vary === vary))
  if (varied !== undefined) return `it speaks of ${varied}, which is not varied.`
  const value = axes.flatMap(({ vary, values }) => (at[vary] ?? []).filter((one) => !(values as readonly (string | number)[]).includes(one)))[0]
  if (value !== undefined) return `it speaks of ${value}, which is no value of that axis.`
  return is.how === 'readOff' && readOffAtLatencySeconds === null ? 'nothing is read off: readOffAtLatencySeconds is missing.' : null
}

/** A file whose arms or axes were changed keeps the claims that it can still be held against. */
export const withoutStrays = (file: ExperimentFile): ExperimentFile => ({ ...file, claims: file.claims.filter((claim) => strayClaim(claim, file) === null) })
