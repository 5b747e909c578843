// Engines: how one is described, what it is doing, and whether it is really on MPS.
import { z } from 'zod'
import { Fault } from './fault.ts'
import { MemoryNeed } from './memoryLimit.ts'

const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'A variable name: letters, digits and _, not starting with a digit.')
const path = z.string().min(1).max(4096).refine((text) => !text.includes('\0'), 'A path has no NUL byte.')
const argument = z.string().max(32768).refine((text) => !text.includes('\0'), 'An argument has no NUL byte.')

const everyRecipe = {
  /** Shown everywhere; unique. */
  name: z.string().trim().min(1).max(40),
  gpuUuid: z.string().nullable(),
  /** Whether it should be an MPS client. What it is, is `attachment`. */
  onMps: z.boolean(),
  /** CUDA_MPS_ACTIVE_THREAD_PERCENTAGE, a ceiling, not a reservation; fixed for the life of the process. */
  sharePercent: z.number().gt(0).max(100).nullable(),
  /** CUDA_MPS_PINNED_DEVICE_MEM_LIMIT on its GPU; the process sees it as less free memory, never as a smaller total. null: no limit. */
  pinnedMemoryLimitMiB: z.number().int().positive().nullable().default(null),
  /** CUDA_MPS_CLIENT_PRIORITY: 0 normal, 1 below normal. null: not set. */
  clientPriority: z.union([z.literal(0), z.literal(1)]).nullable().default(null),
  /** CPUs it may run on, as taskset writes them: `0-3,8`. null: all. */
  cpus: z.string().regex(/^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/, 'CPU numbers and ranges: 0-3,8.').max(200).nullable().default(null),
  /** null: Overlap picks a free one at each start. */
  port: z.number().int().min(1024).max(65535).nullable(),
  env: z.record(envName, argument),
  cwd: path.nullable(),
  /** Restarts after a crash, at most this many in ten minutes; 0: never. */
  restartBudget: z.number().int().min(0).max(20),
  /** Longest time from launch to ready. */
  readyWithinSeconds: z.number().int().min(1).max(7200),
}

export const LlamaServerSpec = z.object({
  recipe: z.literal('llamaServer'),
  ...everyRecipe,
  /** The llama-server executable: a name on PATH, or a path. */
  executable: path,
  modelPath: path,
  /** -c, for all slots together. */
  contextTokens: z.number().int().min(64).max(10_000_000),
  /** -np */
  slots: z.number().int().min(1).max(4096),
  /** -ngl; null: all. */
  gpuLayers: z.number().int().min(0).nullable(),
  extraArguments: z.array(argument).max(200),
})
export const CustomSpec = z.object({
  recipe: z.literal('custom'),
  ...everyRecipe,
  /** Program and arguments, no shell. {port} is replaced, and where they are given {sequences} and {kvTokens}. */
  argv: z.array(argument).min(1).max(500),
  /** Answers 200 when ready; null: ready as soon as the port is open. */
  healthPath: z.string().startsWith('/').nullable(),
  /** Prometheus page; null: no rates. */
  metricsPath: z.string().startsWith('/').nullable(),
  /** Whether it serves OpenAI's /v1/models and /v1/completions: then one token must come before it counts as ready. */
  openAi: z.boolean(),
  /** Most requests it works on at once, for {sequences}; an experiment multiplies it for the single engine. null: not known. */
  sequences: z.number().int().min(1).max(100_000).nullable().default(null),
  /** Size of its KV cache in tokens, for {kvTokens}; null: not known. */
  kvTokens: z.number().int().min(1).nullable().default(null),
})
export const VllmSpec = z.object({
  recipe: z.literal('vllm'),
  ...everyRecipe,
  /** The vllm executable: a name on PATH, or a path into a virtual environment. */
  executable: path,
  /** Name on the hub, or a folder. */
  model: argument.min(1).max(4096),
  /** --gpu-memory-utilization: of the GPU's total memory, for this engine alone. null: vLLM's own (0.92). Where kvCacheMemoryMiB is given, it only has to be free at the start. */
  gpuMemoryUtilization: z.number().gt(0).max(1).nullable(),
  /** --kv-cache-memory-bytes, the absolute size: the only one that is equal for engines which load one after another. */
  kvCacheMemoryMiB: z.number().int().positive().nullable(),
  /** --max-num-seqs; null: vLLM's own. */
  maxSequences: z.number().int().min(1).max(100_000).nullable(),
  /** --max-model-len; null: the model's own. */
  maxModelTokens: z.number().int().min(16).nullable(),
  /** --async-scheduling or --no-async-scheduling; null: vLLM's own (on in builds of 2026). */
  asyncScheduling: z.boolean().nullable(),
  /** --stream-interval: tokens per SSE chunk; null: vLLM's own (1). */
  streamIntervalTokens: z.number().int().min(1).max(1000).nullable(),
  extraArguments: z.array(argument).max(200),
})
export const EngineSpec = z.discriminatedUnion('recipe', [LlamaServerSpec, VllmSpec, CustomSpec])
export type EngineSpec = z.infer<typeof EngineSpec>
export type LlamaServerSpec = z.infer<typeof LlamaServerSpec>
export type VllmSpec = z.infer<typeof VllmSpec>
export type CustomSpec = z.infer<typeof CustomSpec>
export type RecipeName = EngineSpec['recipe']

export const ENGINE_STATES = {
  stopped: 'Not running.',
  waiting: 'Waits for its turn: another engine on this GPU is loading.',
  starting: 'Launched; not ready yet.',
  ready: 'Answers requests.',
  draining: 'Was asked to stop; finishes what it has.',
  stopping: 'Is being ended.',
  failed: 'Ended by itself, or did not become ready.',
  unknown: 'Cannot tell: its keeper does not report.',
} as const
export type EngineState = keyof typeof ENGINE_STATES
export const EngineState = z.enum(Object.keys(ENGINE_STATES) as [EngineState, ...EngineState[]])

/** Steps from launch to ready, in order. */
export const READINESS = ['launched', 'portOpen', 'healthy', 'modelListed', 'oneToken'] as const
export type Readiness = (typeof READINESS)[number]

export const Attachment = z.object({
  state: z.enum(['attached', 'notAttached', 'unknown']),
  /** Why it is not attached, or not known. null when attached. */
  reason: z.enum([
    'startedBeforeDaemon', // there is no re-attach: restart it
    'notAsked', // its spec does not want MPS
    'noDaemon', 'noServer', 'daemonChanged', // started under another daemon than the one that runs now
    'environmentDiffers', // its CUDA_MPS_PIPE_DIRECTORY is not the daemon's
    'otherUser', 'noGpuProcess', // no process of it is on the GPU (yet)
    'noEvidence', // clients or GPU processes cannot be listed now
    'silentlyPlain', // on the GPU, right environment, and yet an ordinary CUDA process
    'notRunning',
  ]).nullable(),
  sentence: z.string(),
  /** What was seen: `pid 4242 is in get_client_list`, `nvidia-smi lists pid 4242 as M+C`. */
  evidence: z.array(z.string()),
  /** Restarting this engine would attach it. */
  restartHelps: z.boolean(),
})
export type Attachment = z.infer<typeof Attachment>

/** From the engine's own metrics page. null: not known. */
export const EngineRates = z.object({
  generatedTokensPerSecond: z.number().nullable(),
  promptTokensPerSecond: z.number().nullable(),
  requestsRunning: z.number().nullable(),
  requestsWaiting: z.number().nullable(),
  /** Name of the series the token rate comes from. */
  source: z.string().nullable(),
  /** live: the counter moves while tokens are made. atRequestEnd: it jumps when a request ends, so the rate is spiky. */
  counting: z.enum(['live', 'atRequestEnd']).nullable(),
  readAtMs: z.number().nullable(),
})
export type EngineRates = z.infer<typeof EngineRates>

export const EngineExit = z.object({
  atMs: z.number().nullable(),
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  /** In plain words, with the last telling line of its log. */
  sentence: z.string(),
})

export const Engine = z.object({
  id: z.string(),
  /** Index into the palette of engine colours; kept for life. */
  colour: z.number().int(),
  spec: EngineSpec,
  /** Made by an experiment and gone with it: never stored, and nobody else may change it. */
  temporary: z.boolean(),
  state: EngineState,
  sinceMs: z.number(),
  /** How far its start has come; null unless starting. */
  readiness: z.enum(READINESS).nullable(),
  pid: z.number().int().nullable(),
  startedAtMs: z.number().nullable(),
  /** From the launch of the present run to ready, milliseconds; kept over restarts of Overlap. Null: nobody saw it. */
  loadedInMs: z.number().nonnegative().nullable(),
  /** Found alive from an earlier run of Overlap. */
  adopted: z.boolean(),
  port: z.number().int().nullable(),
  /** Its process tree, the engine's own process first. */
  pids: z.array(z.number().int()),
  /** Sum over its processes on its GPU; null: not known. */
  gpuMemoryMiB: z.number().nullable(),
  /** Of its GPU, for a start with its present settings; null: not known. */
  memoryNeed: MemoryNeed.nullable(),
  attachment: Attachment,
  rates: EngineRates,
  restarts: z.object({ used: z.number().int(), budget: z.number().int(), windowMs: z.number() }),
  lastExit: EngineExit.nullable(),
  fault: Fault.nullable(),
})
export type Engine = z.infer<typeof Engine>
