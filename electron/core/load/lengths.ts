// How long the n-th prompt and the n-th output are. The same for the same seed, whichever engine gets the request and when.
import type { Lengths } from '../../../shared/load.ts'
import { normal, seeded } from './random.ts'

/** Tokens, a whole number of at least 1. */
export function lengthOf(lengths: Lengths, seed: number): number {
  if (lengths.shape === 'fixed') return lengths.tokens
  const random = seeded(seed)
  const { min, max } = lengths
  const drawn = lengths.shape === 'uniform' ? min + Math.floor(random() * (max - min + 1)) : Math.round(lengths.mean + lengths.stdev * normal(random))
  return Math.max(1, Math.min(max, Math.max(min, drawn)))
}

/**
 * The first output of caller `caller` of `callers`, which all begin at once: cut so that they end evenly spread, as they would
 * in the middle of a long run. Else all outputs of a fixed length would end together, again and again.
 */
export const firstLengthOf = (tokens: number, caller: number, callers: number): number => Math.max(1, Math.ceil((tokens * (caller + 1)) / callers))
