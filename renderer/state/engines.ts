// The engines, as last heard. feed.ts writes it.
import { create } from 'zustand'
import type { Engine } from '../../shared/engine.ts'

/** null: not heard yet. */
export const useEngines = create<{ engines: Engine[] | null }>(() => ({ engines: null }))

const NONE: Engine[] = []

/** Engines on one GPU, and those bound to no GPU. */
export function enginesOn(engines: Engine[] | null, gpuUuid: string | null): Engine[] {
  return engines?.filter((engine) => engine.spec.gpuUuid === gpuUuid || engine.spec.gpuUuid === null) ?? NONE
}

/** The engine that owns a process, if one does. */
export function ownerOf(engines: Engine[] | null, pid: number): Engine | null {
  return engines?.find((engine) => engine.pid === pid || engine.pids.includes(pid)) ?? null
}
