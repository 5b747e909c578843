// What the model expects of every arm of an experiment, before anything is started. Pure: tables, kernels and co-run; no measurement.
import type { EngineSpec } from '../../../../shared/engine.ts'
import { withRate, type Arm, type Binding, type Point, type Prediction } from '../../../../shared/experiment.ts'
import type { GpuIdentity } from '../../../../shared/gpu.ts'
import type { Load } from '../../../../shared/load.ts'
import { declaredCapacity, modelOf } from '../../engines/capacity.ts'
import { cardOf, type Card } from './cards.ts'
import { DEFAULTS, FITTED_HOST, periodOf, sequencesThatFit, withTheta, type CoRun, type Period, type Sharing } from './coRun.ts'
import { phaseOf, type Phase } from './phase.ts'
import { isReduced, kvBytesPerToken, shapeOf, type Shape } from './shapes.ts'
import { armSentence, refusalSentence } from './words.ts'

export interface PredictRequest {
  gpu: GpuIdentity
  /** One replica. */
  engine: EngineSpec
  arms: Arm[]
  load: Load
  point: Point
}

/** What all arms have in common. */
interface Question {
  card: Card
  shape: Shape
  phase: Phase
  request: PredictRequest
}

/** One engine of an arm: its sequences in a step, and what keeps them from being more. */
export interface Batch {
  sequences: number
  wanted: number
  limitedBy: 'kv' | 'maxSequences' | null
}

export interface Run {
  tokensPerSecond: number
  batch: Batch
  period: Period
}

/** Arguments after which an engine is no longer the dense bf16 decoder that the kernels were fitted to. */
const OTHER_MODEL = /^--?(quantization|q(=|$)|kv-cache-dtype|cache-type-[kv]|hf-overrides|speculative|spec-|draft|model-draft|tensor-parallel|pipeline-parallel|enable-lora|lora|enforce-eager|cpu-offload)/

/** The single engine with the replicas' resources together, where the file has none. */
const VIRTUAL_SINGLE: Arm = {
  id: 'single', name: 'One engine', kind: 'single', engines: 1, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [],
}

/** Engines of the largest arm: the single engine gets the resources of that many. */
const replicasOf = (arms: readonly Arm[]): number => Math.max(1, ...arms.map(({ engines }) => engines))

/** Sequences in a step of each engine of `arm`. */
function batchOf(request: PredictRequest, card: Card, shape: Shape, arm: Arm, context: { tokens: number; holdsKv: boolean }): Batch {
  const arrivals = withRate(request.load.arrivals, request.point)
  const wanted = arrivals.kind !== 'closed' ? Infinity : request.load.regime === 'equalTotal' ? arrivals.concurrency / arm.engines : arrivals.concurrency
  const capacity = declaredCapacity(request.engine)
  const scale = arm.kind === 'single' ? replicasOf(request.arms) / arm.engines : 1
  const kvTokens = capacity.kvCacheTokens ?? (capacity.kvCacheMiB === null ? null : (capacity.kvCacheMiB * 1024 * 1024) / kvBytesPerToken(shape))
  const held = kvTokens === null ? sequencesThatFit(card, shape, context.tokens, arm.engines) : Math.floor((kvTokens * scale) / context.tokens)
  const kv = context.holdsKv ? held : Infinity
  const allowed = capacity.maxSequences === null ? Infinity : capacity.maxSequences * scale
  const sequences = Math.min(wanted, kv, allowed)
  return { sequences, wanted, limitedBy: sequences === wanted ? null : sequences === kv ? 'kv' : 'maxSequences' }
}

function runOf({ card, shape, phase, request }: Question, arm: Arm, sharing: Sharing, coRun: CoRun): Run {
  const batch = batchOf(request, card, shape, arm, { tokens: phase.contextTokens, holdsKv: phase.phase === 'decode' })
  const overlapsGpu = arm.asyncScheduling ?? (request.engine.recipe === 'vllm' ? request.engine.asyncScheduling ?? true : false)
  const workload = { phase: phase.phase, batch: batch.sequences, contextTokens: phase.contextTokens }
  const period = periodOf({ card, shape, workload, host: { ...FITTED_HOST, overlapsGpu }, engines: arm.engines, sharing, coRun })
  const perSequence = phase.phase === 'decode' ? 1 : phase.outputTokens
  return { tokensPerSecond: (arm.engines * batch.sequences * perSequence) / period.seconds, batch, period }
}

/** An engine whose kernels fill more of its step than this leaves nothing to win beside the GPU. */
const HOST_BOUND = 0.9

/** What bounds the arm at the defaults. */
function bindingOf({ period, batch }: Run, engines: number): Binding {
  if (batch.limitedBy === 'kv') return 'kv'
  const { step, gpuSeconds, aloneSeconds, hostSeconds, frontSeconds } = period
  const waits = engines > 1 ? gpuSeconds < aloneSeconds && step.gpuSeconds < HOST_BOUND * aloneSeconds : step.gpuSeconds < Math.max(hostSeconds, frontSeconds)
  if (waits) return 'host'
  if (step.memorySeconds > 0.8 * step.gpuSeconds) return 'dram'
  return step.computeSeconds > 0.8 * step.gpuSeconds ? 'tensor' : 'gpu'
}

/** The question, or one sentence why the model cannot answer it for any arm. */
function questionOf(request: PredictRequest): Question | string {
  const { gpu, engine, load, point } = request
  const card = cardOf(gpu)
  if (gpu.migMode === 'Enabled') return 'MIG is on: the model knows whole GPUs only.'
  if (card === null) return `${gpu.name} is not in the table of GPUs.`
  const model = point.model ?? modelOf(engine)
  const shape = shapeOf(model)
  if (model === null) return 'The engine does not say which model it serves.'
  if (shape === null) return `${model} is not in the table of models.`
  const argument = (engine.recipe === 'custom' ? engine.argv : engine.extraArguments).find((text) => OTHER_MODEL.test(text))
  if (isReduced(model)) return `${model} stores its weights in fewer than 16 bits: the model knows dense bf16 only.`
  if (argument !== undefined) return `${argument} changes what is computed: the model knows dense bf16 only.`
  const phase = phaseOf({ card, shape, load, point, batch: (tokens) => Math.min(4096, batchOf(request, card, shape, VIRTUAL_SINGLE, { tokens, holdsKv: true }).sequences) })
  return typeof phase === 'string' ? phase : { card, shape, phase, request }
}

/** Why this arm cannot be predicted although its experiment can; null: it can. */
function armRefusal(arm: Arm): string | null {
  if (arm.sharePercent?.some((percent) => percent < 100)) return 'A limited SM share is not predicted: how far it slows which kernel has not been measured.'
  if (arm.clientPriority?.some((priority) => priority !== arm.clientPriority?.[0])) return 'Unequal priorities are not predicted.'
  return arm.extraArguments.length > 0 ? 'Arguments of its own are not predicted.' : null
}

/** Why these runs say nothing about this load; null: they do. */
function loadRefusal({ phase, request }: Question, arm: Arm, runs: readonly Run[]): string | null {
  const { arrivals, outputTokens } = phase
  if (arrivals.kind === 'closed') return null
  if (runs.some(({ batch }) => !Number.isFinite(batch.sequences))) return 'At an open-loop rate the batch is not known: the engine does not say how many sequences it takes at most.'
  const requests = arrivals.perSecond * (request.load.regime === 'equalPerEngine' ? arm.engines : 1)
  return runs.some(({ tokensPerSecond }) => requests * outputTokens < tokensPerSecond) ? 'At this rate not every arm is saturated, and an arm that keeps up makes what is asked of it: only saturation is predicted.' : null
}

const nothing = (arm: Arm, sentence: string, binding: Binding | null = null): Prediction =>
  ({ armId: arm.id, gain: null, gainOverTimeSlicing: null, tokensPerSecond: null, binding, confidence: 'low', sentence: refusalSentence(sentence) })

function bandOf(runs: readonly Run[], baselines: readonly Run[]): NonNullable<Prediction['gain']> {
  const gains = runs.map((run, index) => run.tokensPerSecond / (baselines[index] ?? run).tokensPerSecond - 1)
  return { low: Math.min(...gains), likely: gains[0] ?? 0, high: Math.max(...gains) }
}

/** At the defaults, with θ = 0 and with θ = 1: in this order everywhere. */
const THETAS: readonly CoRun[] = [DEFAULTS, withTheta(0), withTheta(1)]

function predictArm(question: Question, arm: Arm, best: readonly Run[]): Prediction {
  const refusal = armRefusal(arm)
  if (refusal !== null) return nothing(arm, refusal)
  const runsWith = (sharing: Sharing): Run[] => THETAS.map((coRun) => runOf(question, arm, sharing, coRun))
  const runs = runsWith(arm.kind === 'timeSliced' ? 'timeSliced' : 'mps')
  const [likely, baseline] = [runs[0], best[0]]
  if (likely === undefined || baseline === undefined) return nothing(arm, 'There is nothing to compare.')
  if (likely.batch.wanted < 1) return nothing(arm, 'There are fewer requests at a time than engines.')
  if (likely.batch.sequences < 1 || baseline.batch.sequences < 1) return nothing(arm, 'The engines do not fit into the GPU\'s memory, or their KV caches hold not one sequence.', 'memory')
  const unsaturated = loadRefusal(question, arm, [likely, baseline])
  if (unsaturated !== null) return nothing(arm, unsaturated)
  const { card, phase, request } = question
  const doubts = [
    ...(card.architecture === 'hopper' ? [] : ['the kernels were fitted to Hopper']),
    ...(request.engine.recipe === 'vllm' ? [] : ['the kernels were fitted to vLLM']),
    // published pairs reach from 0.6 to 1.5 times one engine
    ...(arm.kind === 'timeSliced' ? ['what a time slice costs is a guess, and where the host takes longer than the fit, taking turns costs less'] : []),
    ...(phase.leftOutShare > 0.2 ? [`reading prompts, about ${Math.round(100 * phase.leftOutShare)} % of the time, is left out`] : []),
  ]
  const gain = bandOf(runs, best)
  const binding = bindingOf(likely, arm.engines)
  return {
    armId: arm.id, gain, gainOverTimeSlicing: arm.kind === 'mps' && arm.engines > 1 ? bandOf(runs, runsWith('timeSliced')) : null,
    tokensPerSecond: likely.tokensPerSecond, binding, confidence: doubts.length === 0 ? 'high' : 'low',
    sentence: armSentence({ arm, gain, binding, run: likely, isBest: likely.tokensPerSecond === baseline.tokensPerSecond && arm.kind === 'single', doubts }),
  }
}

/**
 * One prediction per arm, in their order. Gains are ratios − 1 against the best single engine (θ and host costs as in coRun.ts);
 * what cannot be predicted has null and a sentence. Never throws.
 */
export function predictArms(request: PredictRequest): Prediction[] {
  const question = questionOf(request)
  if (typeof question === 'string') return request.arms.map((arm) => nothing(arm, question))
  const singles = request.arms.filter((arm) => arm.kind === 'single' && armRefusal(arm) === null)
  const candidates = (singles.length > 0 ? singles : [VIRTUAL_SINGLE]).map((arm) => THETAS.map((coRun) => runOf(question, arm, 'mps', coRun)))
  const best = candidates.reduce((a, b) => ((b[0]?.tokensPerSecond ?? 0) > (a[0]?.tokensPerSecond ?? 0) ? b : a))
  return request.arms.map((arm) => predictArm(question, arm, best))
}
