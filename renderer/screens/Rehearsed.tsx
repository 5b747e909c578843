// Rehearsed: what a rehearsal found, with its time: in a line for the head of a panel, and the whole list. It stands until something it depended on changes.
import type { Check } from '../../shared/experiment.ts'
import { clockTime } from '../../shared/units.ts'
import { rehearsedText } from '../parts/checks.ts'
import { StateBadge } from '../parts/StateBadge.tsx'
import { CheckList } from './CheckList.tsx'

/** `rehearsedAtMs` null: the checks are those of the plan, which looks less deep. */
export function RehearsedNote({ checks, rehearsedAtMs }: { checks: readonly Check[]; rehearsedAtMs: number | null }) {
  if (rehearsedAtMs === null) return <StateBadge look={{ word: 'not rehearsed', tone: 'idle', shape: 'ring' }} />
  const failed = checks.some(({ result }) => result === 'failed')
  return <StateBadge look={{ word: `rehearsed ${clockTime(rehearsedAtMs)}: ${rehearsedText(checks)}`, tone: failed ? 'busy' : 'good', shape: failed ? 'diamond' : 'full' }} />
}

export function RehearsedChecks({ checks, rehearsedAtMs }: { checks: readonly Check[]; rehearsedAtMs: number | null }) {
  // folded or not is decided when the list is made: a rehearsal makes a new one
  return <CheckList key={rehearsedAtMs} checks={checks} open={rehearsedAtMs !== null} />
}
