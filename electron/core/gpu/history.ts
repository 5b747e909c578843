// The kept past: one hour at 1 Hz in flat typed columns. Not on disk, and not thinned: minima and maxima are found when a window is asked for.
//
// Memory: 3,600 rows × 4 bytes per series and one column of times; 8 GPUs × 11 + 16 engines × 4 = 152 series are 2.2 MB.
import { HISTORY_MS, type HistoryWindow } from '../../../shared/gpu.ts'

const PERIOD_MS = 1000
const ROWS = HISTORY_MS / PERIOD_MS
/** Rows further apart than this have a hole between them: the line must not bridge it. */
const HOLE_MS = 3 * PERIOD_MS
/** 14 MB; new series beyond it are not kept. */
const MOST_SERIES = 1000

interface Column {
  values: Float32Array
  /** Number of the row that last had a value. */
  lastRow: number
}

export class History {
  readonly #times = new Float64Array(ROWS).fill(NaN)
  readonly #columns = new Map<string, Column>()
  /** Rows ever begun, minus one. */
  #row = -1

  /**
   * One row: everything that is known of one moment. null and NaN: not known. A series begins with its first number; one without a
   * number for an hour is dropped. After a clock was set back, windows still go by each row's own time.
   */
  add(atMs: number, values: Record<string, number | null>): void {
    this.#begin(atMs)
    for (const [name, value] of Object.entries(values)) if (value !== null && Number.isFinite(value)) this.#put(name, value)
  }

  /** Forgets every series whose name begins so. */
  drop(prefix: string): void {
    for (const name of this.#columns.keys()) if (name.startsWith(prefix)) this.#columns.delete(name)
  }

  /** Rows as they are when there are at most maxPoints, else buckets; both ends included. Unknown series are all null. */
  window(series: readonly string[], fromMs: number, toMs: number, maxPoints: number): HistoryWindow {
    const slots = this.#slots(fromMs, toMs)
    const rows = withHoles(slots.map((slot) => this.#times[slot] ?? NaN))
    const whole = rows.length <= maxPoints
    const bucketMs = whole ? PERIOD_MS : Math.max(2 * PERIOD_MS, Math.ceil((toMs - fromMs) / (maxPoints - 1)))
    const first = Math.floor(fromMs / bucketMs) * bucketMs
    const atMs = whole ? rows : Array.from({ length: Math.floor((toMs - first) / bucketMs) + 1 }, (_, at) => first + at * bucketMs)
    const places = whole ? placesIn(atMs, slots.map((slot) => this.#times[slot] ?? NaN)) : slots.map((slot) => Math.floor(((this.#times[slot] ?? NaN) - first) / bucketMs))
    return { atMs, bucketMs, series: Object.fromEntries(series.map((name) => [name, this.#extremes(name, slots, places, atMs.length)])) }
  }

  #begin(atMs: number): void {
    this.#row += 1
    const slot = this.#row % ROWS
    this.#times[slot] = atMs
    for (const [name, column] of this.#columns) {
      if (this.#row - column.lastRow >= ROWS) this.#columns.delete(name)
      else column.values[slot] = NaN
    }
  }

  #put(name: string, value: number): void {
    let column = this.#columns.get(name)
    if (column === undefined) {
      if (this.#columns.size >= MOST_SERIES) return
      column = { values: new Float32Array(ROWS).fill(NaN), lastRow: this.#row }
      this.#columns.set(name, column)
    }
    column.values[this.#row % ROWS] = value
    column.lastRow = this.#row
  }

  /** Places of the rows within the window, ascending in time. */
  #slots(fromMs: number, toMs: number): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < ROWS; slot += 1) {
      const at = this.#times[slot] ?? NaN
      if (at >= fromMs && at <= toMs) slots.push(slot)
    }
    return slots.sort((a, b) => (this.#times[a] ?? 0) - (this.#times[b] ?? 0))
  }

  #extremes(name: string, slots: readonly number[], places: readonly number[], length: number): { min: (number | null)[]; max: (number | null)[] } {
    const min = Array.from({ length }, (): number | null => null)
    const max = [...min]
    const values = this.#columns.get(name)?.values
    if (values === undefined) return { min, max }
    for (const [at, slot] of slots.entries()) {
      const value = values[slot] ?? NaN
      const place = places[at] ?? -1
      if (Number.isNaN(value) || place < 0 || place >= length) continue
      min[place] = Math.min(min[place] ?? value, value)
      max[place] = Math.max(max[place] ?? value, value)
    }
    return { min, max }
  }
}

/** Distinct ascending times, with one empty point inside every hole. */
function withHoles(times: readonly number[]): number[] {
  const points: number[] = []
  for (const at of times) {
    const last = points.at(-1)
    if (last === at) continue
    if (last !== undefined && at - last > HOLE_MS) points.push(last + PERIOD_MS)
    points.push(at)
  }
  return points
}

/** Where each of the ascending `times` stands in the ascending `points`, which contain it. */
function placesIn(points: readonly number[], times: readonly number[]): number[] {
  let place = 0
  return times.map((at) => {
    while ((points[place] ?? Infinity) < at) place += 1
    return place
  })
}
