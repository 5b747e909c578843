// Checks as they read: a word and a shape for each, worst first. Pure.
import type { Check } from '../../shared/experiment.ts'
import type { Look } from './StateBadge.tsx'

export function checkLook({ result, weight }: Pick<Check, 'result' | 'weight'>): Look {
  if (result === 'passed') return { word: 'passed', tone: 'good', shape: 'full' }
  if (result === 'notChecked') return { word: 'not checked', tone: 'idle', shape: 'question' }
  if (weight === 'refuses') return { word: 'refuses', tone: 'bad', shape: 'triangle' }
  return weight === 'invalidates' ? { word: 'invalidates', tone: 'bad', shape: 'triangle' } : { word: 'warns', tone: 'busy', shape: 'diamond' }
}

export const refusals = (checks: readonly Check[]): Check[] => checks.filter((check) => check.result === 'failed' && check.weight === 'refuses')

const RANK = { refuses: 0, invalidates: 1, warns: 2 } as const

/** What failed comes first, the gravest before all. */
export function worstFirst(checks: readonly Check[]): Check[] {
  const rank = (check: Check) => (check.result === 'failed' ? RANK[check.weight] : check.result === 'notChecked' ? 3 : 4)
  return [...checks].sort((a, b) => rank(a) - rank(b))
}
