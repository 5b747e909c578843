// When requests of an open loop are due, in advance of any answer. A closed loop has no schedule: its callers wait for their answers.
import type { Arrivals } from '../../../shared/load.ts'
import { gamma, type Random, seeded } from './random.ts'

export type OpenArrivals = Exclude<Arrivals, { kind: 'closed' }>

/** Each call: when the next request is due, in seconds from the start. Never ends. */
export function dueTimes(arrivals: OpenArrivals, seed: number): () => number {
  const gap = gaps(arrivals, seeded(seed))
  // A constant schedule begins at once, a random one after its first gap: else every block would begin with the same burst.
  let due = arrivals.kind === 'constant' ? -1 / arrivals.perSecond : 0
  return () => (due += gap())
}

/** Seconds between one request and the next, mean 1 / perSecond. */
function gaps(arrivals: OpenArrivals, random: Random): () => number {
  const mean = 1 / arrivals.perSecond
  switch (arrivals.kind) {
    case 'constant': return () => mean
    case 'poisson': return () => -Math.log(1 - random()) * mean
    case 'bursty': return () => (gamma(arrivals.burstiness, random) / arrivals.burstiness) * mean
  }
}
