// Which entries of the Ledger a filter keeps. Pure.
import type { CommandPreview, LedgerEntry } from '../../shared/command.ts'

export interface CommandFilter {
  text: string
  outcome: LedgerEntry['outcome'] | null
  way: LedgerEntry['way'] | null
}

/** Newest first. */
export function filterCommands(entries: readonly LedgerEntry[], { text, outcome, way }: CommandFilter): LedgerEntry[] {
  const kept = entries.filter((entry) => {
    if (outcome !== null && entry.outcome !== outcome) return false
    if (way !== null && entry.way !== way) return false
    return speaksOf(entry, text)
  })
  return kept.reverse()
}

/** Every word of the text is somewhere in argv, reason, input, environment or output. */
export function speaksOf({ argv, why, stdin, env, output }: CommandPreview & { output: string | null }, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) return true
  const where = [...argv, why, stdin ?? '', ...Object.entries(env).flat(), output ?? ''].join('\n').toLowerCase()
  return words.every((word) => where.includes(word))
}
