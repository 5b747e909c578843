// A load spread evenly over the engines of an arm.
import type { Load } from '../../../shared/load.ts'
import { seedOf } from './random.ts'
import type { Turn } from './target.ts'

export interface Portion {
  load: Load
  turn: Turn
}

/**
 * equalTotal: callers are divided (some get one more), a schedule is dealt out in turn, so that all engines together see exactly the
 * arrivals, prompts and lengths that a single engine would. equalPerEngine: each gets the whole load, with a seed of its own.
 * A portion may hold no caller at all.
 */
export function divide(load: Load, engines: number): Portion[] {
  return Array.from({ length: engines }, (_, index) => {
    const own = { ...load, seed: index === 0 ? load.seed : seedOf(load.seed, index) % 2 ** 31 }
    if (load.regime === 'equalPerEngine') return { load: own, turn: { index: 0, of: 1 } }
    if (load.arrivals.kind !== 'closed') return { load, turn: { index, of: engines } }
    const { concurrency } = load.arrivals
    const callers = Math.floor(concurrency / engines) + (index < concurrency % engines ? 1 : 0)
    return { load: { ...own, arrivals: { kind: 'closed', concurrency: callers } }, turn: { index: 0, of: 1 } }
  })
}
