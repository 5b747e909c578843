// Marks: moments at which something changed its state, drawn across the strips. feed.ts writes it.
import { create } from 'zustand'
import type { Engine } from '../../shared/engine.ts'
import { mpsWord, type MpsDaemon } from '../../shared/mps.ts'

export interface Mark {
  atMs: number
  gpuUuid: string | null
  /** `vllm-a ready`, `MPS running`. */
  label: string
  /** Engine colour index; null for MPS. */
  colour: number | null
}

/** Marks kept; older ones leave. */
export const MARKS_KEPT = 200

export const useMarks = create<{ marks: Mark[] }>(() => ({ marks: [] }))

export function addMarks(marks: Mark[], news: Mark[], cap = MARKS_KEPT): Mark[] {
  return news.length === 0 ? marks : [...marks, ...news].slice(-cap)
}

/** Engines whose state is another than before. A first sight is no change. */
export function engineMarks(before: Engine[] | null, after: Engine[]): Mark[] {
  return after.flatMap((engine, at) => {
    // with every item: nearly always in the same order
    const old = before?.[at]?.id === engine.id ? before[at] : before?.find((one) => one.id === engine.id)
    if (old === undefined || old.state === engine.state) return []
    return [{ atMs: engine.sinceMs, gpuUuid: engine.spec.gpuUuid, label: `${engine.spec.name} ${engine.state}`, colour: engine.colour }]
  })
}

export function daemonMarks(before: MpsDaemon[] | null, after: MpsDaemon[]): Mark[] {
  return after.flatMap((daemon) => {
    const old = before?.find((one) => one.gpuUuid === daemon.gpuUuid)
    if (old === undefined || old.state === daemon.state) return []
    return [{ atMs: daemon.sinceMs, gpuUuid: daemon.gpuUuid, label: `MPS ${mpsWord(daemon.state)}`, colour: null }]
  })
}
