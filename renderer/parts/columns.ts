// Columns: readings on one time axis, as strips draw them.

/** `null` where nothing was known. Times in epoch ms, ascending. */
export interface Columns {
  atMs: number[]
  /** Per asked series. `min` is null for single readings: then `max` is the reading. */
  series: { min: (number | null)[] | null; max: (number | null)[] }[]
  bucketMs: number | null
}
