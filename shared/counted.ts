// What a result was measured on: blocks that count towards the gains, those beside them, and whether the load let the arms show their most. Reads a report; judges nothing.
import type { Arm, Block, Check, Comparison } from './experiment.ts'

interface BlockCounts {
  /** For the gains: one block of every arm in every round, and what was measured once more. */
  compared: { valid: number; all: number }
  probes: { unmeasured: number; all: number }
  control: { unmeasured: number; all: number }
}

export function blockCounts(blocks: readonly Pick<Block, 'purpose' | 'validity'>[]): BlockCounts {
  const of = (purpose: Block['purpose']) => blocks.filter((block) => block.purpose === purpose)
  const compared = of('compared')
  const beside = (purpose: 'probe' | 'control') => ({ unmeasured: of(purpose).filter(({ validity }) => validity !== 'valid').length, all: of(purpose).length })
  return { compared: { valid: compared.filter(({ validity }) => validity === 'valid').length, all: compared.length }, probes: beside('probe'), control: beside('control') }
}

/** `17 of 18 blocks count towards the gains`: the probes and control blocks of an arm are in neither number. */
export const countedText = ({ valid, all }: BlockCounts['compared']): string => (all === 0 ? 'no block for the gains was run' : `${valid} of ${all} ${all === 1 ? 'block counts' : 'blocks count'} towards the gains`)

/** `6 probes of the plateau, 4 control blocks (1 without a good measurement)`; null: there are none. */
export function besideText({ probes, control }: BlockCounts): string | null {
  const one = ({ all, unmeasured }: BlockCounts['probes'], single: string, several: string): string[] =>
    all === 0 ? [] : [`${all} ${all === 1 ? single : several}${unmeasured === 0 ? '' : ` (${unmeasured} without a good measurement)`}`]
  const parts = [...one(probes, 'probe of the plateau', 'probes of the plateau'), ...one(control, 'control block', 'control blocks')]
  return parts.length === 0 ? null : parts.join(', ')
}

type Looked = { plan: { file: { arms: readonly Arm[] }; cells: readonly unknown[] }; checks: readonly Check[] }

/** The last look at the same thing; of a sweep, every look that failed: checks name no cell. */
function failedOf({ plan, checks }: Looked, kind: 'plateau' | 'keepsUp', armId: string): boolean {
  const looks = checks.filter(({ name }) => name === `${kind}/${armId}`)
  return plan.cells.length > 1 ? looks.some(({ result }) => result === 'failed') : looks.at(-1)?.result === 'failed'
}

/** Arms of a comparison that a higher load would have shown to make more; empty: none is known to. */
export const belowPlateau = (report: Looked, armIds: readonly string[]): string[] => armIds.filter((id) => failedOf(report, 'plateau', id))

/** What a gain holds for, to be said with its number and as loud. Without full stops. */
export interface Holds {
  /** `at this load, below the plateau of both` */
  where: string
  /** `this load is below the plateau of both: more requests at a time would make more tokens/s` */
  clause: string
  /** Where there is room for no more: `below the plateau` */
  short: string
  /** What follows from it. */
  means: string
}

/** Null: both arms had reached their plateau, or nobody looked, or there is no number. */
export function holdsOnlyFor(report: Looked, { armId, baselineId, change }: Pick<Comparison, 'armId' | 'baselineId' | 'change'>): Holds | null {
  if (change === null) return null
  const ids = [baselineId, armId]
  const named = (of: readonly string[]) => (of.length > 1 ? 'both' : (report.plan.file.arms.find(({ id }) => id === of[0])?.name ?? of[0] ?? ''))
  const below = belowPlateau(report, ids)
  if (below.length > 0) {
    const [state, means] = [`below the plateau of ${named(below)}`, 'more requests at a time would make more tokens/s']
    const several = report.plan.cells.length > 1
    return { where: several ? `at loads of which some are ${state}` : `at this load, ${state}`, clause: `${several ? 'some of these loads are' : 'this load is'} ${state}: ${means}`, short: 'below the plateau', means }
  }
  const kept = ids.filter((id) => failedOf(report, 'keepsUp', id))
  if (kept.length === 0) return null
  const [state, means] = [`${named(kept)} kept up`, 'tokens/s are the load\'s, not the most they can make']
  return { where: `at this rate of requests, with which ${state}`, clause: `with this rate of requests ${state}: ${means}`, short: 'load kept up with', means }
}

export const holdsText = ({ where, means }: Holds): string => `${where}: ${means}`
