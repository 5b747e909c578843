// What the driver would report of one GPU now: the physics of those who run, plus seeded noise. The same for every executable that looks in the same second.
import type { Folder, Gpu, SceneFile, Tenant } from './folder.ts'
import { noise } from './noise.ts'
import { share, type Load } from './physics.ts'
import { SCENES } from './scenes.ts'

export interface Reading {
  gpu: Gpu
  tenants: Tenant[]
  /** Percent. */
  kernelBusy: number
  smActivity: number
  smOccupancy: number
  tensorActivity: number
  dramActivity: number
  memoryBusy: number
  usedMemoryMiB: number
  powerW: number
  temperatureCelsius: number
  smClockMHz: number
  memoryClockMHz: number
  /** Kernel time in percent that is attributed to each pid: what MPS clients use is their server's. */
  attributed: Map<number, number>
  lost: boolean
}

const WARM_UP_MS = 45_000

const percent = (value: number): number => Math.min(100, Math.max(0, value))

export function readGpu(folder: Folder, scene: SceneFile, gpu: Gpu, nowMs: number): Reading {
  const tenants = folder.tenants(gpu.index)
  const loads = tenants.map((tenant) => tenant.load).filter((load): load is Load => load !== null)
  const sharing = share(gpu.card, loads)
  const tick = Math.floor(nowMs / 1000)
  const wobble = (key: string, size: number) => size * noise(SCENES[scene.name].seed, `${gpu.index}/${key}`, tick)
  const busy = sharing.kernelBusy > 0
  const around = (value: number, key: string, size: number) => (busy ? percent(value * 100 + wobble(key, size)) : 0)
  const oldest = Math.min(nowMs, ...tenants.filter((tenant) => (tenant.load?.running ?? 0) > 0).map((tenant) => tenant.startedAtMs))
  const effort = 0.3 * sharing.kernelBusy + 0.4 * sharing.smActivity + 0.3 * sharing.dramActivity
  const powerW = gpu.card.idlePowerW + (gpu.card.powerLimitW - gpu.card.idlePowerW) * (busy ? 0.06 + 0.85 * effort : 0) + wobble('power', busy ? 6 : 0.8)
  const warm = 1 - Math.exp(-(nowMs - oldest) / WARM_UP_MS)
  const attributed = new Map<number, number>()
  for (const { pid, mpsServerPid } of loads) {
    const owner = mpsServerPid ?? pid
    const part = sharing.kernelShare.get(pid) ?? 0
    if (part > 0) attributed.set(owner, percent((attributed.get(owner) ?? wobble(`pid ${owner}`, 1)) + part * sharing.kernelBusy * 100))
  }
  return {
    gpu, tenants, attributed,
    kernelBusy: around(sharing.kernelBusy, 'busy', 2),
    smActivity: around(sharing.smActivity, 'sm', 1.5),
    smOccupancy: around(sharing.smActivity * 0.31, 'occupancy', 0.8),
    tensorActivity: around(sharing.smActivity * 0.16, 'tensor', 0.6),
    dramActivity: around(sharing.dramActivity, 'dram', 1.2),
    memoryBusy: around(sharing.memoryBusy, 'memory', 2),
    usedMemoryMiB: tenants.reduce((sum, tenant) => sum + tenant.memoryMiB, 0),
    powerW: Math.min(gpu.card.powerLimitW, Math.max(5, powerW)),
    temperatureCelsius: Math.round(31 + gpu.index % 4 + warm * 42 * effort + wobble('temperature', 0.6)),
    smClockMHz: busy ? gpu.card.smClockMHz : tenants.length > 0 ? gpu.card.smClockMHz : 345,
    memoryClockMHz: gpu.card.memoryClockMHz,
    lost: folder.misbehaviour(scene).lostGpus?.includes(gpu.index) ?? false,
  }
}
