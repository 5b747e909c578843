import type { DaemonLimits } from './mps.ts'

export const LIMITS_UNKNOWN: DaemonLimits = { wanted: { sharePercent: null, pinnedMemoryMiB: null }, default: { sharePercent: null, pinnedMemory: null }, servers: [] }
