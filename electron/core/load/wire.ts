// What Overlap and a generator process say to each other: one line of JSON each. Both ends are of one version, so nothing is validated.
import type { LatencyKey, LoadResult } from '../../../shared/load.ts'
import type { BlockOrder, Progress } from './target.ts'

/** Latencies of one block as they can be added up: HDR histograms, compressed, base64. */
export type Spread = Record<LatencyKey, string>

export interface Outcome {
  result: LoadResult
  spread: Spread
}

export type ToGenerator = { order: BlockOrder } | { stop: true }
/** Exactly one of outcome, stopped and failed answers an order. */
export type FromGenerator = { ready: true } | { progress: Progress } | { outcome: Outcome } | { stopped: true } | { failed: string }
