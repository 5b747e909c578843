// Latencies of a block as HDR histograms: a thousandth exact, and added up without loss. In milliseconds outside, microseconds inside.
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram as Hdr } from 'hdr-histogram-js'
import type { Percentiles } from '../../../shared/load.ts'

const LONGEST_US = 3_600_000_000

export class Histogram {
  readonly #hdr: Hdr

  constructor(hdr: Hdr = build({ lowestDiscernibleValue: 1, highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3, bitBucketSize: 32, autoResize: false, useWebAssembly: false })) {
    this.#hdr = hdr
  }

  /** Longer than an hour counts as an hour. */
  record(ms: number, count = 1): void {
    this.#hdr.recordValueWithCount(Math.min(LONGEST_US, Math.max(0, Math.round(ms * 1000))), count)
  }

  add(other: Histogram): void {
    this.#hdr.add(other.#hdr)
  }

  /** Milliseconds; null: nothing was recorded. */
  percentile(percent: number): number | null {
    return this.#hdr.totalCount === 0 ? null : this.#hdr.getValueAtPercentile(percent) / 1000
  }

  get percentiles(): Percentiles | null {
    const hdr = this.#hdr
    if (hdr.totalCount === 0) return null
    const at = (percent: number) => hdr.getValueAtPercentile(percent) / 1000
    return { count: hdr.totalCount, mean: hdr.mean / 1000, p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: hdr.maxValue / 1000 }
  }

  encoded(): string {
    return encodeIntoCompressedBase64(this.#hdr)
  }

  static decoded(text: string): Histogram {
    return new Histogram(decodeFromCompressedBase64(text, 32))
  }
}
