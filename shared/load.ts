// Load: what traffic an experiment sends to engines, and what is measured of it. Definitions are printed where a number is shown.
import { z } from 'zod'

/** Of a prompt or an output; at a time; requests. */
export const MOST_TOKENS = 1_000_000
export const MOST_CONCURRENCY = 20_000
export const MOST_PER_SECOND = 100_000

const ascending = ({ min, max }: { min: number; max: number }): boolean => min <= max
const ORDER = { error: 'The most is below the least.', path: ['max'] }

/** Token counts of prompts or of outputs: one fixed number, or drawn with the load's seed. */
export const Lengths = z.discriminatedUnion('shape', [
  z.object({ shape: z.literal('fixed'), tokens: z.number().int().min(1).max(MOST_TOKENS) }),
  z.object({ shape: z.literal('uniform'), min: z.number().int().min(1), max: z.number().int().max(MOST_TOKENS) }).refine(ascending, ORDER),
  z.object({ shape: z.literal('normal'), mean: z.number().positive(), stdev: z.number().nonnegative(), min: z.number().int().min(1), max: z.number().int().max(MOST_TOKENS) }).refine(ascending, ORDER),
])
export type Lengths = z.infer<typeof Lengths>

/**
 * When requests are sent. closed: so many at a time, the next when one ends. The others are open loops: a request is due at its time
 * whatever the engine does, and its latency counts from when it was due, so that a slow engine cannot hide its own queue.
 */
export const Arrivals = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('closed'), concurrency: z.number().int().min(1).max(MOST_CONCURRENCY) }),
  z.object({ kind: z.literal('constant'), perSecond: z.number().positive().max(MOST_PER_SECOND) }),
  z.object({ kind: z.literal('poisson'), perSecond: z.number().positive().max(MOST_PER_SECOND) }),
  /** Gamma-distributed gaps of shape `burstiness`: 1 is Poisson, smaller comes in bursts (as `vllm bench serve` defines it). */
  z.object({ kind: z.literal('bursty'), perSecond: z.number().positive().max(MOST_PER_SECOND), burstiness: z.number().positive().max(1) }),
])
export type Arrivals = z.infer<typeof Arrivals>

/** A request counts for goodput when it meets every limit that is not null. Milliseconds. */
export const GoodputLimits = z.object({ ttftMs: z.number().positive().nullable(), tpotMs: z.number().positive().nullable(), endToEndMs: z.number().positive().nullable() })
export type GoodputLimits = z.infer<typeof GoodputLimits>

export const Load = z.object({
  api: z.enum(['completions', 'chat']),
  prompt: Lengths,
  output: Lengths,
  arrivals: Arrivals,
  /** What `arrivals` counts: the whole arm (split evenly over its engines), or each engine of it. They answer different questions. */
  regime: z.enum(['equalTotal', 'equalPerEngine']),
  /** Asks the engine to go on past its end token, where it knows how; else outputs may be shorter than asked. */
  ignoreEos: z.boolean(),
  /** Tokens per SSE chunk that every arm's engines are started with, where the recipe knows how; null: the engine's own. */
  streamIntervalTokens: z.number().int().min(1).max(1000).nullable(),
  goodput: GoodputLimits.nullable(),
  seed: z.number().int().min(0).max(2 ** 31 - 1),
})
export type Load = z.infer<typeof Load>

/** Of one quantity over the requests (or tokens) of one block. Within 1 ms or 2 %, whichever is more. */
export const Percentiles = z.object({
  count: z.number().int(), mean: z.number(), p50: z.number(), p90: z.number(), p95: z.number(), p99: z.number(), max: z.number(),
})
export type Percentiles = z.infer<typeof Percentiles>

export const LATENCIES = {
  ttftMs: { label: 'TTFT', unit: 'ms', meaning: 'Time to first token: from when the request was due (open loop) or sent (closed loop) to the first chunk with text in it. An open loop counts what was due within the window, also where the answer comes after it.' },
  itlMs: { label: 'ITL', unit: 'ms', meaning: 'Inter-token latency: from one chunk with text to the next, divided by the tokens in it. One value per token.' },
  tpotMs: { label: 'TPOT', unit: 'ms', meaning: 'Time per output token, the first one excluded: (end to end − TTFT) / (tokens − 1). One value per request.' },
  endToEndMs: { label: 'End to end', unit: 'ms', meaning: 'From when the request was due (open loop) or sent (closed loop) to its last byte.' },
} as const
export type LatencyKey = keyof typeof LATENCIES

export const THROUGHPUTS = {
  outputTokensPerSecond: { label: 'Output tokens/s', meaning: "Output tokens that arrived within the measuring window, per second. Counted by the engine's own usage; a request that straddles an edge counts with the part that arrived inside." },
  requestsPerSecond: { label: 'Requests/s', meaning: 'Requests that ended well within the measuring window, per second.' },
  goodputPerSecond: { label: 'Goodput', meaning: 'Requests per second that ended well and met every latency limit.' },
} as const

/** One block of load on one engine, or summed over the engines of an arm. Null: nothing to count from. */
export const LoadResult = z.object({
  /** Length of the measuring window, without warm-up and cool-down. */
  windowSeconds: z.number(),
  requests: z.object({ sent: z.number().int(), finished: z.number().int(), failed: z.number().int(), cutOff: z.number().int() }),
  /** Of failed requests, at most a few. */
  failures: z.array(z.string()),
  promptTokens: z.number(),
  outputTokens: z.number(),
  outputTokensPerSecond: z.number(),
  requestsPerSecond: z.number(),
  goodputPerSecond: z.number().nullable(),
  ttftMs: Percentiles.nullable(),
  itlMs: Percentiles.nullable(),
  tpotMs: Percentiles.nullable(),
  endToEndMs: Percentiles.nullable(),
  /** Requests whose output was shorter than asked, although that was not wished. */
  shortOutputs: z.number().int(),
  /** True: usage came with every finished request. False: chunks were counted instead, which may hold more than one token. */
  countedByUsage: z.boolean(),
  client: z.object({
    /** CPU of the busiest generator process, percent of one core. */
    cpuPercent: z.number(),
    /** How late requests left, against when they were due. 99th percentile. */
    lateMsP99: z.number(),
    /** Streams open at the end of the window, and how fast that number grew: per second, with the low end of its 95 % interval. */
    inFlight: z.number().int(), inFlightSlope: z.number().nullable(), inFlightSlopeLow: z.number().nullable(),
  }),
})
export type LoadResult = z.infer<typeof LoadResult>
