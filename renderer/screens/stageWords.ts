// What the Stage says: the verdict in one sentence, named gains, phases, time left. Pure.
import type { ArmNow, Comparison, ExperimentNow, Phase, Plan } from '../../shared/experiment.ts'
import { duration, fixed } from '../../shared/units.ts'
import { holdsOnlyFor, type Holds } from '../../shared/counted.ts'
import { signedPercent } from '../../shared/headline.ts'
import { isOpen } from '../parts/gains.ts'
import type { Tone } from '../parts/StateBadge.tsx'

/** Short words for the steps of a run, in order. */
export const PHASE_WORDS: Record<Exclude<Phase, 'done'>, string> = {
  preflight: 'checks', arranging: 'arranging', loading: 'loading', proving: 'proof', guarding: 'answers', warming: 'warming up', probing: 'plateau', control: 'control', measuring: 'measuring', tidying: 'tidying',
}
export const PHASE_STEPS = Object.keys(PHASE_WORDS) as (keyof typeof PHASE_WORDS)[]

/** Whole percent from 10 % on, else one digit. */
const digitsOf = (change: number): number => (Math.abs(change) >= 0.0995 ? 0 : 1)
export const stagePercent = (change: number | null): string => signedPercent(change, change === null ? 0 : digitsOf(change))

/** `21 … 25 %` of a gain, `+` and `−` where the ends differ in sign. */
export function stageInterval({ change, low, high }: Pick<Comparison, 'change' | 'low' | 'high'>, unsigned = false): string | null {
  if (change === null || low === null || high === null) return null
  const digits = digitsOf(change)
  const [from, to] = unsigned && change < 0 ? [-high, -low] : [low, high]
  return unsigned ? `${fixed(from * 100, digits)} … ${fixed(to * 100, digits)} %` : `${signedPercent(from, digits).replace(' %', '')} … ${signedPercent(to, digits)}`
}

export interface NamedGain {
  name: 'againstSingle' | 'againstTimeSliced'
  armId: string
  throughput: Comparison
  ttft: Comparison | null
  tpot: Comparison | null
}

/** The named gains of one cell: of the MPS arms, or of all where there is none. One entry per arm and name, in the order of the arms, headline first. */
export function namedGains(plan: Plan, comparisons: readonly Comparison[], cell: number): NamedGain[] {
  const mps = new Set(plan.file.arms.filter((arm) => arm.kind === 'mps').map((arm) => arm.id))
  const order = new Map(plan.file.arms.map(({ id }, at) => [id, at]))
  const here = comparisons.filter((one) => one.cell === cell && (mps.size === 0 || mps.has(one.armId))).sort((a, b) => (order.get(a.armId) ?? 0) - (order.get(b.armId) ?? 0))
  return (['againstSingle', 'againstTimeSliced'] as const).flatMap((name) => here.filter((one) => one.name === name && one.measure === 'outputTokensPerSecond').map((throughput) => {
    const beside = (measure: Comparison['measure']) => here.find((one) => one.name === name && one.armId === throughput.armId && one.measure === measure) ?? null
    return { name, armId: throughput.armId, throughput, ttft: beside('ttftMsP95'), tpot: beside('tpotMsP95') }
  }))
}

/** The one that the verdict speaks of, as in the report: the first MPS arm of the file, not the best of several, which would flatter. */
export function headlineGain(gains: readonly NamedGain[]): NamedGain | null {
  return gains.find(({ name }) => name === 'againstSingle') ?? gains[0] ?? null
}

export const AGAINST_WORDS = { againstSingle: 'the best single engine', againstTimeSliced: 'the same engines time-sliced' } as const

function subject(plan: Plan, armId: string): string {
  const arm = plan.file.arms.find(({ id }) => id === armId)
  if (arm === undefined) return 'The arm'
  const engines = arm.engines === 1 ? '1 engine' : `${arm.engines} engines`
  return arm.kind === 'mps' ? `${engines} under MPS` : arm.kind === 'timeSliced' ? `${engines} time-sliced` : arm.name
}

/** `2 engines under MPS make 23 % more tokens/s than the best single engine (21 … 25 %)` */
export function gainSentence(plan: Plan, gain: NamedGain): string {
  const { throughput, name } = gain
  const who = subject(plan, gain.armId)
  const whom = AGAINST_WORDS[name]
  const { change, verdict, pairs } = throughput
  if (change === null || verdict === 'tooFewBlocks') return `Too few blocks to say (${pairs} of 6): ${who} against ${whom}`
  if (verdict === 'unfinished') return `Not all rounds were run (${pairs} pairs of blocks): ${who} against ${whom}`
  if (verdict === 'noDifference') return `No difference shown between ${who} and ${whom} (${stageInterval(throughput)})`
  const more = verdict === 'higher'
  const size = fixed(Math.abs(change) * 100, digitsOf(change))
  return `${who} make${subject(plan, gain.armId).startsWith('1 ') ? 's' : ''} ${size} % ${more ? 'more' : 'fewer'} tokens/s than ${whom} (${stageInterval(throughput, true)})`
}

/** How it ended, for the top of the Stage; the tone repeats what the words say. `holds`: belongs to the sentence, and is as large. */
export function verdictOf(now: ExperimentNow): { sentence: string; tone: Tone; holds: Holds | null; second: string | null } {
  const gains = namedGains(now.plan, now.comparisons, now.cell)
  const headline = headlineGain(gains)
  if (now.fault !== null) return { sentence: 'It ended without a result', tone: 'bad', holds: null, second: null }
  if (now.cancelled) return { sentence: 'Cancelled before its end', tone: 'idle', holds: null, second: now.arms.some(({ blocks }) => blocks.valid + blocks.invalid + blocks.failed > 0) ? 'What was measured until then stands below; it is no result.' : 'Nothing had been measured.' }
  if (headline === null) return { sentence: 'No gain can be named: nothing is there to compare', tone: 'bad', holds: null, second: null }
  const other = gains.find((gain) => gain !== headline && gain.armId === headline.armId)
  const { verdict } = headline.throughput
  const holds = ({ throughput }: NamedGain): Holds | null => (isOpen(throughput) ? null : holdsOnlyFor(now, throughput))
  const where = other === undefined ? undefined : holds(other)?.where
  return {
    sentence: gainSentence(now.plan, headline), tone: verdict === 'higher' ? 'good' : verdict === 'lower' ? 'bad' : 'idle', holds: holds(headline),
    second: other === undefined ? null : `${gainSentence(now.plan, other)}${where === undefined ? '' : `, ${where}`}`,
  }
}

/** `about 1 min 20 s left`; never a promise. */
export function timeLeft(endsAtMs: number | null, nowMs: number): string {
  if (endsAtMs === null) return 'time left not known'
  const seconds = Math.round((endsAtMs - nowMs) / 1000)
  return seconds < 2 ? 'about to end' : seconds < 10 ? 'a few seconds left' : `about ${duration(1000 * seconds)} left`
}

/** Ends of the axis that all gains share, as ratios − 1: steps that seldom change, with room below zero. */
export function gainDomain(values: readonly (number | null)[]): [number, number] {
  const known = values.filter((value) => value !== null)
  const step = (size: number) => [0.1, 0.25, 0.5, 1, 2, 4].find((end) => size * 1.05 <= end) ?? 8
  const high = step(Math.max(0, ...known))
  const low = Math.max(0, ...known.map((value) => -value))
  return [-Math.max(high / 5, low === 0 ? 0 : Math.min(step(low), 1)), high]
}

/** Whether SM activity and DRAM bandwidth are measured here; true as long as nothing says otherwise. */
export const toldByGpm = ({ arms }: Pick<ExperimentNow, 'arms'>): boolean => !arms.some(({ gpu }) => gpu !== null && gpu.frames > 0 && gpu.smActivityPercent === null)

/** Tokens per second at the end of every arm's bar: a round number above the means, or above the live numbers while there is no mean. It seldom changes. */
export function barScale(arms: readonly Pick<ArmNow, 'tokensPerSecond' | 'tokensPerSecondNow'>[]): number {
  const known = (values: (number | null)[]): number[] => values.filter((value) => value !== null)
  const means = known(arms.map((arm) => arm.tokensPerSecond))
  const most = Math.max(1, ...(means.length > 0 ? means : known(arms.map((arm) => arm.tokensPerSecondNow)))) * 1.06
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8].map((part) => part * power).find((end) => end >= most) ?? 10 * power
}
