// The GPUs: who they are and the newest frame. feed.ts writes it; the minute drawn by the strips is in track.ts.
import { create } from 'zustand'
import type { GpuFrame, GpuIdentity, GpuRow } from '../../shared/gpu.ts'

interface GpuStore {
  /** null: not heard yet. Empty: this workstation has none, or the driver tells of none. */
  identities: GpuIdentity[] | null
  frame: GpuFrame | null
}
export const useGpus = create<GpuStore>(() => ({ identities: null, frame: null }))

export function rowOf(frame: GpuFrame | null, uuid: string | null): GpuRow | null {
  return frame?.rows.find((row) => row.uuid === uuid) ?? null
}

/** `GPU 0`; the name people use. */
export function gpuLabel(identities: GpuIdentity[] | null, uuid: string | null): string {
  const found = identities?.find((identity) => identity.uuid === uuid)
  if (found !== undefined) return `GPU ${found.index}`
  return uuid === null ? 'no GPU' : uuid.slice(0, 12)
}
