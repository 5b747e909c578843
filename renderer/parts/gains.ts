// Gains as a screen shows them: what a measure means, and what a verdict looks like. Throughput up is good, latency up is bad. Pure; the words are shared/headline.ts's.
import { VERDICTS, type Comparison } from '../../shared/experiment.ts'
import { MEASURES as SAID } from '../../shared/headline.ts'
import { LATENCIES, THROUGHPUTS } from '../../shared/load.ts'
import type { Look } from './StateBadge.tsx'

export type Measure = Comparison['measure']

export const MEASURES: Record<Measure, { label: string; meaning: string }> = {
  outputTokensPerSecond: THROUGHPUTS.outputTokensPerSecond,
  goodputPerSecond: THROUGHPUTS.goodputPerSecond,
  ttftMsP95: { label: SAID.ttftMsP95.label, meaning: LATENCIES.ttftMs.meaning },
  tpotMsP95: { label: SAID.tpotMsP95.label, meaning: LATENCIES.tpotMs.meaning },
}

export const AGAINST: Record<Comparison['name'], string> = { againstSingle: 'against the best single engine', againstTimeSliced: 'against time-slicing', other: 'against another arm' }

export function verdictText({ verdict, pairs }: Pick<Comparison, 'verdict' | 'pairs'>): string {
  return verdict === 'tooFewBlocks' ? `too few blocks (${pairs} of 6)` : VERDICTS[verdict]
}

/** Nothing is claimed (yet). */
export const isOpen = ({ verdict }: Pick<Comparison, 'verdict'>): boolean => verdict === 'tooFewBlocks' || verdict === 'unfinished'

/** Whether a shown difference is good depends on what is measured. */
export function verdictLook({ verdict, pairs, measure }: Pick<Comparison, 'verdict' | 'pairs' | 'measure'>): Look {
  const word = verdictText({ verdict, pairs })
  if (isOpen({ verdict })) return { word, tone: 'idle', shape: 'question' }
  if (verdict === 'noDifference') return { word, tone: 'idle', shape: 'ring' }
  const better = verdict === SAID[measure].better
  return { word, tone: better ? 'good' : 'bad', shape: better ? 'full' : 'triangle' }
}
