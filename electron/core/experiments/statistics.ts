// What paired blocks show: a change and its 95 % interval. Knows no arm and no measure; gains.ts makes the pairs.
import { FEWEST_PAIRS, type Comparison } from '../../../shared/experiment.ts'
import { intervalOf } from '../../../shared/interval.ts'

/** The same quantity of two arms in blocks of one round, so that what drifts from round to round is in both. */
export interface Pair {
  baseline: number
  arm: number
}

export type PairedChange = Pick<Comparison, 'change' | 'low' | 'high' | 'pairs' | 'verdict'> & {
  /** Pairs with a value that has no logarithm: zero, negative, not a number. Not among `pairs`. */
  leftOut: number
}

/**
 * Ratio − 1 of arm to baseline: the mean of log ratios, so that +25 % and −20 % are the same distance, with its t interval.
 * Arms that take turns (AB BA) meet a linear drift with opposite signs; an even number of pairs is free of it, at the price of a wider interval.
 */
export function pairedChange(pairs: readonly Pair[]): PairedChange {
  const logs = pairs.map((pair) => (pair.baseline > 0 && pair.arm > 0 ? Math.log(pair.arm / pair.baseline) : Number.NaN)).filter(Number.isFinite)
  const leftOut = pairs.length - logs.length
  const interval = intervalOf(logs)
  if (interval === null || interval.low === null || interval.high === null) return { change: null, low: null, high: null, pairs: logs.length, verdict: 'tooFewBlocks', leftOut }
  const [change, low, high] = [Math.expm1(interval.mean), Math.expm1(interval.low), Math.expm1(interval.high)]
  return { change, low, high, pairs: logs.length, verdict: verdictOf(logs.length, low, high), leftOut }
}

function verdictOf(pairs: number, low: number, high: number): Comparison['verdict'] {
  if (pairs < FEWEST_PAIRS) return 'tooFewBlocks'
  if (low <= 0 && high >= 0) return 'noDifference'
  return low > 0 ? 'higher' : 'lower'
}
