// The sentences of a prediction. Numbers of the band are shown beside them; these say what it rests on.
import { LIKELY_GAIN, type Arm, type Binding, type Prediction } from '../../../../shared/experiment.ts'
import { signedPercent } from '../../../../shared/headline.ts'
import { fixed } from '../../../../shared/units.ts'
import type { Run } from './predict.ts'

export const refusalSentence = (sentence: string): string => `No prediction. ${sentence}`

function verdict({ low, likely, high }: NonNullable<Prediction['gain']>): string {
  if (low > 0) return 'Expect a gain.'
  if (high < 0) return 'Expect a loss.'
  return `Expect no gain here${likely < LIKELY_GAIN ? ': the band holds zero' : ` unless kernels overlap: the band holds zero, though ${signedPercent(likely, 0)} is likely`}.`
}

function reason(binding: Binding, { period, batch }: Run, engines: number): string {
  const idle = `${fixed(100 * Math.max(0, 1 - period.step.gpuSeconds / period.aloneSeconds))} %`
  const crowd = engines > 1 ? ' that the engines share' : ''
  const sentences: Record<Binding, string> = {
    host: `Host time bounds it: an engine alone leaves the GPU without a kernel for ${idle} of a step.`,
    gpu: `Time on the GPU${crowd} bounds it.`,
    dram: `DRAM bandwidth${crowd} bounds it.`,
    tensor: `The tensor cores${crowd} bound it.`,
    kv: `The KV cache bounds it: an engine holds ${fixed(batch.sequences)} of ${Number.isFinite(batch.wanted) ? fixed(batch.wanted) : 'the waiting'} sequences.`,
    memory: 'GPU memory bounds it.',
  }
  return sentences[binding]
}

/** One to four short sentences: what to expect, what bounds it, what it rests on. */
export function armSentence(parts: { arm: Arm; gain: NonNullable<Prediction['gain']>; binding: Binding; run: Run; isBest: boolean; doubts: readonly string[] }): string {
  const { arm, gain, binding, run, isBest, doubts } = parts
  return [
    isBest ? 'The best single engine, with which the others are compared.' : verdict(gain),
    reason(binding, run, arm.engines),
    ...(run.batch.limitedBy === 'maxSequences' && Number.isFinite(run.batch.wanted) ? [`An engine takes ${fixed(run.batch.sequences)} of ${fixed(run.batch.wanted)} sequences at a time.`] : []),
    `Host time is a published fit, not measured here${doubts.length > 0 ? `; ${doubts.join('; ')}` : ''}.`,
  ].join(' ')
}
