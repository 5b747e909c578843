// The newest part of the Ledger. feed.ts writes it.
import { create } from 'zustand'
import type { LedgerEntry, Routine } from '../../shared/command.ts'

/** Entries kept in the page; the core keeps its own. */
export const COMMANDS_KEPT = 2000

/** Oldest first. */
export const useCommands = create<{ entries: LedgerEntry[]; dropped: number }>(() => ({ entries: [], dropped: 0 }))

/** While the Commands screen is open. null: not heard yet. */
export const useRoutine = create<{ routine: Routine[] | null }>(() => ({ routine: null }))

/** Entries under the same id replace each other: one is sent when a command begins, one when it ends. */
export function mergeEntries(kept: LedgerEntry[], news: LedgerEntry[], cap = COMMANDS_KEPT): LedgerEntry[] {
  const byId = new Map(kept.map((entry) => [entry.id, entry]))
  for (const entry of news) byId.set(entry.id, entry)
  const merged = [...byId.values()].sort((a, b) => a.id - b.id)
  return merged.length > cap ? merged.slice(merged.length - cap) : merged
}
