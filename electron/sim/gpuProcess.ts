// An engine as the GPU sees it: memory, the MPS server it is a client of (decided once, at its start), and its pace among those who run now.
import { connect } from 'node:net'
import { join } from 'node:path'
import { alive, Folder, TOUCH_EVERY_MS, type Gpu, type Tenant } from './folder.ts'
import type { Pace } from './batch.ts'
import { CONTEXT_MIB, prefillOf, share, stepOf, type Load, type ShapeName } from './physics.ts'

/** What ends the engine; printed as its last words. */
export class CudaError extends Error {}

export interface MpsServerOf {
  pid: number
  sharePercent: number
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
      const [answer, pid, sharePercent] = (text.split('\n')[1] ?? '').split(' ')
      if (answer === 'SERVER') resolve({ pid: Number(pid), sharePercent: Number(sharePercent) })
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

export class GpuProcess {
  readonly #folder: Folder
  readonly gpu: Gpu
  readonly #server: MpsServerOf | null
  readonly #tenant: Tenant
  readonly #load: Load
  #others: Tenant[] = []
  #writtenAtMs = 0
  #moved = false

  constructor(folder: Folder, gpu: Gpu, server: MpsServerOf | null, model: ShapeName, ownSharePercent: number) {
    this.#folder = folder
    this.gpu = gpu
    this.#server = server
    this.#load = { pid: process.pid, model, running: 0, contextTokens: 0, mpsServerPid: server?.pid ?? null, sharePercent: server ? Math.min(ownSharePercent, server.sharePercent) : 100 }
    this.#tenant = { pid: process.pid, kind: 'engine', command: process.argv0, memoryMiB: CONTEXT_MIB, startedAtMs: Date.now(), load: this.#load, status: null }
    this.#write()
  }

  get attached(): boolean {
    return this.#server !== null
  }

  get freeMiB(): number {
    const used = this.#folder.tenants(this.gpu.index).reduce((sum, { memoryMiB }) => sum + memoryMiB, 0)
    return this.gpu.card.memoryTotalMiB - this.gpu.card.memoryReservedMiB - used
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

  /** Says what it does and looks who else runs; call about twice a second. Throws CudaError when its MPS server is gone. */
  look(running: number, contextTokens: number): void {
    this.work(running, contextTokens)
    if (this.#moved || Date.now() - this.#writtenAtMs > TOUCH_EVERY_MS) this.#write()
    this.#others = this.#folder.tenants(this.gpu.index).filter(({ pid }) => pid !== process.pid)
    if (this.#server && !alive(this.#server.pid)) throw new CudaError('CUDA error: the remote procedural call between the MPS server and the MPS client failed')
  }

  /** True once its MPS server met a fatal fault: nothing will come of this process any more. */
  get faulted(): boolean {
    return this.#server !== null && this.#others.some(({ pid, status }) => pid === this.#server?.pid && status === 'FAULT')
  }

  /** Others hear of it at the next look. */
  work(running: number, contextTokens: number): void {
    if (running === this.#load.running && Math.abs(contextTokens - this.#load.contextTokens) <= 0.2 * this.#load.contextTokens) return
    this.#moved = true
    this.#load.running = running
    this.#load.contextTokens = Math.round(contextTokens)
  }

  pace(): Pace {
    const loads = [this.#load, ...this.#others.flatMap(({ load }) => load ?? [])]
    const stepS = share(this.gpu.card, loads).stepSeconds.get(process.pid) ?? stepOf(this.gpu.card, { ...this.#load, running: 1 }).periodS
    const slowdown = Math.max(1, stepS / stepOf(this.gpu.card, { ...this.#load, running: Math.max(1, this.#load.running) }).periodS)
    const prefill = prefillOf(this.gpu.card, this.#load.model, slowdown)
    return { stepS, prefillTokensPerSecond: prefill.tokensPerSecond, prefillFixedS: prefill.fixedS }
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
