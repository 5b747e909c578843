// From two readings of an engine's metrics page to its rates. What the page does not say stays null.
import type { EngineRates } from '../../../shared/engine.ts'
import { linesOf, total, type MetricsPage } from './prometheus.ts'

/** The names one family of engines uses. Releases differ in `_total`: both forms are looked for. */
interface Dialect {
  prefix: string
  generated: string
  prompt: string
  running: string
  waiting: string
  /** When the counter of generated tokens moves. */
  counting: 'live' | 'atRequestEnd'
  /** A gauge of generated tokens per second that is live although the counter is not. */
  throughput?: string
}

const DIALECTS: readonly Dialect[] = [
  { prefix: 'vllm:', generated: 'generation_tokens', prompt: 'prompt_tokens', running: 'num_requests_running', waiting: 'num_requests_waiting', counting: 'live' },
  { prefix: 'sglang:', generated: 'generation_tokens', prompt: 'prompt_tokens', running: 'num_running_reqs', waiting: 'num_queue_reqs', counting: 'atRequestEnd', throughput: 'gen_throughput' },
  { prefix: 'llamacpp:', generated: 'tokens_predicted', prompt: 'prompt_tokens', running: 'requests_processing', waiting: 'requests_deferred', counting: 'atRequestEnd' },
  // trtllm-serve writes its token counters when a request ends; old releases write the prefix with a colon
  { prefix: 'trtllm_', generated: 'generation_tokens', prompt: 'prompt_tokens', running: 'num_requests_running', waiting: 'num_requests_waiting', counting: 'atRequestEnd' },
  { prefix: 'trtllm:', generated: 'generation_tokens', prompt: 'prompt_tokens', running: 'num_requests_running', waiting: 'num_requests_waiting', counting: 'atRequestEnd' },
]

/** What one reading says, small enough to keep. Counters count from the engine's start. */
export interface Reading {
  /** On the steady clock. */
  atMs: number
  source: string | null
  counting: EngineRates['counting']
  generated: number | null
  prompt: number | null
  running: number | null
  waiting: number | null
  /** Generated tokens per second as the engine itself says. */
  throughput: number | null
}

export const NO_RATES: EngineRates = {
  generatedTokensPerSecond: null, promptTokensPerSecond: null, requestsRunning: null, requestsWaiting: null, source: null, counting: null, readAtMs: null,
}

const forms = (prefix: string, name: string): string[] => [`${prefix}${name}_total`, `${prefix}${name}`]

/** Of every series that a reading looks at. */
export const WANTED_LINES = linesOf(
  DIALECTS.flatMap(({ prefix, generated, prompt, running, waiting, throughput = generated }) => [...new Set([generated, prompt, running, waiting, throughput])].flatMap((name) => forms(prefix, name))),
)

/** A page of an unknown family gives a reading in which everything is null. */
export function readingOf(page: MetricsPage, atMs: number): Reading {
  const dialect = DIALECTS.find(({ prefix }) => page.samples.some((sample) => sample.name.startsWith(prefix)))
  if (!dialect) return { atMs, source: null, counting: null, generated: null, prompt: null, running: null, waiting: null, throughput: null }
  const value = (name: string) => total(page, forms(dialect.prefix, name))
  const throughput = dialect.throughput === undefined ? null : value(dialect.throughput)
  const generated = value(dialect.generated)
  return {
    atMs,
    source: throughput?.name ?? generated?.name ?? null,
    counting: throughput ? 'live' : generated ? dialect.counting : null,
    generated: generated?.value ?? null,
    prompt: value(dialect.prompt)?.value ?? null,
    running: value(dialect.running)?.value ?? null,
    waiting: value(dialect.waiting)?.value ?? null,
    throughput: throughput?.value ?? null,
  }
}

/** A counter that jumps at request ends needs a longer look than one that moves all the time. */
export const LOOK_BACK_MS = { live: 1_000, atRequestEnd: 10_000 } as const

/** `past`: readings before `current`, oldest first. The newest one at least LOOK_BACK_MS old is compared with, else the oldest. `readAtMs`: of `current`, epoch ms. */
export function ratesOf(past: readonly Reading[], current: Reading, readAtMs: number): EngineRates {
  const lookBackMs = current.counting === null ? LOOK_BACK_MS.live : LOOK_BACK_MS[current.counting]
  const previous = past.findLast((reading) => current.atMs - reading.atMs >= lookBackMs * 0.9) ?? past[0] ?? null
  return {
    generatedTokensPerSecond: current.throughput ?? perSecond(previous, current, 'generated'),
    promptTokensPerSecond: perSecond(previous, current, 'prompt'),
    requestsRunning: current.running,
    requestsWaiting: current.waiting,
    source: current.source,
    counting: current.counting,
    readAtMs,
  }
}

/** Null for the first reading, and when the counter went back: the engine started anew. */
function perSecond(previous: Reading | null, current: Reading, counter: 'generated' | 'prompt'): number | null {
  const before = previous?.[counter] ?? null
  const now = current[counter]
  if (previous === null || before === null || now === null || now < before || current.atMs <= previous.atMs) return null
  return ((now - before) * 1000) / (current.atMs - previous.atMs)
}
