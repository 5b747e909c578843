// One line of a benchmark's answer, and the few statistics they share.

export interface Row {
  what: string
  ours: string
  yardstick: string
  /** ours / yardstick; null where the goal is a number of its own. */
  ratio: number | null
  goal: string
  note?: string
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
