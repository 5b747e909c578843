// Who holds the workstation. feed.ts writes it; actions that change something look here first.
import { create } from 'zustand'
import type { Hold } from '../../shared/experiment.ts'

/** null: nobody, or not heard yet. */
export const useHold = create<{ hold: Hold | null }>(() => ({ hold: null }))

/** Why nothing on the workstation may be changed now; null: it may. */
export const heldReason = (hold: Hold | null): string | null =>
  hold === null ? null : `An experiment holds the workstation. Cancel it first, or wait until it is over.`
