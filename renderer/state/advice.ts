// Advice: the next best steps, best first. feed.ts writes it.
import { create } from 'zustand'
import type { Advice } from '../../shared/advice.ts'

export const useAdvice = create<{ advice: Advice[] }>(() => ({ advice: [] }))

/** The first that speaks of this GPU or of none. */
export function nextStep(advice: Advice[], gpuUuid: string | null): Advice | null {
  return advice.find((one) => one.gpuUuid === null || one.gpuUuid === gpuUuid) ?? null
}
