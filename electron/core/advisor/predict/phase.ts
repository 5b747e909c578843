// What a load is to the model: decode heavy, prefill heavy, or something it cannot judge. From token counts; nothing of the traffic itself.
import { withRate, type Point } from '../../../../shared/experiment.ts'
import type { Arrivals, Lengths, Load } from '../../../../shared/load.ts'
import { fixed } from '../../../../shared/units.ts'
import type { Card } from './cards.ts'
import { FITTED_HOST, periodOf, DEFAULTS } from './coRun.ts'
import { stepOf, type Workload } from './kernels.ts'
import type { Shape } from './shapes.ts'

export interface Phase {
  phase: Workload['phase']
  /** decode: prompt and half of the output, the mean while a sequence grows. prefill: the prompt. */
  contextTokens: number
  /** Of a request. */
  outputTokens: number
  arrivals: Arrivals
  /** Share of an engine's time that goes into the phase that is left out. */
  leftOutShare: number
}

/** Outputs up to here are a prompt's answer and no decoding. */
const PREFILL_OUTPUT_TOKENS = 4
const LARGEST_LEFT_OUT = 0.5
/** Prompt tokens that an engine takes into one pass. */
const PASS_TOKENS = 8192

function meanTokens(lengths: Lengths): number {
  if (lengths.shape === 'fixed') return lengths.tokens
  return lengths.shape === 'uniform' ? (lengths.min + lengths.max) / 2 : Math.min(lengths.max, Math.max(lengths.min, lengths.mean))
}

/** Time for reading prompts over all, of one engine with the GPU to itself. */
function prefillShare(card: Card, shape: Shape, promptTokens: number, outputTokens: number, batch: number): number {
  const prompts = Math.max(1, Math.min(batch, PASS_TOKENS / promptTokens))
  const perPrompt = stepOf(card, shape, { phase: 'prefill', batch: prompts, contextTokens: promptTokens }).gpuSeconds / prompts
  const workload = { phase: 'decode', batch, contextTokens: promptTokens + outputTokens / 2 } as const
  const step = periodOf({ card, shape, workload, host: FITTED_HOST, engines: 1, sharing: 'mps', coRun: DEFAULTS }).seconds
  return perPrompt / (perPrompt + (outputTokens * step) / batch)
}

/** The phase of a load at a point of the sweep, or one sentence why the model cannot judge it. `batch`: sequences of the single engine. */
export function phaseOf(parts: { card: Card; shape: Shape; load: Load; point: Point; batch: (contextTokens: number) => number }): Phase | string {
  const { card, shape, load, point } = parts
  const promptTokens = point.promptTokens ?? meanTokens(load.prompt)
  const outputTokens = point.outputTokens ?? meanTokens(load.output)
  const arrivals = withRate(load.arrivals, point)
  if (outputTokens <= PREFILL_OUTPUT_TOKENS) {
    if (promptTokens < 4 * outputTokens) return 'Prompts and outputs are too short: this is neither a decode nor a prefill load.'
    return { phase: 'prefill', contextTokens: promptTokens, outputTokens, arrivals, leftOutShare: 0 }
  }
  const contextTokens = promptTokens + outputTokens / 2
  const leftOutShare = prefillShare(card, shape, promptTokens, outputTokens, Math.max(1, parts.batch(contextTokens)))
  if (leftOutShare > LARGEST_LEFT_OUT) return `Reading prompts would take about ${fixed(100 * leftOutShare)} % of the time: the model judges decode or prefill, not both mixed.`
  return { phase: 'decode', contextTokens, outputTokens, arrivals, leftOutShare }
}
