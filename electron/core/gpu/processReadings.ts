// The latest whole sample of one pmon stream. A sample has no end mark: it ends where a new one begins, or after a pause.
import type { PmonRow } from './parsePmon.ts'

/** Rows of one sample come within a few milliseconds, samples one second apart. */
const PAUSE_MS = 150
/** Samples that cannot be read do not make the last good one current. */
const FRESH_MS = 3000

export class ProcessReadings {
  #whole: PmonRow[] | null = null
  #wholeAtMs = 0
  #spoilt = false
  #open: PmonRow[] = []
  #lastRowAtMs = 0

  take(row: PmonRow, atMs: number): void {
    if (Math.abs(atMs - this.#lastRowAtMs) >= PAUSE_MS || this.#repeats(row)) this.#end()
    this.#open.push(row)
    this.#lastRowAtMs = atMs
  }

  /** A line of the sample could not be read: without it the sample is not whole. */
  spoil(atMs: number): void {
    if (Math.abs(atMs - this.#lastRowAtMs) >= PAUSE_MS) this.#end()
    this.#spoilt = true
    this.#lastRowAtMs = atMs
  }

  /** Every GPU of the sample has at least one row; null: no whole sample yet. */
  latest(nowMs: number): readonly PmonRow[] | null {
    if (Math.abs(nowMs - this.#lastRowAtMs) >= PAUSE_MS) this.#end()
    return Math.abs(nowMs - this.#wholeAtMs) <= FRESH_MS ? this.#whole : null
  }

  /** Of an earlier child: its processes are not known to be there any more. */
  forget(): void {
    this.#whole = null
    this.#open = []
    this.#spoilt = false
  }

  #end(): void {
    if (this.#open.length > 0 && !this.#spoilt) {
      this.#whole = this.#open
      this.#wholeAtMs = this.#lastRowAtMs
    }
    this.#open = []
    this.#spoilt = false
  }

  #repeats(row: PmonRow): boolean {
    const last = this.#open.at(-1)
    return last !== undefined && (row.gpuIndex < last.gpuIndex || this.#open.some((seen) => seen.gpuIndex === row.gpuIndex && seen.pid === row.pid))
  }
}
