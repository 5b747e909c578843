// The daemons of all GPUs, one each: where their folders lie, which of them are foreign ones in use, and their states as one list.
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FaultError } from '../../../shared/fault.ts'
import type { GpuIdentity } from '../../../shared/gpu.ts'
import { PIPE_PATH_BYTES, type LimitsChange, type MpsDaemon } from '../../../shared/mps.ts'
import type { ProcessTable } from '../host/processTable.ts'
import { Topic } from '../kit/topic.ts'
import type { Settings } from '../store/settings.ts'
import { GpuDaemon, type GpuDaemonParts } from './daemon.ts'
import { isLimited } from './limits.ts'
import { MachineDaemons } from './sight.ts'

interface GpuDaemonsParts extends Omit<GpuDaemonParts, 'gpu' | 'directories' | 'use' | 'limits' | 'alone' | 'onTheirWay' | 'machine'> {
  settings: Settings
  stateDirectory: string
  /** Names of engines of this GPU that are being started under MPS. */
  onTheirWay(gpuUuid: string): readonly string[]
}

export class GpuDaemons {
  /** In order of GPU index. */
  readonly daemons = new Topic<MpsDaemon[]>([])
  readonly #parts: GpuDaemonsParts
  readonly #byGpu = new Map<string, GpuDaemon>()
  readonly #machine: MachineDaemons

  constructor(parts: GpuDaemonsParts) {
    this.#parts = parts
    this.#machine = new MachineDaemons(parts.tools.env['OVERLAP_SIM'] ?? null)
  }

  /** The GPUs there are; one that is gone keeps its daemon, which may still run. */
  set(identities: readonly GpuIdentity[]): void {
    for (const { uuid, index, memoryTotalMiB } of identities) {
      if (this.#byGpu.has(uuid)) continue
      const { settings, stateDirectory, onTheirWay, ...parts } = this.#parts
      const daemon = new GpuDaemon({
        ...parts, machine: this.#machine, gpu: { uuid, index, memoryTotalMiB }, alone: () => this.#byGpu.size === 1, onTheirWay: () => onTheirWay(uuid), directories: directoriesOf(stateDirectory, uuid),
        use: settings.document.mps.used[uuid] ?? null, limits: settings.document.mps.limits[uuid],
      })
      this.#byGpu.set(uuid, daemon)
      daemon.state.subscribe(() => this.#publish())
      void daemon.check()
    }
    this.#publish()
  }

  on(gpuUuid: string): GpuDaemon {
    const daemon = this.#byGpu.get(gpuUuid)
    if (!daemon) throw new FaultError('NOT_FOUND', `There is no GPU ${gpuUuid}.`, 'Use the uuid of one that gpu.identities lists.', { field: 'gpuUuid' })
    return daemon
  }

  /** Kept in the settings, so that the next start uses it too. */
  async useForeign(gpuUuid: string, pipeDirectory: string | null): Promise<void> {
    await this.on(gpuUuid).useForeign(pipeDirectory)
    await this.#parts.settings.change((document) => {
      const used = { ...document.mps.used }
      if (pipeDirectory === null) delete used[gpuUuid]
      else used[gpuUuid] = pipeDirectory
      return { ...document, mps: { ...document.mps, used } }
    })
  }

  /** Defaults of Overlap's own daemon are kept in the settings; a running server's end with it, and a used daemon is its owner's. */
  async setLimits(gpuUuid: string, change: LimitsChange): Promise<void> {
    const daemon = this.on(gpuUuid)
    await daemon.setLimits(change)
    if (change.of === 'server' || daemon.state.value.ownership === 'used') return
    const { wanted } = daemon.state.value.limits
    await this.#parts.settings.change((document) => {
      const limits = { ...document.mps.limits }
      if (isLimited(wanted)) limits[gpuUuid] = wanted
      else delete limits[gpuUuid]
      return { ...document, mps: { ...document.mps, limits } }
    })
  }

  /** What an engine of this GPU needs to become a client; null: it could not. */
  environment(gpuUuid: string): { pipeDirectory: string; daemonPid: number | null } | null {
    const daemon = this.#byGpu.get(gpuUuid)
    const pipeDirectory = daemon?.clientPipeDirectory ?? null
    return daemon && pipeDirectory !== null ? { pipeDirectory, daemonPid: daemon.state.value.daemonPid } : null
  }

  check(table: ProcessTable | null): void {
    for (const daemon of this.#byGpu.values()) void daemon.check(table ?? undefined)
  }

  /** Stops our own daemons that nobody uses; a daemon with clients, or that does not stop, goes on. */
  async stopUnused(isUsed: (gpuUuid: string) => boolean): Promise<void> {
    const unused = [...this.#byGpu].filter(([gpuUuid]) => !isUsed(gpuUuid))
    await Promise.allSettled(unused.map(([, daemon]) => daemon.stopIfIdle()))
  }

  /** Daemons go on: they serve engines that outlive Overlap. */
  async close(): Promise<void> {
    await Promise.all([...this.#byGpu.values()].map((daemon) => daemon.close()))
  }

  #publish(): void {
    this.daemons.set([...this.#byGpu.values()].map((daemon) => daemon.state.value).sort((a, b) => a.gpuIndex - b.gpuIndex))
  }
}

/** The same in every run, so that a daemon of the last run is found. Sockets take short paths only: a deep state folder gets a short one in /tmp. */
function directoriesOf(stateDirectory: string, gpuUuid: string): { pipe: string; log: string } {
  const gpu = gpuUuid.replace(/^GPU-/, '').slice(0, 8)
  const log = join(stateDirectory, 'mps', gpu, 'log')
  const pipe = join(stateDirectory, 'mps', gpu, 'pipe')
  if (Buffer.byteLength(pipe) <= PIPE_PATH_BYTES) return { pipe, log }
  const state = createHash('sha256').update(stateDirectory).digest('hex').slice(0, 12)
  return { pipe: join(tmpdir(), `overlap-${state}`, gpu, 'pipe'), log }
}
