// The log of the engine that is being looked at. feed.ts writes it.
import { create } from 'zustand'

/** Lines kept in the page; the log file keeps all. */
export const LOG_LINES_KEPT = 5000

interface EngineLogStore {
  engineId: string | null
  lines: string[]
  /** Lines that never came because the page was slow, plus lines that left the page. */
  dropped: number
}
export const useEngineLog = create<EngineLogStore>(() => ({ engineId: null, lines: [], dropped: 0 }))

export function appendLines(kept: string[], news: string[], cap = LOG_LINES_KEPT): { lines: string[]; left: number } {
  const lines = [...kept, ...news]
  const left = Math.max(0, lines.length - cap)
  return { lines: left > 0 ? lines.slice(left) : lines, left }
}
