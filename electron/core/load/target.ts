// What the load generator is told, and what it tells. Lines of JSON between Overlap and its generator processes; no code.
import type { Load, LoadResult } from '../../../shared/load.ts'

/** One engine to be loaded. */
export interface Target {
  engineName: string
  /** http://127.0.0.1:port */
  url: string
  /** For the `model` field of requests; null: none is sent. */
  model: string | null
  apiKey: string | null
}

/** One block, of one target. */
export interface BlockOrder {
  target: Target
  /** Already divided (divide.ts): a closed loop holds this target's callers, an open one the whole schedule that `turn` is taken from. */
  load: Load
  turn: Turn
  /** Epoch milliseconds, the same for all targets, so that their schedules and windows are one. */
  startAtMs: number
  warmUpSeconds: number
  seconds: number
  /** Body fields that keep the engine going past its end token: `{ignore_eos: true}`; empty where it knows none. */
  ignoreEosFields: Record<string, unknown>
  /** Different for every block: prompts are drawn from it, so that none is answered from a prefix cache. */
  salt: string
}

/** Which requests of an open loop's schedule are this target's: every `of`-th, from `index` on. {0, 1}: all. */
export interface Turn {
  index: number
  of: number
}

/** While a block runs, four times a second. */
export interface Progress {
  engineName: string
  /** Since the last one. */
  outputTokensPerSecond: number
  inFlight: number
  /** warming: not counted yet. */
  stage: 'warming' | 'measuring' | 'ending'
}

export interface TargetResult {
  engineName: string
  result: LoadResult
}

export interface RunParts {
  targets: Target[]
  /** As the experiment has it: divided by `run` according to its regime. */
  load: Load
  warmUpSeconds: number
  seconds: number
  ignoreEosFields: Record<string, unknown>
  salt: string
  onProgress(progress: Progress): void
  signal: AbortSignal
}

/** One generator process per engine; kept for a whole experiment. */
export interface Generator {
  /** Load on all targets at once for one block. Throws FaultError EXPERIMENT_FAILED when a generator dies or is aborted. */
  run(parts: RunParts): Promise<{ total: LoadResult; engines: TargetResult[] }>
  close(): Promise<void>
}
