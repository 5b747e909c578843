// Whether a block counts. Facts in, a validity and sentences out: it looks at nothing itself, and drops nothing.
import type { Attachment } from '../../../shared/engine.ts'
import type { Arm, Block, GpuDuring } from '../../../shared/experiment.ts'
import type { LoadResult } from '../../../shared/load.ts'
import { fixed } from '../../../shared/units.ts'

/** SM clock under load, against the median of the comparable blocks: below this part of it the GPU was held back. */
const CLOCK_FLOOR = 0.9
/** A median of fewer clocks says nothing. */
const FEWEST_CLOCKS = 3
/** Part of the expected frames that must have come, else nobody looked at the GPU. */
const FRAMES_FLOOR = 0.5

export interface EngineFacts {
  name: string
  attachmentBefore: Attachment
  attachmentAfter: Attachment
  /** Same process before and after, and answering at the end. */
  pidBefore: number | null
  pidAfter: number | null
  ready: boolean
}

export interface BlockFacts {
  arm: Pick<Arm, 'kind' | 'name'>
  /** Null: there is no measurement; `failure` says why. */
  total: LoadResult | null
  failure: string | null
  /** What the load generator found wrong with it: clientBound, overSaturated, failures, shortOutputs. */
  troubles: readonly { name: string; sentence: string }[]
  engines: readonly EngineFacts[]
  gpu: GpuDuring
  /** Frames that should have come in the window; null: this workstation gives no readings of the GPU. */
  framesExpected: number | null
  /** SM clocks of other blocks of the same arm in the same cell: another arm may draw more power and rightly run slower. */
  clocksOfOthersMHz: readonly (number | null)[]
  /** Processes on the GPU during the block that belong to nobody in the experiment: `pid 4242 (python)`. */
  foreign: readonly string[]
}

/** The block's `validity` and `reasons`. A failed block keeps what else was wrong: it may be why. */
export function judge(facts: BlockFacts): Pick<Block, 'validity' | 'reasons'> {
  const wrong = [
    ...facts.engines.flatMap((engine) => lifeReasons(engine)),
    ...facts.engines.flatMap((engine) => attachmentReasons(engine, facts.arm)),
    ...facts.troubles.map((trouble) => trouble.sentence),
    ...gpuReasons(facts),
    ...(facts.foreign.length === 0 ? [] : [`Others were on the GPU: ${facts.foreign.slice(0, 5).join(', ')}${facts.foreign.length > 5 ? ` and ${facts.foreign.length - 5} more` : ''}.`]),
  ]
  const reasons = [...new Set(wrong)]
  if (facts.total === null) return { validity: 'failed', reasons: [facts.failure ?? 'The load generator gave no result.', ...reasons] }
  if (facts.total.outputTokens <= 0) reasons.unshift('No output token arrived within the measuring window.')
  return { validity: reasons.length === 0 ? 'valid' : 'invalid', reasons }
}

function lifeReasons({ name, pidBefore, pidAfter, ready }: EngineFacts): string[] {
  if (pidAfter === null) return [`${name} ended during the block.`]
  if (pidBefore !== pidAfter) return [`${name} was restarted: pid ${pidBefore ?? 'unknown'} before the block, ${pidAfter} after it.`]
  return ready ? [] : [`${name} no longer answered at the end of the block.`]
}

/** Not proven is not counted, on either side. An engine that ended has no attachment left to look at. */
function attachmentReasons({ name, attachmentBefore, attachmentAfter, pidAfter }: EngineFacts, arm: BlockFacts['arm']): string[] {
  const wanted = arm.kind === 'mps' ? 'attached' : 'notAttached'
  const looks = [['before', attachmentBefore], ['after', attachmentAfter]] as const
  const wrong = looks.find(([when, { state }]) => state !== wanted && !(when === 'after' && pidAfter === null))
  if (wrong === undefined) return []
  const [when, { state, sentence }] = wrong
  if (state === 'unknown') return [`Whether ${name} was an MPS client could not be told ${when} the block: ${sentence}`]
  return [wanted === 'attached' ? `${name} was not an MPS client ${when} the block: ${sentence}` : `${name} was an MPS client ${when} the block, in an arm without MPS: ${sentence}`]
}

function gpuReasons({ gpu, framesExpected, clocksOfOthersMHz }: BlockFacts): string[] {
  if (framesExpected !== null && framesExpected > 0 && gpu.frames < FRAMES_FLOOR * framesExpected) {
    return [`Only ${gpu.frames} of ${framesExpected} readings of the GPU came: throttling and foreign processes would not have been seen.`]
  }
  const usual = medianOf(clocksOfOthersMHz)
  if (usual === null || gpu.smClockMHz === null || gpu.smClockMHz >= CLOCK_FLOOR * usual) return []
  const state = [gpu.temperatureCelsius === null ? [] : `${fixed(gpu.temperatureCelsius)} °C`, gpu.powerWatts === null ? [] : `${fixed(gpu.powerWatts)} W`].flat().join(', ')
  return [`The GPU was throttled: SM clock ${fixed(gpu.smClockMHz)} MHz, ${fixed(usual)} MHz in the other blocks of this arm${state === '' ? '' : ` (${state})`}.`]
}

function medianOf(clocks: readonly (number | null)[]): number | null {
  const known = clocks.filter((clock) => clock !== null).sort((a, b) => a - b)
  if (known.length < FEWEST_CLOCKS) return null
  return (known[(known.length - 1) >> 1]! + known[known.length >> 1]!) / 2
}
