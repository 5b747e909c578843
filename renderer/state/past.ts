// The longer past (5 min, 1 h), fetched from the core now and then while a strip shows it. feed.ts writes it.
import { create } from 'zustand'
import type { HistoryWindow } from '../../shared/gpu.ts'
import type { Columns } from '../parts/columns.ts'

export const usePast = create<{ window: HistoryWindow | null }>(() => ({ window: null }))

/** The named series of a window; all-null for a series that it does not hold. */
export function columnsOf(window: HistoryWindow | null, names: readonly string[]): Columns {
  if (window === null) return { atMs: [], series: names.map(() => ({ min: [], max: [] })), bucketMs: null }
  const unknown = window.atMs.map(() => null)
  return {
    atMs: window.atMs,
    series: names.map((name) => window.series[name] ?? { min: unknown, max: unknown }),
    bucketMs: window.bucketMs,
  }
}
