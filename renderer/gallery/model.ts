// Invented readings for the gallery: a smooth wave with some noise, the same for the same moment.
import type { GpuFrame, GpuIdentity, GpuRow, Missing, SampleStream } from '../../shared/gpu.ts'
import { METRIC_KEYS, type MetricKey } from '../../shared/gpu.ts'
import type { Fault } from '../../shared/fault.ts'

function noise(seed: number, atMs: number): number {
  const x = Math.sin(seed * 127.1 + Math.floor(atMs / 1000) * 311.7) * 43758.5453
  return x - Math.floor(x)
}

/** About `middle`, by at most `swing` up and down. */
export function wave(seed: number, atMs: number, middle: number, swing: number): number {
  const slow = Math.sin(atMs / 9000 + seed) * 0.5 + Math.sin(atMs / 2300 + seed * 2) * 0.2
  return Math.max(0, middle + swing * (slow + (noise(seed, atMs) - 0.5) * 0.6))
}

export function gpu(index: number, name: string, gpm: boolean | null, memoryTotalMiB: number): GpuIdentity {
  return {
    index, uuid: `GPU-0000000${index}-aaaa-bbbb-cccc-0123456789ab`, name, pciBusId: `00000000:${index + 1}8:00.0`, driverVersion: '580.95.05', memoryTotalMiB,
    computeMode: 'Default', migMode: gpm ? 'Disabled' : null, persistenceMode: 'Enabled', computeCapability: gpm ? '9.0' : '8.9', gpm,
  }
}

export type Load = 'idle' | 'shared' | 'sliced'
const LOADS: Record<Load, { busy: [number, number]; sm: [number, number]; dram: [number, number]; watts: [number, number]; used: number }> = {
  idle: { busy: [0, 0], sm: [0, 0], dram: [0, 0], watts: [72, 3], used: 0.01 },
  sliced: { busy: [96, 5], sm: [38, 7], dram: [27, 6], watts: [330, 20], used: 0.62 },
  shared: { busy: [97, 3], sm: [63, 9], dram: [48, 8], watts: [455, 25], used: 0.62 },
}

export function metricAt(key: MetricKey, identity: GpuIdentity, load: Load, atMs: number): number | null {
  const { busy, sm, dram, watts, used } = LOADS[load]
  const seed = identity.index + 1
  const cap = (value: number) => Math.min(100, value)
  if (key === 'kernelBusyPercent') return Math.round(cap(wave(seed, atMs, ...busy)))
  if (key === 'smActivityPercent') return identity.gpm ? cap(wave(seed + 20, atMs, ...sm)) : null
  if (key === 'dramBandwidthPercent') return identity.gpm ? cap(wave(seed + 30, atMs, ...dram)) : null
  if (key === 'memoryControllerBusyPercent') return Math.round(cap(wave(seed + 40, atMs, dram[0] * 0.8, dram[1])))
  if (key === 'memoryUsedMiB') return identity.memoryTotalMiB === null ? null : Math.round(identity.memoryTotalMiB * used) + 812
  if (key === 'memoryTotalMiB') return identity.memoryTotalMiB
  if (key === 'powerWatts') return wave(seed + 50, atMs, watts[0] * (identity.gpm ? 1 : 0.7), watts[1])
  const constant = { powerLimitWatts: identity.gpm ? 700 : 450, temperatureCelsius: load === 'idle' ? 34 : 58, smClockMHz: 1755, memoryClockMHz: 2619 }
  return constant[key]
}

export interface Breakage { missing: Missing; fault: Fault | null; stream: SampleStream['state']; lastRowAtMs: number | null }

/** `broken`: nothing can be read, for one reason. */
export function frameAt(identities: GpuIdentity[], load: (index: number) => Load, atMs: number, tick: number, broken: Breakage | null): GpuFrame {
  const rows = identities.map((identity): GpuRow => {
    const metrics = Object.fromEntries(METRIC_KEYS.map((key) => [key, broken === null ? metricAt(key, identity, load(identity.index), atMs) : null])) as GpuRow['metrics']
    const missing = Object.fromEntries(METRIC_KEYS.filter((key) => metrics[key] === null).map((key) => [key, broken?.missing ?? 'notSupported'])) as GpuRow['missing']
    const readAtMs = broken === null ? atMs : broken.lastRowAtMs
    return { uuid: identity.uuid, index: identity.index, metrics, missing, readAtMs: { query: readAtMs, gpm: identity.gpm ? readAtMs : null } }
  })
  const streams = (['query', 'processes', 'gpm'] as const).map((name): SampleStream => ({
    name, state: broken?.stream ?? (name === 'gpm' && identities[0]?.gpm === false ? 'unsupported' : 'live'), sinceMs: atMs - 90_000,
    lastRowAtMs: broken === null ? atMs : broken.lastRowAtMs, badLines: 0, fault: broken?.fault ?? null,
  }))
  return { atMs, tick, rows, processes: broken === null ? [] : null, streams }
}
