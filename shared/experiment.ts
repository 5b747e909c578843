// Experiments: which ways of sharing a GPU are compared, under which load, and what came out. Everything that a report needs to be repeated.
import { z } from 'zod'
import { Claim } from './claim.ts'
import { EngineSpec } from './engine.ts'
import { Fault } from './fault.ts'
import { Arrivals, Load, LoadResult, MOST_CONCURRENCY, MOST_PER_SECOND, MOST_TOKENS } from './load.ts'

const id = z.string().min(1).max(64)

/** An Arm: one way of sharing the GPU. Its engines are copies of the experiment's engine. */
export const Arm = z.object({
  /** Short enough to stand whole in the names of its engines. */
  id: z.string().regex(/^[a-z0-9-]{1,30}$/, 'At most 30 small letters, digits and -.'),
  name: z.string().min(1).max(60),
  /** single: one engine with the replicas' resources together. timeSliced: without MPS, proven so. mps: clients of one MPS server, proven so. */
  kind: z.enum(['single', 'timeSliced', 'mps']),
  engines: z.number().int().min(1).max(16),
  /** CUDA_MPS_ACTIVE_THREAD_PERCENTAGE of each engine in turn; one value: of all. mps only; null: no limit. */
  sharePercent: z.array(z.number().gt(0).max(100)).min(1).max(16).nullable().default(null),
  pinnedMemoryLimitMiB: z.number().int().positive().nullable().default(null),
  /** CUDA_MPS_CLIENT_PRIORITY of each engine in turn: 0 normal, 1 below normal. */
  clientPriority: z.array(z.union([z.literal(0), z.literal(1)])).min(1).max(16).nullable().default(null),
  /** vLLM's asynchronous scheduling; null: as the engine's spec says. */
  asyncScheduling: z.boolean().nullable().default(null),
  /** Added to the engine's own arguments: a custom arm. */
  extraArguments: z.array(z.string().max(32768)).max(50).default([]),
})
export type Arm = z.infer<typeof Arm>

/** One quantity that is varied; a cell is one choice of every axis. */
export const Axis = z.discriminatedUnion('vary', [
  z.object({ vary: z.literal('model'), values: z.array(z.string().min(1).max(4096)).min(1).max(20) }),
  z.object({ vary: z.enum(['promptTokens', 'outputTokens']), values: z.array(z.number().int().min(1).max(MOST_TOKENS)).min(1).max(40) }),
  z.object({ vary: z.literal('concurrency'), values: z.array(z.number().int().min(1).max(MOST_CONCURRENCY)).min(1).max(40) }),
  z.object({ vary: z.literal('perSecond'), values: z.array(z.number().positive().max(MOST_PER_SECOND)).min(1).max(40) }),
])
export type Axis = z.infer<typeof Axis>
export type Vary = Axis['vary']

/** An experiment as it is written down: a preset below assets/experiments, or a file of one's own. */
export const ExperimentFile = z.object({
  version: z.literal(1),
  title: z.string().min(1).max(120),
  /** The question it answers, in a sentence. */
  question: z.string().max(500),
  /** Which published figure it repeats, with its source. */
  source: z.string().max(500).nullable().default(null),
  /** What must be there that Overlap cannot bring, in words. */
  needs: z.array(z.string().max(300)).max(10).default([]),
  /** Why it cannot be run yet; null: it can. */
  waitsFor: z.string().max(500).nullable().default(null),
  /** The engine that is copied: a whole spec; name, GPU, MPS, share, port and cores in it are set anew for every copy. null: the chosen engine of the workstation. */
  engine: EngineSpec.nullable().default(null),
  axes: z.array(Axis).max(3).default([]),
  arms: z.array(Arm).min(1).max(8),
  load: Load,
  blocks: z.object({
    /** Rounds; each holds one block of every arm. */
    rounds: z.number().int().min(1).max(200),
    /** Measuring window of a block. */
    seconds: z.number().min(1).max(3600),
    /** Load runs and is not counted. */
    warmUpSeconds: z.number().min(0).max(600),
    /** Before the next block begins. */
    coolDownSeconds: z.number().min(0).max(600),
  }),
  /** Whether all arms' engines stay loaded side by side while only the load alternates. auto: where memory allows and idle residents are shown to cost nothing. */
  residency: z.enum(['auto', 'hot', 'cold']).default('auto'),
  /** Throughput is read off the curve of the sweep at this end-to-end p95 latency; null: not. */
  readOffAtLatencySeconds: z.number().positive().nullable().default(null),
  /** What the source reports of it: the report says which of these it meets. */
  claims: z.array(Claim).max(30).default([]),
})
export type ExperimentFile = z.infer<typeof ExperimentFile>

/** Where in the sweep: only the axes that are varied. */
export const Point = z.object({ model: z.string().optional(), promptTokens: z.number().optional(), outputTokens: z.number().optional(), concurrency: z.number().optional(), perSecond: z.number().optional() })
export type Point = z.infer<typeof Point>

export const BINDING = {
  host: 'host time of the engine', gpu: 'time on the GPU', memory: 'GPU memory', kv: 'KV cache', dram: 'DRAM bandwidth', tensor: 'tensor cores',
} as const
export type Binding = keyof typeof BINDING

/** Where the band of a prediction holds zero, a likely value below this is called no gain without an if. Its low end is no overlap at all, which hardly any load that gains would meet. */
export const LIKELY_GAIN = 0.05

/** What the model expects of one arm against the single engine: a band from ideal overlap (θ = 0) to none (θ = 1). Ratios − 1. */
export const Prediction = z.object({
  armId: z.string(),
  /** Of throughput, against the best single engine; null: cannot be predicted, `sentence` says why. */
  gain: z.object({ low: z.number(), likely: z.number(), high: z.number() }).nullable(),
  /** Against time-slicing. */
  gainOverTimeSlicing: z.object({ low: z.number(), likely: z.number(), high: z.number() }).nullable(),
  tokensPerSecond: z.number().nullable(),
  binding: z.enum(Object.keys(BINDING) as [Binding, ...Binding[]]).nullable(),
  /** high: Hopper, dense bf16, as fitted. low: extrapolated, or resting on a guess; `sentence` says which. */
  confidence: z.enum(['high', 'low']),
  sentence: z.string(),
})
export type Prediction = z.infer<typeof Prediction>

/** One thing that was looked at before, during or after. */
export const Check = z.object({
  /** `gpuIsFree`, `attached/mps-1`, `kvParity` … */
  name: z.string(),
  result: z.enum(['passed', 'failed', 'notChecked']),
  /** refuses: nothing is started. invalidates: what it concerns does not count. warns: it is told. */
  weight: z.enum(['refuses', 'invalidates', 'warns']),
  sentence: z.string(),
  evidence: z.array(z.string()),
})
export type Check = z.infer<typeof Check>

/** What will be done, before anything is. */
export const Plan = z.object({
  file: ExperimentFile,
  gpuUuid: z.string(),
  cells: z.array(z.object({ point: Point, predictions: z.array(Prediction) })),
  residency: z.enum(['hot', 'cold']),
  /** Engines that run on the GPU now: stopped first, started again at the end. Names. */
  setsAside: z.array(z.string()),
  /** MPS is started for it, and stopped at the end. */
  startsMps: z.boolean(),
  estimate: z.object({ loadingSeconds: z.number(), measuringSeconds: z.number(), gpuMemoryMiB: z.number().nullable() }),
  checks: z.array(Check),
})
export type Plan = z.infer<typeof Plan>

export const GpuDuring = z.object({
  smActivityPercent: z.number().nullable(), dramBandwidthPercent: z.number().nullable(), kernelBusyPercent: z.number().nullable(), memoryControllerBusyPercent: z.number().nullable(),
  powerWatts: z.number().nullable(), temperatureCelsius: z.number().nullable(), smClockMHz: z.number().nullable(), memoryClockMHz: z.number().nullable().default(null), frames: z.number().int(),
})
export type GpuDuring = z.infer<typeof GpuDuring>

/** A Block: one stretch of load on one arm. */
export const Block = z.object({
  index: z.number().int(),
  cell: z.number().int(),
  round: z.number().int(),
  armId: z.string(),
  /** compared: counts for the gains. control: the single engine before and after others were loaded. probe: looks for the plateau. */
  purpose: z.enum(['compared', 'control', 'probe']),
  startedAtMs: z.number(),
  /** failed: no measurement. invalid: measured, and does not count; `reasons` says why. */
  validity: z.enum(['valid', 'invalid', 'failed']),
  reasons: z.array(z.string()),
  total: LoadResult.nullable(),
  engines: z.array(z.object({ engineName: z.string(), result: LoadResult })),
  gpu: GpuDuring,
})
export type Block = z.infer<typeof Block>

/** unfinished: whoever may stop when it looks good finds differences where there are none; before the last planned round nothing is said. */
export const VERDICTS = {
  tooFewBlocks: 'too few blocks', unfinished: 'not all rounds were run', noDifference: 'no difference shown', higher: 'higher', lower: 'lower',
} as const
export type Verdict = keyof typeof VERDICTS

/** Below this many pairs nothing is claimed. */
export const FEWEST_PAIRS = 6

/** One measure of one arm against another, from paired blocks. */
export const Comparison = z.object({
  cell: z.number().int(),
  /** againstSingle: the headline. againstTimeSliced: what MPS adds. other: any two arms. */
  name: z.enum(['againstSingle', 'againstTimeSliced', 'other']),
  armId: z.string(),
  baselineId: z.string(),
  measure: z.enum(['outputTokensPerSecond', 'goodputPerSecond', 'ttftMsP95', 'tpotMsP95']),
  /** Ratio − 1, from the mean of log ratios, with its 95 % t interval; null below two pairs. */
  change: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  pairs: z.number().int(),
  verdict: z.enum(Object.keys(VERDICTS) as [Verdict, ...Verdict[]]),
})
export type Comparison = z.infer<typeof Comparison>

export const PHASES = {
  preflight: 'Checks before anything is started', arranging: 'Stops what is in the way, starts MPS', loading: 'Loads engines, one after another', proving: 'Proves who is an MPS client and who is not; parity',
  guarding: 'Compares answers of limited engines', warming: 'Gives load until tokens come at a steady rate', probing: 'Looks for each engine\'s plateau', control: 'Measures what the idle engines beside it cost', measuring: 'Measures, arms in turn', tidying: 'Takes everything down, last in first out', done: 'Over',
} as const
export type Phase = keyof typeof PHASES
export const Phase = z.enum(Object.keys(PHASES) as [Phase, ...Phase[]])

/** An arm while the experiment runs. */
export const ArmNow = z.object({
  armId: z.string(),
  /** waiting · loading · ready (loaded, proven) · measuring · failed */
  state: z.enum(['waiting', 'loading', 'ready', 'measuring', 'failed']),
  fault: Fault.nullable(),
  /** Last second, while measuring; null otherwise. */
  tokensPerSecondNow: z.number().nullable(),
  /** Means over its valid blocks of this cell so far. */
  tokensPerSecond: z.number().nullable(),
  ttftMsP95: z.number().nullable(),
  tpotMsP95: z.number().nullable(),
  gpu: GpuDuring.nullable(),
  blocks: z.object({ valid: z.number().int(), invalid: z.number().int(), failed: z.number().int() }),
})
export type ArmNow = z.infer<typeof ArmNow>

/** An experiment that runs, or the one that ran last. */
export const ExperimentNow = z.object({
  id,
  plan: Plan,
  phase: Phase,
  /** What is being done, in a sentence. */
  sentence: z.string(),
  startedAtMs: z.number(),
  phaseSinceMs: z.number(),
  /** Of the whole, by the estimate corrected by what has passed. */
  endsAtMs: z.number().nullable(),
  cell: z.number().int(),
  /** The compared block that runs: 0-based, of all of this cell. */
  block: z.number().int().nullable(),
  blocks: z.number().int(),
  arms: z.array(ArmNow),
  comparisons: z.array(Comparison),
  checks: z.array(Check),
  /** Why it ended before its end, or has no valid result. */
  fault: Fault.nullable(),
  cancelled: z.boolean(),
  /** Its report, once it is over. */
  reportId: z.string().nullable(),
})
export type ExperimentNow = z.infer<typeof ExperimentNow>

/** Who holds the workstation: other writes get HELD. */
export const Hold = z.object({ experimentId: z.string(), sentence: z.string(), sinceMs: z.number() })
export type Hold = z.infer<typeof Hold>

export const ReportedEngine = z.object({
  armId: z.string(), name: z.string(), recipe: z.string(), argv: z.array(z.string()),
  /** Secrets masked. */
  env: z.record(z.string(), z.string()),
  pids: z.array(z.number().int()), cpus: z.string().nullable(), attachment: z.string(), attachmentEvidence: z.array(z.string()),
  kvCacheTokens: z.number().nullable(), maxSequences: z.number().nullable(), version: z.string().nullable(),
  /** Of the model that it serves, and where that was read; null: nothing tells it. */
  modelRevision: z.string().nullable().default(null),
})
export type ReportedEngine = z.infer<typeof ReportedEngine>

/** All that is needed to repeat it and to doubt it. */
export const Report = z.object({
  version: z.literal(1),
  id,
  plan: Plan,
  startedAtMs: z.number(),
  endedAtMs: z.number(),
  /** valid: every compared arm has enough valid blocks. partial: cancelled or resumed later. invalid: nothing of it counts; `reasons`. */
  outcome: z.enum(['valid', 'partial', 'invalid']),
  reasons: z.array(z.string()),
  simulated: z.boolean(),
  scene: z.string().nullable(),
  workstation: z.object({
    overlapVersion: z.string(), hostName: z.string(), kernel: z.string(), cpu: z.string(), cores: z.number().int(), nodeVersion: z.string(),
    gpuName: z.string(), gpuUuid: z.string(), driverVersion: z.string().nullable(), /** What the driver supports at most; null: not told. */ cudaVersion: z.string().nullable().default(null), computeMode: z.string().nullable(), memoryTotalMiB: z.number().nullable(),
    powerLimitWatts: z.number().nullable(), mpsControlVersion: z.string().nullable(), gpuMetricsSource: z.string(),
  }),
  engines: z.array(ReportedEngine),
  checks: z.array(Check),
  blocks: z.array(Block),
  comparisons: z.array(Comparison),
  /** Cells that are done, by index: a report that is interrupted goes on from here. */
  cellsDone: z.array(z.number().int()),
})
export type Report = z.infer<typeof Report>

export const ReportSummary = z.object({
  id, title: z.string(), startedAtMs: z.number(), endedAtMs: z.number(), outcome: Report.shape.outcome, simulated: z.boolean(), gpuName: z.string(), hostName: z.string(),
  cells: z.number().int(), cellsDone: z.number().int(),
  /** Headline of the first cell; null: there is none. */
  headline: Comparison.nullable(),
  /** What the headline holds for, where an arm was below its plateau; null: no such arm is known. */
  holdsOnlyFor: z.string().nullable(),
  imported: z.boolean(),
})
export type ReportSummary = z.infer<typeof ReportSummary>

export const EXPORTS = { html: 'text/html', markdown: 'text/markdown', csv: 'text/csv', json: 'application/json' } as const
export type ExportFormat = keyof typeof EXPORTS

export const Preset = z.object({
  /** File name without its ending. */
  name: z.string(),
  file: ExperimentFile,
  cells: z.number().int(),
  /** On this workstation now; null: it cannot be told, `sentence` says why. */
  seconds: z.number().nullable(),
  sentence: z.string(),
})
export type Preset = z.infer<typeof Preset>

/** What is to be run: a preset by name, or a file; with the engine that takes the place of a null one. */
export const ExperimentChoice = z.object({
  preset: z.string().max(80).nullable().default(null),
  file: ExperimentFile.nullable().default(null),
  gpuUuid: z.string().max(100).nullable().default(null),
  /** Copied where the file names no engine, and instead of the one it names. */
  engineId: z.string().max(64).nullable().default(null),
  /** Goes on with the cells that this report has not done. */
  resumes: z.string().max(64).nullable().default(null),
})
export type ExperimentChoice = z.infer<typeof ExperimentChoice>

/** Arrivals with another number in them, as a sweep changes it. */
export function withRate(arrivals: Arrivals, change: { concurrency?: number | undefined; perSecond?: number | undefined }): Arrivals {
  if (change.concurrency !== undefined) return { kind: 'closed', concurrency: change.concurrency }
  if (change.perSecond !== undefined) return arrivals.kind === 'closed' ? { kind: 'poisson', perSecond: change.perSecond } : { ...arrivals, perSecond: change.perSecond }
  return arrivals
}
