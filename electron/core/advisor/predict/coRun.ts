// Engines on one GPU together: how much of a step needs the GPU for itself, what the host adds, and the period that follows from both.
// A model, not a measurement: θ and the host's costs are assumptions with names, to be replaced by calibration.
import type { Card } from './cards.ts'
import { stepOf, type Op, type Step, type Workload } from './kernels.ts'
import { ELEMENT_BYTES, kvBytesPerToken, parametersOf, type Shape } from './shapes.ts'

/** What the host does for a step, in seconds. The front end (HTTP, tokens) runs beside the engine's core. */
export interface HostCost {
  perStep: number
  perSequence: number
  perPromptToken: number
  frontPerRequest: number
  frontPerPromptToken: number
  frontPerOutputToken: number
  /** The host prepares the next step while the GPU works on this one: vLLM's asynchronous scheduling. */
  overlapsGpu: boolean
}

/** Two numbers per phase, fitted to the words of the Databricks study: they suffice for it, which does not make them true of this host. */
export const FITTED_HOST: HostCost = {
  perStep: 0.54e-3, perSequence: 1.7e-6, perPromptToken: 0, frontPerRequest: 0.37e-3, frontPerPromptToken: 9.3e-6, frontPerOutputToken: 0, overlapsGpu: false,
}

export interface CoRun {
  /** θ: share of a kernel's slack that another engine cannot fill. 0: all of it is filled. Never measured, so shown as a band. */
  theta: Record<Op['kind'], number>
  /** Content that each further engine adds to the others, by cache and DRAM pages. */
  inflationPerEngine: number
  /** How sharply the slower of two limits wins; lower: more is lost where they are equal. */
  sharpness: number
  /** A time slice costs a switch, per share of GPU time. */
  switchLoss: number
  /** Host work that each further engine slows down. */
  hostCrowding: number
}
export const DEFAULTS: CoRun = { theta: { gemm: 0.4, attention: 0.1, elementwise: 0.1 }, inflationPerEngine: 0.03, sharpness: 8, switchLoss: 0.1, hostCrowding: 0.1 }
export const withTheta = (theta: number): CoRun => ({ ...DEFAULTS, theta: { gemm: theta, attention: theta, elementwise: theta } })

/** Seconds of a step that the GPU cannot share, and the share of its time in GEMMs that fill the tensor cores. */
export function contentOf(step: Step, coRun: CoRun): { exclusiveSeconds: number; saturatedShare: number } {
  const saturated = (op: Op): number => (op.kind === 'gemm' ? op.seconds * Math.max(0, Math.min(1, (op.saturation - 0.5) / 0.4)) : 0)
  const saturatedShare = step.ops.reduce((sum, op) => sum + saturated(op), 0) / step.gpuSeconds
  const exclusiveSeconds = step.ops.reduce((sum, op) => {
    const bound = Math.min(op.seconds, Math.max(op.computeSeconds, op.memorySeconds))
    const theta = coRun.theta[op.kind]
    // While the neighbour sits in a saturated GEMM, this kernel's slack is of no use to it.
    return sum + bound + (theta + (1 - theta) * saturatedShare) * Math.max(0, op.seconds - bound - op.gapSeconds)
  }, 0)
  return { exclusiveSeconds, saturatedShare }
}

export type Sharing = 'mps' | 'timeSliced'

export interface Period {
  /** From one step of an engine to its next. */
  seconds: number
  /** The same with the GPU to itself: the least that further engines can bring it to. */
  aloneSeconds: number
  /** The GPU's time for one step of all engines, waiting included; of one engine: G. */
  gpuSeconds: number
  hostSeconds: number
  frontSeconds: number
  step: Step
}

const together = (a: number, b: number, sharpness: number): number => (a ** sharpness + b ** sharpness) ** (1 / sharpness)

/** Period of each of `engines` equal engines; `workload` is that of one. */
export function periodOf(parts: { card: Card; shape: Shape; workload: Workload; host: HostCost; engines: number; sharing: Sharing; coRun: CoRun }): Period {
  const { card, shape, workload, host, engines, sharing, coRun } = parts
  const step = stepOf(card, shape, workload)
  const { phase, batch, contextTokens } = workload
  const crowding = 1 + coRun.hostCrowding * (engines - 1)
  const hostSeconds = crowding * (host.perStep + (phase === 'decode' ? host.perSequence * batch : host.perPromptToken * batch * contextTokens))
  const frontSeconds = crowding * (phase === 'decode' ? host.frontPerOutputToken * batch : host.frontPerRequest * batch + host.frontPerPromptToken * batch * contextTokens)
  const core = host.overlapsGpu ? Math.max(hostSeconds, step.gpuSeconds) + 0.05 * Math.min(hostSeconds, step.gpuSeconds) : hostSeconds + step.gpuSeconds
  const aloneSeconds = Math.max(core, frontSeconds)
  const found = { aloneSeconds, hostSeconds, frontSeconds, step }
  if (engines === 1) return { ...found, seconds: aloneSeconds, gpuSeconds: step.gpuSeconds }
  if (sharing === 'mps') {
    const gpuSeconds = engines * contentOf(step, coRun).exclusiveSeconds * (1 + coRun.inflationPerEngine * (engines - 1))
    return { ...found, seconds: together(aloneSeconds, gpuSeconds, coRun.sharpness), gpuSeconds }
  }
  const gpuSeconds = engines * step.gpuSeconds * (1 + coRun.switchLoss)
  return { ...found, seconds: together(aloneSeconds, gpuSeconds, 2 * coRun.sharpness), gpuSeconds }
}

const MEMORY_SHARE = 0.9
const ACTIVATION_BYTES = 2e9

/** Sequences of `contextTokens` that the KV cache of each of `engines` can hold, where nothing else bounds it; 0: not even the weights fit. */
export function sequencesThatFit(card: Card, shape: Shape, contextTokens: number, engines: number): number {
  const kvBytes = (card.memoryBytes * MEMORY_SHARE) / engines - parametersOf(shape) * ELEMENT_BYTES - ACTIVATION_BYTES
  return Math.max(0, Math.floor(kvBytes / (kvBytesPerToken(shape) * contextTokens)))
}
