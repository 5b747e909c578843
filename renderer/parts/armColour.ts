// The colour of an arm: the same on the Stage, in charts and in tables. By its kind first, so that MPS looks the same in every experiment. Pure.
import type { Arm } from '../../shared/experiment.ts'
import type { CSSProperties } from 'react'
import { engineStyle } from './EngineDot.tsx'

/** Indices of engine colours: grey for one engine, blue for time-slicing, orange for MPS. */
const OF_KIND: Record<Arm['kind'], number> = { single: 7, timeSliced: 1, mps: 0 }
const REST = [2, 3, 5, 6, 4]

export function armColour(arms: readonly Arm[], armId: string): number {
  const given: number[] = []
  let rest = 0
  for (const arm of arms) {
    const wished = OF_KIND[arm.kind]
    const colour = given.includes(wished) ? REST[rest++ % REST.length]! : wished
    if (arm.id === armId) return colour
    given.push(colour)
  }
  return REST[0]!
}

export const armStyle = (arms: readonly Arm[], armId: string): CSSProperties => engineStyle(armColour(arms, armId))
