// The passing of time in one stand-in engine: advances the batch at the pace of the GPU, looks around, and ends the engine when there is nothing left to live for.
import type { Batch } from './batch.ts'
import type { Folder } from './folder.ts'
import { CudaError, type GpuProcess } from './gpuProcess.ts'

/** With requests from outside; with the demonstration's own callers; with none. */
const TICK_MS = { guests: 20, own: 250, idle: 1000 } as const
const LOOK_EVERY_MS = { guests: 250, own: 500, idle: 1000 } as const
/** Nobody read the metrics for this long: a demonstration was left behind. */
const UNWATCHED_MS = 15 * 60_000
const STANDSTILL = { stepSeconds: () => Infinity }
const SELF_LOAD = { promptTokens: 256, maxTokens: 256 } as const

export interface TicksParts {
  folder: Folder
  gpu: GpuProcess
  batch: Batch
  /** Callers of the demonstration's own. */
  selfLoad: number
  /** The first time that two requests of guests are there at once, nothing comes for so long: kernels are compiled. */
  coldSeconds: number
  /** Lives on although nobody looks. */
  lingers: boolean
  end(code: number, words: string | null): never
}

export class Ticks {
  readonly #parts: TicksParts
  #lookedAtMs = 0
  #timer: NodeJS.Timeout | null = null
  #kind: keyof typeof TICK_MS = 'idle'
  /** null: there was no such load yet. */
  #compiledAtMs: number | null = null
  scrapedAtMs = Date.now()

  constructor(parts: TicksParts) {
    this.#parts = parts
    const { batch, selfLoad } = parts
    for (let index = 0; index < selfLoad; index += 1) this.#ask(Math.ceil((SELF_LOAD.maxTokens * (index + 1)) / selfLoad)) // not all at the same point
    batch.advance(Date.now(), STANDSTILL)
  }

  #compiles(now: number): boolean {
    const { batch, selfLoad, coldSeconds } = this.#parts
    if (this.#compiledAtMs === null && batch.running + batch.waiting > selfLoad + 1) this.#compiledAtMs = now + coldSeconds * 1000
    return this.#compiledAtMs !== null && now < this.#compiledAtMs
  }

  /** One caller, who asks again as soon as he has his answer. */
  #ask(maxTokens: number): void {
    const { batch } = this.#parts
    batch.submit({ promptTokens: SELF_LOAD.promptTokens, maxTokens, arrivedMs: batch.nowMs, onTokens: (_, finished) => finished && this.#ask(SELF_LOAD.maxTokens) })
  }

  /** A request came: time is cut finer from now on. */
  readonly wake = (): void => {
    if (this.#kind !== 'guests') this.tick()
  }

  readonly tick = (): void => {
    if (this.#timer) clearTimeout(this.#timer)
    const { gpu, batch, selfLoad } = this.#parts
    const now = Date.now()
    if (!gpu.faulted) batch.advance(now, this.#compiles(now) ? STANDSTILL : gpu.pace(now))
    gpu.work(batch)
    const busy = batch.running + batch.waiting
    this.#kind = busy > selfLoad ? 'guests' : busy > 0 ? 'own' : 'idle'
    if (now - this.#lookedAtMs >= LOOK_EVERY_MS[this.#kind]) this.#look(now)
    this.#timer = setTimeout(this.tick, TICK_MS[this.#kind])
  }

  #look(now: number): void {
    const { folder, gpu, batch, lingers, end } = this.#parts
    this.#lookedAtMs = now
    try {
      gpu.look(batch)
    } catch (error) {
      if (error instanceof CudaError) end(1, error.message)
      throw error
    }
    // An idle client does not notice, and keeps the server in FAULT.
    if (gpu.faulted && batch.running + batch.waiting > 0) end(1, 'CUDA error: an illegal memory access was encountered')
    if (folder.scene() === null) end(0, null)
    if (!lingers && now - this.scrapedAtMs > UNWATCHED_MS) end(0, 'Nobody has read the metrics for 15 minutes: ending.')
  }
}
