// In which order arms take turns, and which blocks get another turn. Pure; the plan's seed makes it repeatable.
import type { Block } from '../../../shared/experiment.ts'

/** Arms of every round: A B C, then C B A, and so on, so that a steady drift weighs on all alike. The seed chooses who begins. */
export function orderOf<Arm>(arms: readonly Arm[], rounds: number, seed: number): Arm[][] {
  const first = arms.length === 0 ? 0 : seed % arms.length
  const forth = [...arms.slice(first), ...arms.slice(0, first)]
  const back = [...forth].reverse()
  return Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? forth : back))
}

/** Cold arms are loaded once per half of the rounds: forth in the first half, back in the second. */
export function halvesOf(rounds: number): number[][] {
  const all = Array.from({ length: rounds }, (_, round) => round)
  const middle = Math.ceil(rounds / 2)
  return [all.slice(0, middle), all.slice(middle)].filter((half) => half.length > 0)
}

/** Of a cell's blocks, so many may be measured once more. */
const MADE_UP_SHARE = 0.25
export const mostMadeUp = (blocks: number): number => Math.ceil(MADE_UP_SHARE * blocks)

/**
 * Whether a block is measured once more at the end of its round. lost: there is no measurement, or its engines did not live through it.
 * madeUp: something passing spoilt it, a busy host or a guest on the GPU; what holds for the whole arm would spoil the next one too.
 */
export function againOf(block: Pick<Block, 'validity'>, seen: { lives: boolean; doubts: number; madeUpLeft: number }): 'lost' | 'madeUp' | null {
  if (block.validity === 'failed' || !seen.lives) return 'lost'
  return block.validity === 'invalid' && seen.doubts === 0 && seen.madeUpLeft > 0 ? 'madeUp' : null
}
