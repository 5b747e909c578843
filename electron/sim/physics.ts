// What a GPU and its host do with the engines that share it: pure, no state, no noise.
//
// One decode step of one engine: the host prepares it (H seconds, GPU idle), then kernels run (G seconds). Of G only X needs the GPU for
// itself; the rest is launch gaps, tails and half-filled waves, which another engine's kernels can fill, but only under one MPS server.
// Engines without a common server take turns: whole G, and a switch each time. Prefill is charged to the request that needs it, not to its neighbours.
//
// BIAS is what a predictor fitted to published numbers does not know; agreement with this workstation is worth something because of it.
import type { Card } from './cards.ts'

export interface Shape {
  layers: number
  hidden: number
  intermediate: number
  vocabulary: number
  parameters: number
  kvBytesPerToken: number
}

export const SHAPES = {
  '0.5b': { layers: 24, hidden: 896, intermediate: 4864, vocabulary: 151936, parameters: 0.494e9, kvBytesPerToken: 12 * 1024 },
  '1.5b': { layers: 28, hidden: 1536, intermediate: 8960, vocabulary: 151936, parameters: 1.544e9, kvBytesPerToken: 28 * 1024 },
  '3b': { layers: 36, hidden: 2048, intermediate: 11008, vocabulary: 151936, parameters: 3.086e9, kvBytesPerToken: 36 * 1024 },
  '7b': { layers: 28, hidden: 3584, intermediate: 18944, vocabulary: 152064, parameters: 7.615e9, kvBytesPerToken: 56 * 1024 },
} as const satisfies Record<string, Shape>
export type ShapeName = keyof typeof SHAPES

const BIAS = {
  /** This host is slower than the fit says. */
  host: 1.07,
  /** Cache and DRAM pages lost to each further engine under MPS: more content, not more waiting. */
  overlapLoss: 0.05,
  /** A time slice costs a switch, per share of GPU time. */
  switchLoss: 0.08,
  /** Replicas compete for the same CPU caches and clock. */
  hostCrowd: 0.08,
} as const
const HOST_STEP_S = 0.8e-3
const HOST_PER_SEQUENCE_S = 3e-6
/** Launch gaps and small kernels of one layer. */
const LAYER_OVERHEAD_S = 33e-6
/** Share of G − X in which some SM still holds a warp. */
const TAIL_ACTIVITY = 0.35
const SHARPNESS = 8
const REACHABLE = { bandwidth: 0.92, tensor: 0.878 } as const

/** One engine on a GPU at this moment. */
export interface Load {
  pid: number
  model: ShapeName
  /** Sequences in the batch; 0: idle. */
  running: number
  /** Mean tokens of context per sequence. */
  contextTokens: number
  /** Its MPS server; null: an ordinary CUDA process. */
  mpsServerPid: number | null
  /** Active thread percentage; 100 without a limit. */
  sharePercent: number
}

export interface Step {
  hostS: number
  gpuS: number
  exclusiveS: number
  /** Seconds of a fully active GPU: what SM activity counts. */
  activeS: number
  /** Seconds of DRAM at peak. */
  dramS: number
  /** Alone on the GPU. */
  periodS: number
}

/** One decode step of `load`, alone on the GPU, with `engines` on the host. */
export function stepOf(card: Card, load: Load, engines = 1): Step {
  const shape: Shape = SHAPES[load.model]
  const batch = load.running
  const share = Math.min(1, Math.max(0.01, load.sharePercent / 100))
  const elementwise = 2 * batch * shape.layers * (10 * shape.hidden + 3 * shape.intermediate)
  const bytes = 2 * shape.parameters + batch * load.contextTokens * shape.kvBytesPerToken + elementwise + 14 * batch * shape.vocabulary
  const memoryS = bytes / (REACHABLE.bandwidth * card.bandwidth)
  const computeS = (2 * shape.parameters * batch) / (REACHABLE.tensor * card.teraflops * 1e12 * share)
  const exclusiveS = memoryS / Math.min(1, share * 1.6) + 0.6 * computeS // a third of the SMs nearly saturate DRAM
  const gpuS = exclusiveS + 0.1 * memoryS + LAYER_OVERHEAD_S * shape.layers
  const hostS = (HOST_STEP_S + HOST_PER_SEQUENCE_S * batch) * BIAS.host * (1 + BIAS.hostCrowd * (engines - 1))
  const activeS = (exclusiveS + TAIL_ACTIVITY * (gpuS - exclusiveS)) * share
  return { hostS, gpuS, exclusiveS, activeS, dramS: bytes / card.bandwidth, periodS: hostS + gpuS }
}

/** How the GPU is used, each 0..1. */
export interface Activity {
  kernelBusy: number
  smActivity: number
  dramActivity: number
  /** Share of time the memory controller was busy: `utilization.memory`. */
  memoryBusy: number
}

export interface Sharing extends Activity {
  /** Seconds per decode step of every busy engine, by pid. */
  stepSeconds: Map<number, number>
  /** Share of the GPU's kernel time that is each engine's, by pid. */
  kernelShare: Map<number, number>
}

interface Turn {
  loads: { load: Load; step: Step }[]
  merged: boolean
}

/** Clients of one server run together; everyone else is a turn of its own. */
function turnsOf(card: Card, busy: readonly Load[]): Turn[] {
  const turns = new Map<string, Turn>()
  for (const load of busy) {
    const key = load.mpsServerPid === null ? `process ${load.pid}` : `server ${load.mpsServerPid}`
    const turn = turns.get(key) ?? { loads: [], merged: false }
    turn.loads.push({ load, step: stepOf(card, load, busy.length) })
    turn.merged = turn.loads.length > 1
    turns.set(key, turn)
  }
  return [...turns.values()]
}

/** All engines of one GPU together. Everyone is slowed by the same factor: the GPU and the MPS server are fair. */
export function share(card: Card, loads: readonly Load[]): Sharing {
  const busy = loads.filter((load) => load.running > 0)
  const turns = turnsOf(card, busy)
  const takesTurns = turns.length > 1
  let demand = 0
  for (const turn of turns) {
    const loss = turn.merged ? 1 + BIAS.overlapLoss * (turn.loads.length - 1) : 1
    for (const { step } of turn.loads) {
      const content = turn.merged && !takesTurns ? step.exclusiveS * loss : turn.merged ? Math.min(step.gpuS, step.exclusiveS * loss * 1.1) : step.gpuS
      demand += (content * (takesTurns ? 1 + BIAS.switchLoss : 1)) / step.periodS
    }
  }
  const sharpness = takesTurns ? 2 * SHARPNESS : SHARPNESS
  const slowdown = busy.length < 2 ? 1 : (1 + demand ** sharpness) ** (1 / sharpness)
  return { ...activityOf(turns, slowdown), ...paceOf(turns, slowdown) }
}

function paceOf(turns: readonly Turn[], slowdown: number): Pick<Sharing, 'stepSeconds' | 'kernelShare'> {
  const stepSeconds = new Map<number, number>()
  const kernelShare = new Map<number, number>()
  const all = turns.flatMap((turn) => turn.loads)
  const total = all.reduce((sum, { step }) => sum + step.gpuS / step.periodS, 0)
  for (const { load, step } of all) {
    stepSeconds.set(load.pid, step.periodS * slowdown)
    kernelShare.set(load.pid, step.gpuS / step.periodS / total)
  }
  return { stepSeconds, kernelShare }
}

function activityOf(turns: readonly Turn[], slowdown: number): Activity {
  let smActivity = 0
  let dramActivity = 0
  let kernelBusy = 0
  const takesTurns = turns.length > 1
  for (const turn of turns) {
    let idle = 1
    for (const { step } of turn.loads) {
      const period = step.periodS * slowdown
      smActivity += step.activeS / period
      dramActivity += step.dramS / period
      // Merged kernels share the SMs and run longer instead of waiting: only the host's time is without one.
      idle *= 1 - Math.min(1, turn.merged ? (period - step.hostS) / period : step.gpuS / period)
    }
    kernelBusy += (1 - idle) * (takesTurns ? 1 + BIAS.switchLoss : 1)
  }
  return {
    kernelBusy: Math.min(0.995, kernelBusy),
    smActivity: Math.min(0.97, smActivity),
    dramActivity: Math.min(0.94, dramActivity),
    memoryBusy: Math.min(0.99, dramActivity * 1.5),
  }
}

/** Prompt tokens per second of one request, and seconds until the first token that do not depend on the prompt's length. */
export function prefillOf(card: Card, model: ShapeName, slowdown: number): { tokensPerSecond: number; fixedS: number } {
  return { tokensPerSecond: (0.45 * card.teraflops * 1e12) / (2 * SHAPES[model].parameters) / slowdown, fixedS: 0.012 * slowdown }
}

export const CONTEXT_MIB = 512
export const MPS_SERVER_MIB = 66

export function weightsMiB(model: ShapeName): number {
  return Math.ceil((2 * SHAPES[model].parameters) / 2 ** 20)
}

/** Tokens of KV cache in what `memoryMiB` leaves beside the weights and 1 GiB of activations. */
export function kvTokens(model: ShapeName, memoryMiB: number): number {
  return Math.max(0, Math.floor(((memoryMiB - weightsMiB(model) - 1024) * 2 ** 20) / SHAPES[model].kvBytesPerToken))
}
