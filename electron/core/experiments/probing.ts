// What short blocks before the measurement show: whether an arm has reached its plateau, and what idle residents cost. Pure.
import type { Arm, Block, Check } from '../../../shared/experiment.ts'
import type { Load } from '../../../shared/load.ts'
import { isPlateau } from '../load/verdict.ts'
import type { Residents } from './residents.ts'

/** More throughput than this at twice the load: the engine was far from what it can do. */
const FAR_BELOW = 1.25
/** Idle neighbours may cost the single engine this much before arms are loaded one after another. */
const IDLE_COST = 0.05

/** Closed loops only: see probesPlateau. */
export const twice = (load: Load): Load =>
  load.arrivals.kind === 'closed' ? { ...load, arrivals: { ...load.arrivals, concurrency: Math.min(20_000, load.arrivals.concurrency * 2) } } : load

/**
 * At a fixed concurrency an arm below its plateau is a warning: the gain then holds for this load. Far below, where its engines would take
 * more requests at once than twice the load, it says nothing about what they can do, and does not count.
 */
export function plateauCheck({ arm, engines }: Residents, load: Load, atLoad: Block, atTwice: Block): Check {
  const name = `plateau/${arm.id}`
  if (atLoad.total === null || atTwice.total === null) return { name, weight: 'warns', result: 'notChecked', sentence: `${arm.name}: whether it has reached its plateau could not be seen.`, evidence: [...atLoad.reasons, ...atTwice.reasons] }
  if (atLoad.total.outputTokens <= 0) return { name, weight: 'warns', result: 'notChecked', sentence: `${arm.name}: whether it has reached its plateau could not be seen: no token came within the probe.`, evidence: [] }
  const { plateau, sentence } = isPlateau(atLoad.total, atTwice.total)
  const asked = load.arrivals.kind === 'closed' ? load.arrivals.concurrency * (load.regime === 'equalPerEngine' ? engines.length : 1) : null
  const takes = engines.reduce<number | null>((sum, { capacity }) => (sum === null || capacity.maxSequences === null ? null : sum + capacity.maxSequences), 0)
  const roomForMore = asked !== null && takes !== null && takes > 2 * asked
  const far = atTwice.total.outputTokensPerSecond > FAR_BELOW * atLoad.total.outputTokensPerSecond && roomForMore
  return {
    name, weight: far ? 'invalidates' : 'warns', result: plateau ? 'passed' : 'failed',
    sentence: `${arm.name}: ${sentence}${plateau ? '' : far ? ' What is measured so far below does not count.' : ' What is measured holds for this load only.'}`,
    evidence: [
      `${Math.round(atLoad.total.outputTokensPerSecond)} tokens/s at ${asked ?? '—'} requests at a time`,
      `${Math.round(atTwice.total.outputTokensPerSecond)} tokens/s at ${asked === null ? '—' : 2 * asked}`,
      `its engines take ${takes ?? '—'} at once`,
      ...(atLoad.engines.length > 1 ? atLoad.engines.map(({ engineName, result }) => `${engineName}: ${Math.round(result.outputTokensPerSecond)}, then ${Math.round(rateOf(atTwice, engineName))} tokens/s`) : []),
    ],
  }
}

const rateOf = ({ engines }: Block, name: string): number => engines.find(({ engineName }) => engineName === name)?.result.outputTokensPerSecond ?? 0

/** In an open loop, an arm that is not over-saturated is unsaturated: it makes what comes. None: a closed loop, or nothing that counts. */
export function keepsUpCheck(arm: Arm, { arrivals, regime }: Load, compared: readonly Block[]): Check[] {
  const served = compared.flatMap(({ validity, total }) => (validity === 'valid' && total ? [total.requestsPerSecond] : []))
  if (arrivals.kind === 'closed' || served.length === 0) return []
  const asked = arrivals.perSecond * (regime === 'equalPerEngine' ? arm.engines : 1)
  return [{
    name: `keepsUp/${arm.id}`, weight: 'warns', result: 'failed',
    sentence: `${arm.name} kept up with the requests, as far as its blocks count: its tokens/s are the load's and not its most. Latencies are what this load compares; a sweep of the rate shows where an arm stops keeping up.`,
    evidence: [`${(served.reduce((sum, rate) => sum + rate, 0) / served.length).toFixed(1)} of ${asked} requests/s ended within the window`],
  }]
}

const IDLE = { name: 'idleResidentsCostNothing', weight: 'warns' } as const

/** Without a single engine there is none to load first and look at alone. */
export const noIdleCheck = (): Check => ({ ...IDLE, result: 'notChecked', sentence: 'What idle engines of the other arms cost was not looked at: there is no single engine that was loaded before them.', evidence: [] })

/** The single engine alone, and beside the other arms' idle engines. `cost`: arms must be loaded one after another. */
export function idleCheck(before: readonly Block[], after: readonly Block[]): { check: Check; cost: boolean } {
  const mean = (blocks: readonly Block[]): number | null => {
    const rates = blocks.flatMap(({ total }) => total?.outputTokensPerSecond ?? [])
    return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  }
  const [alone, beside] = [mean(before), mean(after)]
  const check = (result: Check['result'], sentence: string): Check => ({
    ...IDLE, result, sentence,
    evidence: [`alone ${alone === null ? '—' : Math.round(alone)} tokens/s`, `beside idle engines ${beside === null ? '—' : Math.round(beside)} tokens/s`],
  })
  if (alone === null || beside === null || alone <= 0) return { check: check('notChecked', 'What idle neighbours cost could not be measured: arms are loaded one after another.'), cost: true }
  const cost = 1 - beside / alone
  if (cost > IDLE_COST) return { check: check('failed', `The single engine is ${(cost * 100).toFixed(1)} % slower beside idle engines: arms are loaded one after another.`), cost: true }
  return { check: check('passed', `Idle engines of the other arms cost the single engine nothing that could be seen (${(cost * 100).toFixed(1)} %).`), cost: false }
}
