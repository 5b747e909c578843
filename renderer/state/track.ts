// Track: the last minute of every series, outside React. Strips read it; nothing renders because of it.
import type { HistoryWindow } from '../../shared/gpu.ts'
import type { Columns } from '../parts/columns.ts'

/** One minute at 10 Hz and some. */
const CAPACITY = 1024

type Values = (number | null)[]

/** Plain arrays that grow at the end and are cut now and then: a strip takes its part with one slice, as uPlot wants it. */
export class Track {
  #atMs: number[] = []
  readonly #columns = new Map<string, Values>()

  get newestMs(): number | null {
    return this.#atMs.at(-1) ?? null
  }

  /** The value of a series at the newest moment: what strips show as the present. */
  newest(name: string): number | null {
    return this.#columns.get(name)?.at(-1) ?? null
  }

  /** Adds one moment. Series not named in it are unknown at that moment. Moments not newer than the last are ignored. */
  push(atMs: number, values: Map<string, number | null>): void {
    if (this.newestMs !== null && atMs <= this.newestMs) return
    const at = this.#atMs.length
    this.#atMs.push(atMs)
    for (const [name, value] of values) this.#columnOf(name, at).push(value)
    for (const column of this.#columns.values()) if (column.length === at) column.push(null)
    if (at + 1 >= 2 * CAPACITY) this.#cut()
  }

  /** Starts again from the kept past, so that the first picture is a full one. */
  replace(past: HistoryWindow): void {
    this.clear()
    for (const [at, atMs] of past.atMs.entries()) {
      this.push(atMs, new Map(Object.entries(past.series).map(([name, one]) => [name, one.max[at] ?? null])))
    }
  }

  clear(): void {
    this.#columns.clear()
    this.#atMs = []
  }

  /** The named series from `fromMs` on. */
  read(names: readonly string[], fromMs: number): Columns {
    const from = this.#firstSince(fromMs)
    const atMs = this.#atMs.slice(from)
    return {
      atMs, bucketMs: null,
      series: names.map((name) => ({ min: null, max: this.#columns.get(name)?.slice(from) ?? atMs.map(() => null) })),
    }
  }

  #firstSince(fromMs: number): number {
    let from = Math.max(0, this.#atMs.length - CAPACITY)
    while (from < this.#atMs.length && this.#atMs[from]! < fromMs) from++
    return from
  }

  /** A column is as long as the times; a new one begins with unknowns. */
  #columnOf(name: string, length: number): Values {
    let column = this.#columns.get(name)
    if (column === undefined) {
      column = Array.from({ length }, () => null)
      this.#columns.set(name, column)
    }
    return column
  }

  #cut(): void {
    this.#atMs = this.#atMs.slice(-CAPACITY)
    for (const [name, column] of this.#columns) {
      const kept = column.slice(-CAPACITY)
      if (kept.every((value) => value === null)) this.#columns.delete(name)
      else this.#columns.set(name, kept)
    }
  }
}

/** Names of series, as the kept past names them. */
export const gpuSeries = (uuid: string, metric: string): string => `gpu/${uuid}/${metric}`
export const engineSeries = (id: string, value: 'generatedTokensPerSecond' | 'gpuMemoryMiB'): string => `engine/${id}/${value}`

export const track = new Track()
