// The MPS daemon of each GPU, as last heard. feed.ts writes it.
import { create } from 'zustand'
import type { MpsDaemon } from '../../shared/mps.ts'

/** null: not heard yet. */
export const useMps = create<{ daemons: MpsDaemon[] | null }>(() => ({ daemons: null }))

export function daemonOf(daemons: MpsDaemon[] | null, gpuUuid: string | null): MpsDaemon | null {
  return daemons?.find((daemon) => daemon.gpuUuid === gpuUuid) ?? null
}
