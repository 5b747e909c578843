// Checks as they read: a word and a shape for each, worst first. Pure.
import type { Check } from '../../shared/experiment.ts'
import type { Look } from './StateBadge.tsx'

export function checkLook({ result, weight }: Pick<Check, 'result' | 'weight'>): Look {
  if (result === 'passed') return { word: 'passed', tone: 'good', shape: 'full' }
  if (result === 'notChecked') return { word: 'not checked', tone: 'idle', shape: 'question' }
  if (weight === 'refuses') return { word: 'refuses', tone: 'bad', shape: 'triangle' }
  return weight === 'invalidates' ? { word: 'invalidates', tone: 'bad', shape: 'triangle' } : { word: 'warns', tone: 'busy', shape: 'diamond' }
}

/** `14 of 14 passed`, `12 of 14 passed, 1 refuses, 1 not checked` */
export function rehearsedText(checks: readonly Check[]): string {
  const words = Map.groupBy(checks, (check) => checkLook(check).word)
  const rest = ['refuses', 'invalidates', 'warns', 'not checked'].flatMap((word) => (words.has(word) ? [`${words.get(word)?.length} ${word}`] : []))
  return [`${words.get('passed')?.length ?? 0} of ${checks.length} passed`, ...rest].join(', ')
}

export const refusals = (checks: readonly Check[]): Check[] => checks.filter((check) => check.result === 'failed' && check.weight === 'refuses')

const RANK = { refuses: 0, invalidates: 1, warns: 2 } as const

/** What failed comes first, the gravest before all. */
export function worstFirst(checks: readonly Check[]): Check[] {
  const rank = (check: Check) => (check.result === 'failed' ? RANK[check.weight] : check.result === 'notChecked' ? 3 : 4)
  return [...checks].sort((a, b) => rank(a) - rank(b))
}
