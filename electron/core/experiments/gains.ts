// The two named gains of every cell, from paired blocks. Which arm is held against which is decided here; whether a change is shown, in statistics.ts.
import type { Arm, Block, Comparison } from '../../../shared/experiment.ts'
import type { LoadResult } from '../../../shared/load.ts'
import { pairedChange, type Pair } from './statistics.ts'

/** For throughputs higher is better, for latencies worse. Null: not measured. */
const MEASURES: Record<Comparison['measure'], (result: LoadResult) => number | null> = {
  outputTokensPerSecond: (result) => result.outputTokensPerSecond,
  goodputPerSecond: (result) => result.goodputPerSecond,
  ttftMsP95: (result) => result.ttftMs?.p95 ?? null,
  tpotMsP95: (result) => result.tpotMs?.p95 ?? null,
}

interface Opponents {
  name: Comparison['name']
  arm: Arm
  baseline: Arm
}

/** Round → result of an arm's compared, valid block; of several the last counts. */
type Rounds = ReadonlyMap<number, LoadResult>

/** Cells in ascending order; in each the headline first. A measure nobody gave is left out, tokens per second never. `rounds`: as many as were planned. */
export function comparisonsOf(arms: readonly Arm[], blocks: readonly Block[], rounds: number): Comparison[] {
  const cells = [...Map.groupBy(blocks.filter((block) => block.purpose === 'compared'), (block) => block.cell)].sort(([a], [b]) => a - b)
  return cells.flatMap(([cell, compared]) => {
    const byArm = new Map(arms.map((arm) => [arm.id, roundsOf(compared, arm)]))
    const of = (arm: Arm): Rounds => byArm.get(arm.id) ?? new Map()
    const whole = (arm: Arm) => compared.some(({ armId, round }) => armId === arm.id && round >= rounds - 1)
    return opponentsOf(arms, (arm) => meanThroughput(of(arm))).flatMap((opponents) => {
      const ended = whole(opponents.arm) && whole(opponents.baseline)
      return compare(cell, opponents, of(opponents.arm), of(opponents.baseline)).map((one) => (ended || one.verdict === 'tooFewBlocks' ? one : { ...one, verdict: 'unfinished' as const }))
    })
  })
}

function roundsOf(compared: readonly Block[], arm: Arm): Rounds {
  return new Map(compared.flatMap((block) => (block.armId === arm.id && block.validity === 'valid' && block.total !== null ? [[block.round, block.total] as const] : [])))
}

function meanThroughput(rounds: Rounds): number {
  return rounds.size === 0 ? 0 : [...rounds.values()].reduce((sum, result) => sum + result.outputTokensPerSecond, 0) / rounds.size
}

/** The first of the best: an earlier arm wins a tie, so that without any block the order of the file decides. */
const bestOf = (arms: readonly Arm[], throughput: (arm: Arm) => number): Arm | undefined =>
  arms.reduce<Arm | undefined>((best, arm) => (best === undefined || throughput(arm) > throughput(best) ? arm : best), undefined)

function opponentsOf(arms: readonly Arm[], throughput: (arm: Arm) => number): Opponents[] {
  const singles = arms.filter((arm) => arm.kind === 'single')
  const bestSingle = bestOf(singles, throughput)
  const several = arms.filter((arm) => arm.kind !== 'single')
  const named: Opponents[] = several.flatMap((arm) => {
    const sliced = arm.kind === 'mps' ? timeSlicedLike(arm, arms, throughput) : undefined
    return [
      ...(bestSingle === undefined ? [] : [{ name: 'againstSingle' as const, arm, baseline: bestSingle }]),
      ...(sliced === undefined ? [] : [{ name: 'againstTimeSliced' as const, arm, baseline: sliced }]),
    ]
  })
  // What no named gain speaks of: single engines among themselves, and arms without any opponent.
  const first = singles[0] ?? arms[0]
  const met = new Set(named.flatMap(({ arm, baseline }) => [arm.id, baseline.id]))
  const others = arms.filter((arm) => first !== undefined && arm !== first && (arm.kind === 'single' || !met.has(arm.id)))
  return [...named, ...others.map((arm) => ({ name: 'other' as const, arm, baseline: first! }))].sort((a, b) => rank(a) - rank(b))
}

const rank = ({ name, arm }: Opponents): number => (name === 'other' ? 4 : (name === 'againstSingle' ? 0 : 1) + (arm.kind === 'mps' ? 0 : 2))

/** The time-sliced arm of as many engines: with the same scheduling where there is one, else the best. */
function timeSlicedLike(arm: Arm, arms: readonly Arm[], throughput: (arm: Arm) => number): Arm | undefined {
  const asMany = arms.filter((other) => other.kind === 'timeSliced' && other.engines === arm.engines)
  const alike = asMany.filter((other) => other.asyncScheduling === arm.asyncScheduling)
  return bestOf(alike.length > 0 ? alike : asMany, throughput)
}

function compare(cell: number, { name, arm, baseline }: Opponents, armRounds: Rounds, baselineRounds: Rounds): Comparison[] {
  return (Object.keys(MEASURES) as Comparison['measure'][]).flatMap((measure) => {
    const read = MEASURES[measure]
    const given = [...armRounds.values(), ...baselineRounds.values()].some((result) => read(result) !== null)
    if (!given && measure !== 'outputTokensPerSecond') return []
    const pairs: Pair[] = [...armRounds].flatMap(([round, result]) => {
      const other = baselineRounds.get(round)
      const values = [read(result), other === undefined ? null : read(other)]
      return values[0] !== null && values[1] !== null ? [{ arm: values[0]!, baseline: values[1]! }] : []
    })
    const { leftOut: _, ...change } = pairedChange(pairs)
    return [{ cell, name, armId: arm.id, baselineId: baseline.id, measure, ...change }]
  })
}
