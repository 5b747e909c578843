// The engines, as last heard. feed.ts writes it.
import { create } from 'zustand'
import type { Engine, EngineSpec } from '../../shared/engine.ts'
import { keepEqual } from './keepEqual.ts'

/** An engine without what moves with every item: the same object for as long as nothing else about it changes. */
export type SettledEngine = Omit<Engine, 'rates' | 'gpuMemoryMiB'>

interface EngineStore {
  /** null: not heard yet. Another array with every item: for numbers that are read now and then. */
  engines: Engine[] | null
  /** The same engines for everything that is drawn by React. */
  settled: SettledEngine[] | null
}
export const useEngines = create<EngineStore>(() => ({ engines: null, settled: null }))

export function engineStore(before: SettledEngine[] | null, engines: Engine[]): EngineStore {
  return { engines, settled: keepEqual(before, engines.map(({ rates: _rates, gpuMemoryMiB: _memory, ...settled }) => settled)) }
}

/** The numbers of one engine as last heard; null when it is gone. */
export function engineNow(id: string): Engine | null {
  return useEngines.getState().engines?.find((engine) => engine.id === id) ?? null
}

/** Engines on one GPU, and those bound to no GPU. */
export function enginesOn<Some extends { spec: Pick<EngineSpec, 'gpuUuid'> }>(engines: Some[] | null, gpuUuid: string | null): Some[] {
  return engines?.filter(({ spec }) => spec.gpuUuid === gpuUuid || spec.gpuUuid === null) ?? []
}

/** The engine that owns a process, if one does. */
export function ownerOf<Some extends Pick<Engine, 'pid' | 'pids'>>(engines: Some[] | null, pid: number): Some | null {
  return engines?.find((engine) => engine.pid === pid || engine.pids.includes(pid)) ?? null
}
