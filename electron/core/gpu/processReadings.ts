// The latest whole sample of one pmon stream. A sample has no end mark: it ends where a new one begins, or after a pause once every GPU has spoken.
import type { PmonRow } from './parsePmon.ts'

/** The rows of a GPU come within a few milliseconds, samples one second apart. Between the GPUs of a sample a slow driver takes its time. */
const PAUSE_MS = 150
/** Samples that cannot be read do not make the last good one current. */
const FRESH_MS = 3000

export class ProcessReadings {
  #whole: PmonRow[] | null = null
  #wholeAtMs = 0
  #spoilt = false
  #open: PmonRow[] = []
  #lastRowAtMs = 0
  readonly #gpus: readonly number[]

  /** The GPUs (indexes) that pmon was asked for: each has at least one row per sample. */
  constructor(gpus: readonly number[]) {
    this.#gpus = gpus
  }

  take(row: PmonRow, atMs: number): void {
    if (this.#pausedWhole(atMs) || this.#repeats(row)) this.#end()
    this.#open.push(row)
    this.#lastRowAtMs = atMs
  }

  /** A line of the sample could not be read: without it the sample is not whole. */
  spoil(atMs: number): void {
    if (this.#pausedWhole(atMs)) this.#end()
    this.#spoilt = true
    this.#lastRowAtMs = atMs
  }

  /** Every GPU of the sample has at least one row; null: no whole sample yet. */
  latest(nowMs: number): readonly PmonRow[] | null {
    if (this.#pausedWhole(nowMs)) this.#end()
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

  #pausedWhole(nowMs: number): boolean {
    return Math.abs(nowMs - this.#lastRowAtMs) >= PAUSE_MS && (this.#spoilt && this.#gpus.length === 1 || this.#gpus.every((gpu) => this.#open.some((row) => row.gpuIndex === gpu)))
  }

  #repeats(row: PmonRow): boolean {
    const last = this.#open.at(-1)
    return last !== undefined && (row.gpuIndex < last.gpuIndex || this.#open.some((seen) => seen.gpuIndex === row.gpuIndex && seen.pid === row.pid))
  }
}
