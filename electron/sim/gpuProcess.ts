// An engine as the GPU sees it: memory, the MPS server it is a client of (decided once, at its start), and its pace among those who run now.
import { connect } from 'node:net'
import { join } from 'node:path'
import { alive, Folder, TOUCH_EVERY_MS, type Gpu, type Tenant } from './folder.ts'
import type { Pace } from './batch.ts'
import { unrest } from './noise.ts'
import { share, stepOf, type Load } from './physics.ts'
import { CONTEXT_MIB, type ShapeName } from './shapes.ts'

/** What ends the engine; printed as its last words. */
export class CudaError extends Error {}

/** What a batch does just now. */
export interface Work {
  running: number
  contextTokens: number
  prefillTokens: number
}

export interface MpsServerOf {
  pid: number
  sharePercent: number
  /** null: no limit. */
  pinnedMiB: number | null
  clientPriority: 0 | 1
}

/** What an engine brings to its GPU; what limits it counts only under MPS. */
export interface Wants {
  model: ShapeName
  asyncScheduling: boolean
  env: Record<string, string | undefined>
  /** Of its noise. */
  seed: number
  name: string
}

/** Asks the daemon in CUDA_MPS_PIPE_DIRECTORY for a server; null: nobody answers there, so this is an ordinary CUDA process, silently. */
export function attach(pipeDirectory: string, gpuUuid: string): Promise<MpsServerOf | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(pipeDirectory, 'control'))
    let text = ''
    socket.on('connect', () => socket.write(`CLIENT ${process.pid} ${process.getuid?.() ?? 0} ${gpuUuid}\n`))
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      const [answer, pid, sharePercent, pinnedMiB, priority] = (text.split('\n')[1] ?? '').split(' ')
      if (answer === 'SERVER') resolve({ pid: Number(pid), sharePercent: Number(sharePercent), pinnedMiB: Number(pinnedMiB) || null, clientPriority: priority === '1' ? 1 : 0 })
      else if (answer === 'NOT_READY') reject(new CudaError('Unexpected error from cudaGetDeviceCount(). Error 807: MPS server is not ready to accept new MPS client requests'))
      else if (answer === 'INVISIBLE') reject(new CudaError('CUDA error: invalid device ordinal. Device is invisible to this MPS server.'))
      else resolve(null)
    })
  })
}

/** The GPU that CUDA_VISIBLE_DEVICES names first; all GPUs are visible without it. */
export function visibleGpu(gpus: readonly Gpu[], visible: string | undefined): Gpu | null {
  if (visible === undefined) return gpus[0] ?? null
  const first = visible.split(',')[0]?.trim() ?? ''
  return gpus.find((gpu) => first === String(gpu.index) || (first.length > 4 && gpu.uuid.startsWith(first))) ?? null
}

/**
 * The limit of CUDA_MPS_PINNED_DEVICE_MEM_LIMIT, `0=8192M` or `GPU-…=2G`: it lowers the server's. An entry for a GPU that this process
 * does not see makes CUDA drop all limits, the server's too. null: none.
 */
export function pinnedLimitMiB(own: string | undefined, serversMiB: number | null, gpuUuid: string): number | null {
  let limit = serversMiB
  for (const entry of (own ?? '').split(',').filter((text) => text.trim() !== '')) {
    const [, device = '', digits = '', unit = ''] = /^\s*([^=]+)=(\d+)(\w?)/.exec(entry) ?? []
    if (device !== '0' && !(device.length > 4 && gpuUuid.startsWith(device))) return null
    const mebibytes = Number(digits) * (unit.toUpperCase() === 'G' ? 1024 : 1)
    if (mebibytes > 0) limit = Math.min(limit ?? Infinity, mebibytes)
  }
  return limit
}

function loadOf({ model, asyncScheduling, env }: Wants, server: MpsServerOf | null): Load {
  const asked = Number(env['CUDA_MPS_ACTIVE_THREAD_PERCENTAGE'])
  const priority = env['CUDA_MPS_CLIENT_PRIORITY']
  return {
    pid: process.pid, model, asyncScheduling, running: 0, contextTokens: 0, prefillTokens: 0, mpsServerPid: server?.pid ?? null,
    sharePercent: server ? Math.min(asked > 0 && asked <= 100 ? asked : 100, server.sharePercent) : 100,
    clientPriority: server === null ? 0 : priority === '0' ? 0 : priority === '1' ? 1 : server.clientPriority,
  }
}

export class GpuProcess {
  readonly #folder: Folder
  readonly gpu: Gpu
  readonly #wants: Wants
  readonly #server: MpsServerOf | null
  readonly #limitMiB: number | null
  readonly #tenant: Tenant
  readonly #load: Load
  #others: Tenant[] = []
  #writtenAtMs = 0
  #moved = false

  constructor(folder: Folder, gpu: Gpu, server: MpsServerOf | null, wants: Wants) {
    this.#folder = folder
    this.gpu = gpu
    this.#wants = wants
    this.#server = server
    this.#limitMiB = server ? pinnedLimitMiB(wants.env['CUDA_MPS_PINNED_DEVICE_MEM_LIMIT'], server.pinnedMiB, gpu.uuid) : null
    this.#load = loadOf(wants, server)
    this.#tenant = { pid: process.pid, kind: 'engine', command: process.argv0, memoryMiB: CONTEXT_MIB, startedAtMs: Date.now(), load: this.#load, status: null }
    this.#write()
  }

  get attached(): boolean {
    return this.#server !== null
  }

  get sharePercent(): number {
    return this.#load.sharePercent
  }

  /** As the process sees it: a limit of pinned memory makes it less, never the total smaller. */
  get freeMiB(): number {
    const used = this.#folder.tenants(this.gpu.index).reduce((sum, { memoryMiB }) => sum + memoryMiB, 0)
    return Math.min(this.gpu.card.memoryTotalMiB - this.gpu.card.memoryReservedMiB - used, (this.#limitMiB ?? Infinity) - this.#tenant.memoryMiB)
  }

  /** On top of the context. */
  allocate(memoryMiB: number): void {
    const free = this.freeMiB
    if (memoryMiB > free) {
      const gib = (mebibytes: number) => (mebibytes / 1024).toFixed(2)
      throw new CudaError(`torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${gib(memoryMiB)} GiB. GPU 0 has a total capacity of ${gib(this.gpu.card.memoryTotalMiB)} GiB of which ${gib(Math.max(0, free))} GiB is free.`)
    }
    this.#tenant.memoryMiB += memoryMiB
    this.#write()
  }

  /** Says what it does and looks who else runs; call a few times a second. Throws CudaError when its MPS server is gone. */
  look(batch: Work): void {
    this.work(batch)
    if (this.#moved || Date.now() - this.#writtenAtMs > TOUCH_EVERY_MS) this.#write()
    this.#others = this.#folder.tenants(this.gpu.index).filter(({ pid }) => pid !== process.pid)
    if (this.#server && !alive(this.#server.pid)) throw new CudaError('CUDA error: the remote procedural call between the MPS server and the MPS client failed')
  }

  /** True once its MPS server met a fatal fault: nothing will come of this process any more. */
  get faulted(): boolean {
    return this.#server !== null && this.#others.some(({ pid, status }) => pid === this.#server?.pid && status === 'FAULT')
  }

  /** Others hear of it at the next look. */
  work({ running, contextTokens, prefillTokens }: Work): void {
    const differs = (value: number, known: number) => Math.abs(value - known) > 0.2 * known
    if (running === this.#load.running && !differs(contextTokens, this.#load.contextTokens) && !differs(prefillTokens, this.#load.prefillTokens)) return
    this.#moved = true
    this.#load.running = running
    this.#load.contextTokens = Math.round(contextTokens)
    this.#load.prefillTokens = prefillTokens
  }

  /** Of a batch as it is now; for a moment, since others come and go. */
  pace(nowMs: number): Pace {
    const { card } = this.gpu
    const own = { ...this.#load, running: Math.max(1, this.#load.running) }
    const loads = [own, ...this.#others.flatMap(({ load }) => load ?? [])]
    const engines = loads.filter(({ running }) => running > 0).length
    const slowdown = (share(card, loads).slowdown.get(own.pid) ?? 1) * unrest(this.#wants.seed, this.gpu.uuid, this.#wants.name, nowMs)
    const { frontS } = stepOf(card, own, engines) // works ahead: what arrives at once is spread
    return { stepSeconds: (prefillTokens) => Math.max(frontS, stepOf(card, { ...own, prefillTokens }, engines).scheduledS) * slowdown }
  }

  leave(): void {
    this.#folder.remove(this.gpu.index, process.pid)
  }

  #write(): void {
    this.#writtenAtMs = Date.now()
    this.#moved = false
    this.#folder.put(this.gpu.index, this.#tenant)
  }
}
