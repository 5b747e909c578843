// Which entries of the Ledger a filter keeps. Pure.
import type { LedgerEntry } from '../../shared/command.ts'

export interface CommandFilter {
  text: string
  outcome: LedgerEntry['outcome'] | null
  way: LedgerEntry['way'] | null
}

/** Newest first. Every word of the text must be somewhere in argv, reason, input, environment or output. */
export function filterCommands(entries: readonly LedgerEntry[], { text, outcome, way }: CommandFilter): LedgerEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '')
  const kept = entries.filter((entry) => {
    if (outcome !== null && entry.outcome !== outcome) return false
    if (way !== null && entry.way !== way) return false
    if (words.length === 0) return true
    const where = [...entry.argv, entry.why, entry.stdin ?? '', ...Object.entries(entry.env).flat(), entry.output ?? ''].join('\n').toLowerCase()
    return words.every((word) => where.includes(word))
  })
  return kept.reverse()
}
