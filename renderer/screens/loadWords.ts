// A load in words. Pure.
import type { Lengths, Load } from '../../shared/load.ts'
import { fixed } from '../../shared/units.ts'

export const REGIMES: Record<Load['regime'], string> = { equalTotal: 'equal in total: every arm gets the same load, split over its engines', equalPerEngine: 'equal per engine: an arm of two gets twice the load' }

export function arrivalsText({ arrivals }: Pick<Load, 'arrivals'>): string {
  if (arrivals.kind === 'closed') return `closed loop, ${fixed(arrivals.concurrency)} at a time`
  const kind = { constant: 'evenly spaced', poisson: 'Poisson', bursty: 'in bursts' }[arrivals.kind]
  return `open loop, ${fixed(arrivals.perSecond, Number.isInteger(arrivals.perSecond) ? 0 : 1)} requests/s, ${kind}${arrivals.kind === 'bursty' ? ` (burstiness ${arrivals.burstiness})` : ''}`
}

export function lengthsText(lengths: Lengths): string {
  if (lengths.shape === 'fixed') return `${fixed(lengths.tokens)} tokens`
  if (lengths.shape === 'uniform') return `${fixed(lengths.min)} to ${fixed(lengths.max)} tokens, evenly drawn`
  return `about ${fixed(lengths.mean)} tokens (σ ${fixed(lengths.stdev)}, ${fixed(lengths.min)} to ${fixed(lengths.max)})`
}
