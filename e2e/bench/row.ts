// One line of a benchmark's answer, and the few statistics they share.

export interface Row {
  what: string
  ours: string
  yardstick: string
  /** ours / yardstick; null where the goal is a number of its own. */
  ratio: number | null
  goal: string
  note?: string
  /** The goal is a promise, and it was not kept: the benchmark ends with exit code 1. */
  missed?: boolean
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
