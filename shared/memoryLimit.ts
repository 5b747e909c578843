// A memory limit under MPS against what an engine needs: which limit counts, and what to say of one that is too small. Pure.
import { z } from 'zod'
import { type DaemonLimits, readBackMiB } from './mps.ts'
import { gibibytes } from './units.ts'

/** The limit that a client of its own process has. */
export interface MemoryLimit {
  mebibytes: number
  /** engine: in its own environment. default: its server was started with it, or will be. server: set on the running server. */
  by: 'engine' | 'default' | 'server'
}

/** Weights, KV cache and what is beside them. */
export const MemoryNeed = z.object({
  mebibytes: z.number(),
  /** It used so much in an earlier run; else worked out from model and KV cache, a rule of thumb. */
  measured: z.boolean(),
})
export type MemoryNeed = z.infer<typeof MemoryNeed>

/** The lowest that holds for a client started now. null: none, or not known. `limits`: of its GPU's daemon. */
export function memoryLimitOf(ownMiB: number | null, limits: DaemonLimits | null): MemoryLimit | null {
  const server = limits === null ? null : limitOfServer(limits)
  if (ownMiB === null || (server !== null && server.mebibytes < ownMiB)) return server
  return { mebibytes: ownMiB, by: 'engine' }
}

function limitOfServer({ wanted, default: told, servers: [server] }: DaemonLimits): MemoryLimit | null {
  const byDefault = wanted.pinnedMemoryMiB ?? readBackMiB(told.pinnedMemory)
  // not read yet: a server begins with the default
  const mebibytes = server?.pinnedMemory == null ? byDefault : readBackMiB(server.pinnedMemory)
  if (mebibytes === null) return null
  // from 1 GiB on, whole GiB are read back, cut off
  const isDefault = byDefault !== null && (mebibytes === byDefault || (mebibytes >= 1024 && mebibytes === byDefault - (byDefault % 1024)))
  return isDefault ? { mebibytes: byDefault, by: 'default' } : { mebibytes, by: 'server' }
}

/** Which one it is, after "by". */
export const LIMIT_NAME: Record<MemoryLimit['by'], string> = {
  engine: 'its own memory limit', default: 'the default memory limit of MPS servers on its GPU', server: 'the memory limit of the running MPS server',
}

/** Where it is raised. */
export const RAISE_LIMIT: Record<MemoryLimit['by'], string> = {
  engine: 'Raise “GPU memory” among the limits in its settings',
  default: 'Raise the default memory limit on the MPS screen and restart MPS, then start it again',
  server: 'Raise the memory limit of the server on the MPS screen, then start it again',
}

export const needWords = ({ mebibytes, measured }: MemoryNeed): string =>
  measured ? `has used ${gibibytes(mebibytes)} before` : `needs about ${gibibytes(mebibytes)} for model and KV cache`

/** What to know before a start under this limit; null: it is enough, or that is not known. */
export function limitCaution(name: string, limit: MemoryLimit | null, need: MemoryNeed | null): string | null {
  if (limit === null || need === null || need.mebibytes <= limit.mebibytes) return null
  return `Under MPS ${name} gets at most ${gibibytes(limit.mebibytes)} of GPU memory, by ${LIMIT_NAME[limit.by]}, and ${needWords(need)}: it is likely to run out of memory. ${RAISE_LIMIT[limit.by]}, or give it less KV cache.`
}
