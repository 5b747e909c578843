// The latest GPM values of each GPU, and whether the card gives them at all.
import type { GpmRow } from './parseDmon.ts'

/** A GPM value is the difference of two samples: the first rows have none, and some drivers print 0 there. */
const DROPPED_ROWS = 2
/** Dashes in this many rows, and never a number: the card has no GPM (or MIG is on). */
const DASHES_UNTIL_UNSUPPORTED = 5

export interface GpmReading {
  /** null until it is known. */
  supported: boolean | null
  /** null: still within the dropped rows. */
  row: GpmRow | null
  atMs: number
}

export class GpmReadings {
  #byIndex = new Map<number, GpmReading & { dropped: number; dashes: number }>()

  of(index: number): GpmReading | null {
    return this.#byIndex.get(index) ?? null
  }

  take(row: GpmRow, atMs: number): void {
    const before = this.#byIndex.get(row.gpuIndex) ?? { supported: null, row: null, atMs, dropped: 0, dashes: 0 }
    if (before.dropped < DROPPED_ROWS) {
      this.#byIndex.set(row.gpuIndex, { ...before, atMs, dropped: before.dropped + 1 })
      return
    }
    const dashed = row.smActivityPercent === null && row.dramBandwidthPercent === null
    const dashes = dashed ? before.dashes + 1 : 0
    const supported = !dashed ? true : before.supported === null && dashes >= DASHES_UNTIL_UNSUPPORTED ? false : before.supported
    this.#byIndex.set(row.gpuIndex, { ...before, row, atMs, dashes, supported })
  }

  /** A new child drops its first rows again; what was learned of the cards stays. */
  childStarted(indexes: readonly number[]): void {
    for (const [index, reading] of this.#byIndex) if (indexes.includes(index)) this.#byIndex.set(index, { ...reading, row: null, dropped: 0, dashes: 0 })
  }

  /** The stream was refused for good. */
  unsupported(indexes: readonly number[], atMs: number): void {
    for (const index of indexes) this.#byIndex.set(index, { supported: false, row: null, atMs, dropped: 0, dashes: 0 })
  }

  forget(): void {
    this.#byIndex.clear()
  }
}
