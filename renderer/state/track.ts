// Track: the last minute of every series in typed arrays, outside React. Strips read it; nothing renders because of it.
import type { HistoryWindow } from '../../shared/gpu.ts'
import type { Columns } from '../parts/columns.ts'

/** One minute at 10 Hz and some. */
const CAPACITY = 1024

export class Track {
  readonly #atMs = new Float64Array(CAPACITY)
  readonly #columns = new Map<string, Float64Array>()
  #next = 0
  #length = 0

  get newestMs(): number | null {
    return this.#length === 0 ? null : this.#atMs[(this.#next + CAPACITY - 1) % CAPACITY]!
  }

  /** Adds one moment. Series not named in it are unknown at that moment. Moments not newer than the last are ignored. */
  push(atMs: number, values: Map<string, number | null>): void {
    if (this.newestMs !== null && atMs <= this.newestMs) return
    const slot = this.#next
    this.#atMs[slot] = atMs
    for (const column of this.#columns.values()) column[slot] = Number.NaN
    for (const [name, value] of values) this.#columnOf(name)[slot] = value ?? Number.NaN
    this.#next = (slot + 1) % CAPACITY
    this.#length = Math.min(CAPACITY, this.#length + 1)
  }

  /** Starts again from the kept past, so that the first picture is a full one. */
  replace(past: HistoryWindow): void {
    this.clear()
    for (const [at, atMs] of past.atMs.entries()) {
      const values = new Map(Object.entries(past.series).map(([name, one]) => [name, one.max[at] ?? null]))
      this.push(atMs, values)
    }
  }

  clear(): void {
    this.#columns.clear()
    this.#next = 0
    this.#length = 0
  }

  /** The named series from `fromMs` on. */
  read(names: readonly string[], fromMs: number): Columns {
    const slots = this.#slotsSince(fromMs)
    return {
      atMs: slots.map((slot) => this.#atMs[slot]!),
      series: names.map((name) => ({ min: null, max: this.#valuesAt(name, slots) })),
      bucketMs: null,
    }
  }

  #valuesAt(name: string, slots: number[]): (number | null)[] {
    const column = this.#columns.get(name)
    return slots.map((slot) => {
      const value = column?.[slot] ?? Number.NaN
      return Number.isNaN(value) ? null : value
    })
  }

  #slotsSince(fromMs: number): number[] {
    const slots: number[] = []
    for (let back = this.#length; back > 0; back--) {
      const slot = (this.#next - back + CAPACITY) % CAPACITY
      if (this.#atMs[slot]! >= fromMs) slots.push(slot)
    }
    return slots
  }

  #columnOf(name: string): Float64Array {
    let column = this.#columns.get(name)
    if (column === undefined) {
      column = new Float64Array(CAPACITY).fill(Number.NaN)
      this.#columns.set(name, column)
    }
    return column
  }
}

/** Names of series, as the kept past names them. */
export const gpuSeries = (uuid: string, metric: string): string => `gpu/${uuid}/${metric}`
export const engineSeries = (id: string, value: 'generatedTokensPerSecond' | 'gpuMemoryMiB'): string => `engine/${id}/${value}`

export const track = new Track()
