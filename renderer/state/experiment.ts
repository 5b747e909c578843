// The experiment that runs, or the one that ran last. feed.ts writes it.
import { create } from 'zustand'
import type { ExperimentNow } from '../../shared/experiment.ts'

/** null: none has run since this core was started, or not heard yet. */
export const useExperiment = create<{ now: ExperimentNow | null }>(() => ({ now: null }))

export const isOver = (now: Pick<ExperimentNow, 'phase'>): boolean => now.phase === 'done'

/** One runs at this moment. */
export function useRunning(): ExperimentNow | null {
  return useExperiment(({ now }) => (now === null || isOver(now) ? null : now))
}
