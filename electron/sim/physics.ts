// What a GPU and its host do with the engines that share it: pure, no state, no noise.
//
// One decode step of one engine: the host prepares it (H seconds, GPU idle), then kernels run (G seconds). Of G only X needs the GPU for
// itself; the rest is launch gaps, tails and half-filled waves, which another engine's kernels can fill, but only under one MPS server.
// Engines without a common server take turns: whole G, and a switch each time. With asynchronous scheduling the host prepares the next step
// meanwhile. Prompt tokens ride along in the steps: dense work that nobody can fill, so long prompts slow the neighbours, too; the front end
// turns text into at most so many prompt tokens a second, beside everything else.
//
// BIAS is what a predictor fitted to published numbers does not know; agreement with this workstation is worth something because of it.
//
// What it meets of the study (Databricks, January 2026), in percent gained by two engines under MPS over one; physics.test.ts computes these rows.
//   decode, 1024 sequences    context   128   512  1024  2048    met: above 50 % for the smallest and short, falls with size, falls with
//                             0.5b:      56    59    53    39         context from 512 tokens on, below 10 % at 7B and then a slowdown
//                             1.5b:      42    33    25    17    missed: below 10 % at 2k (other sizes), a fall below 512 tokens (0.5B)
//                             3b:        22    17    14    10
//                             7b:        -2    -1    -2    -6
//   prompts only              size     0.5b  1.5b    3b    7b    met: below 3B much, about 3B little, above none
//                             gain:      85    69     7     2    missed: above 100 %, any change with the length of the prompt
//   gemma-3-4b, 512 sequences of 512 tokens                      met: both gain about the same (the study: 33 and 35)
//                             async:     33                      one engine with asynchronous scheduling
//                             mps:       27                      two engines under MPS without it
// Not simulated at all: models without attention or without MLP.
import type { Card } from './cards.ts'
import { SHAPES, type Shape, type ShapeName } from './shapes.ts'

const BIAS = {
  /** This host is slower than the fit says. */
  host: 1.07,
  /** And much slower per sequence, else two engines of the smallest model would not gain what the study reports. */
  hostPerSequence: 1.75,
  /** Cache and DRAM pages lost to each further engine under MPS: more content, not more waiting. */
  overlapLoss: 0.05,
  /** A time slice costs a switch, per share of GPU time. */
  switchLoss: 0.08,
  /** Replicas compete for the same CPU caches and clock. */
  hostCrowd: 0.08,
} as const
/** A step and a sequence of it, as fitted to the words of the study; the prediction has the same two numbers. */
const HOST_STEP_S = 0.54e-3
/** Front end: tokenisation and bookkeeping of one prompt token. */
const FRONT_PER_TOKEN_S = 9.3e-6
const HOST_PER_SEQUENCE_S = 1.7e-6
/** Launch gaps and small kernels of one layer. */
const LAYER_OVERHEAD_S = 33e-6
/** Share of G − X in which some SM still holds a warp. */
const TAIL_ACTIVITY = 0.35
const SHARPNESS = 8
const REACHABLE = { bandwidth: 0.92, tensor: 0.878, prefill: 0.65 } as const
/** Of prefill, what a neighbour's kernels cannot fill. */
const PREFILL_EXCLUSIVE = 0.97
/** How much of the average waiting under MPS a client of normal priority bears while one of below-normal priority bears the rest. */
const FIRST_BEARS = 0.5

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
  /** Prompt tokens worked on per step, in the mean. */
  prefillTokens: number
  asyncScheduling: boolean
  /** CUDA_MPS_CLIENT_PRIORITY: 0 normal, 1 below normal. */
  clientPriority: 0 | 1
}

export interface Step {
  gpuS: number
  exclusiveS: number
  /** Seconds of a fully active GPU: what SM activity counts. */
  activeS: number
  /** Seconds of DRAM at peak. */
  dramS: number
  /** Host and GPU, alone. */
  scheduledS: number
  /** The front end's work on prompts that arrive while the step runs. */
  frontS: number
  /** Alone on the GPU: the longer of the two. */
  periodS: number
}

/** One step of `load`, alone on the GPU, with `engines` on the host. */
export function stepOf(card: Card, load: Load, engines = 1): Step {
  const shape: Shape = SHAPES[load.model]
  const batch = load.running
  const share = Math.min(1, Math.max(0.01, load.sharePercent / 100))
  const crowd = BIAS.host * (1 + BIAS.hostCrowd * (engines - 1))
  const elementwise = 2 * batch * shape.layers * (10 * shape.hidden + 3 * shape.intermediate)
  const bytes = 2 * shape.parameters + batch * load.contextTokens * shape.kvBytesPerToken + elementwise + 14 * batch * shape.vocabulary
  const memoryS = bytes / (REACHABLE.bandwidth * card.bandwidth)
  const flops = card.teraflops * 1e12 * share
  const computeS = (2 * shape.parameters * batch) / (REACHABLE.tensor * flops)
  const prefillS = (2 * shape.parameters * load.prefillTokens) / (REACHABLE.prefill * flops)
  const exclusiveS = memoryS / Math.min(1, share * 1.6) + 0.6 * computeS + PREFILL_EXCLUSIVE * prefillS // a third of the SMs nearly saturate DRAM
  const gpuS = exclusiveS + (1 - PREFILL_EXCLUSIVE) * prefillS + 0.1 * memoryS + LAYER_OVERHEAD_S * shape.layers
  const hostS = (HOST_STEP_S + BIAS.hostPerSequence * HOST_PER_SEQUENCE_S * batch) * crowd * shape.hostFactor
  const activeS = (exclusiveS + TAIL_ACTIVITY * (gpuS - exclusiveS)) * share
  const scheduledS = load.asyncScheduling ? Math.max(hostS, gpuS) + 0.05 * Math.min(hostS, gpuS) : hostS + gpuS
  const frontS = FRONT_PER_TOKEN_S * load.prefillTokens * crowd
  return { gpuS, exclusiveS, activeS, dramS: bytes / card.bandwidth, scheduledS, frontS, periodS: Math.max(scheduledS, frontS) }
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
  /** Seconds per step of every busy engine, by pid. */
  stepSeconds: Map<number, number>
  /** The same against its step alone on the GPU, with as many engines on the host. */
  slowdown: Map<number, number>
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

/** All engines of one GPU together. Everyone waits alike: the GPU and the MPS server are fair, but for client priorities. */
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

function paceOf(turns: readonly Turn[], slowdown: number): Pick<Sharing, 'stepSeconds' | 'slowdown' | 'kernelShare'> {
  const stepSeconds = new Map<number, number>()
  const slowdowns = new Map<number, number>()
  const kernelShare = new Map<number, number>()
  const total = turns.flatMap((turn) => turn.loads).reduce((sum, { step }) => sum + step.gpuS / step.periodS, 0)
  for (const turn of turns) {
    for (const { load, step } of turn.loads) {
      const own = 1 + (slowdown - 1) * burdenOf(turn, load)
      slowdowns.set(load.pid, own)
      stepSeconds.set(load.pid, step.periodS * own)
      kernelShare.set(load.pid, step.gpuS / step.periodS / total)
    }
  }
  return { stepSeconds, slowdown: slowdowns, kernelShare }
}

/** Share of the average waiting that is this client's: 1 unless the server has clients of both priorities. The sum stays. */
function burdenOf({ loads }: Turn, { clientPriority }: Load): number {
  const below = loads.filter(({ load }) => load.clientPriority === 1).length
  if (below === 0 || below === loads.length) return 1
  return clientPriority === 0 ? FIRST_BEARS : (loads.length - FIRST_BEARS * (loads.length - below)) / below
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
      idle *= 1 - Math.min(1, turn.merged ? (period - (step.periodS - step.gpuS)) / period : step.gpuS / period)
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

export const MPS_SERVER_MIB = 66
