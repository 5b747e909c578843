// Stand-in inference engine: speaks like vLLM, runs at the pace of the simulated GPU. Time moves in ticks, never per token.
import { parseArgs } from 'node:util'
import { Batch, type Pace } from './batch.ts'
import { Folder, type SceneFile } from './folder.ts'
import { attach, CudaError, GpuProcess, visibleGpu } from './gpuProcess.ts'
import { serve } from './openAi.ts'
import { kvTokens, SHAPES, type ShapeName } from './physics.ts'

const LOOK_EVERY_MS = 500
/** With requests from outside, and without. */
const TICK_MS = { fine: 20, coarse: 250 } as const
const CHUNK_EVERY_MS = 80
/** Nobody read the metrics for this long: a demonstration was left behind. */
const UNWATCHED_MS = 15 * 60_000
const SELF_LOAD = { promptTokens: 256, maxTokens: 256 } as const
const SHUTDOWN_MS = 150

const { values: options } = parseArgs({
  options: {
    'port': { type: 'string' }, 'model': { type: 'string', default: '0.5b' }, 'max-num-seqs': { type: 'string', default: '256' },
    'gpu-memory-utilization': { type: 'string', default: '0.4' }, 'load': { type: 'string', default: '0' }, 'load-seconds': { type: 'string', default: '2' },
    'ignore-sigterm': { type: 'boolean', default: false }, 'oom': { type: 'boolean', default: false }, 'linger': { type: 'boolean', default: false },
  },
})

const say = (text: string): void => void process.stdout.write(`${new Date().toISOString()} ${text}\n`)
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

let gpuProcess: GpuProcess | null = null

function end(code: number, words: string | null = null): never {
  gpuProcess?.leave()
  if (words !== null) process.stderr.write(`${words}\n`)
  process.exit(code)
}

function modelOf(name: string): ShapeName {
  if (Object.hasOwn(SHAPES, name)) return name as ShapeName
  return end(2, `engine: error: argument --model: invalid choice: '${name}' (choose from ${Object.keys(SHAPES).join(', ')})`)
}

function numberOf(name: 'port' | 'max-num-seqs' | 'gpu-memory-utilization' | 'load' | 'load-seconds', least: number, most: number): number {
  const value = Number(options[name])
  return value >= least && value <= most ? value : end(2, `engine: error: argument --${name}: invalid value: '${options[name] ?? ''}'`)
}

/** The GPU as CUDA's first call finds it: from here on it is an MPS client, or it never will be. */
async function openGpu(folder: Folder, scene: SceneFile, model: ShapeName): Promise<GpuProcess> {
  const gpu = visibleGpu(folder.gpus(scene), process.env['CUDA_VISIBLE_DEVICES'])
  if (!gpu || folder.misbehaviour(scene).lostGpus?.includes(gpu.index)) throw new CudaError('RuntimeError: No CUDA GPUs are available')
  const server = await attach(process.env['CUDA_MPS_PIPE_DIRECTORY'] || '/tmp/nvidia-mps', gpu.uuid)
  const share = Number(process.env['CUDA_MPS_ACTIVE_THREAD_PERCENTAGE'])
  return new GpuProcess(folder, gpu, server, model, share > 0 && share <= 100 ? share : 100)
}

async function loadModel(gpu: GpuProcess, model: ShapeName): Promise<Batch> {
  const memoryMiB = Math.floor(numberOf('gpu-memory-utilization', 0.01, 1) * gpu.gpu.card.memoryTotalMiB)
  say(`Loading model ${model} on ${gpu.gpu.uuid} (${gpu.gpu.card.name})`)
  if (options.oom) gpu.allocate(gpu.freeMiB + 2048)
  const seconds = numberOf('load-seconds', 0, 3600)
  gpu.allocate(Math.floor(memoryMiB / 4))
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  gpu.allocate(memoryMiB - Math.floor(memoryMiB / 4))
  const kv = kvTokens(model, memoryMiB)
  if (kv === 0) throw new CudaError('ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.')
  say(`Loading took ${seconds} s. GPU KV cache size: ${kv.toLocaleString('en-US')} tokens`)
  return new Batch({ maxSequences: numberOf('max-num-seqs', 1, 4096), kvTokens: kv })
}

/** `count` callers that ask again as soon as they have their answer. */
function loadItself(batch: Batch, count: number): void {
  const ask = (maxTokens: number): void => batch.submit({
    promptTokens: SELF_LOAD.promptTokens, maxTokens, arrivedMs: Date.now(),
    onTokens: (_, finished) => finished && ask(SELF_LOAD.maxTokens),
  })
  for (let index = 0; index < count; index += 1) ask(Math.ceil((SELF_LOAD.maxTokens * (index + 1)) / count)) // not all at the same point
}

class Ticks {
  readonly #gpu: GpuProcess
  readonly #batch: Batch
  readonly #selfLoad: number
  readonly #folder: Folder
  #pace: Pace
  #atMs = Date.now()
  #lookedAtMs = 0
  #timer: NodeJS.Timeout | null = null
  scrapedAtMs = Date.now()

  constructor(folder: Folder, gpu: GpuProcess, batch: Batch, selfLoad: number) {
    this.#folder = folder
    this.#gpu = gpu
    this.#batch = batch
    this.#selfLoad = selfLoad
    this.#pace = gpu.pace()
  }

  /** Also called when a request arrives: it is taken in at once. */
  readonly tick = (): void => {
    if (this.#timer) clearTimeout(this.#timer)
    const now = Date.now()
    const before = this.#batch.running
    if (!this.#gpu.faulted) this.#batch.advance((now - this.#atMs) / 1000, this.#pace, now)
    this.#atMs = now
    if (now - this.#lookedAtMs >= LOOK_EVERY_MS) this.#look(now)
    else if (this.#batch.running !== before) this.#gpu.work(this.#batch.running, this.#batch.contextTokens)
    this.#pace = this.#gpu.pace()
    const guests = this.#batch.running + this.#batch.waiting > this.#selfLoad
    this.#timer = setTimeout(this.tick, guests ? TICK_MS.fine : TICK_MS.coarse)
  }

  #look(now: number): void {
    this.#lookedAtMs = now
    try {
      this.#gpu.look(this.#batch.running, this.#batch.contextTokens)
    } catch (error) {
      if (error instanceof CudaError) end(1, error.message)
      throw error
    }
    // An idle client does not notice, and keeps the server in FAULT.
    if (this.#gpu.faulted && this.#batch.running + this.#batch.waiting > 0) end(1, 'CUDA error: an illegal memory access was encountered')
    if (this.#folder.scene() === null) end(0)
    if (!options.linger && now - this.scrapedAtMs > UNWATCHED_MS) {
      say('Nobody has read the metrics for 15 minutes: ending.')
      end(0)
    }
  }
}

async function main(): Promise<void> {
  const folder = Folder.current()
  const model = modelOf(options.model)
  const port = numberOf('port', 1, 65535)
  const scene = folder.scene()
  if (!scene) throw new CudaError('RuntimeError: No CUDA GPUs are available')
  gpuProcess = await openGpu(folder, scene, model)
  const batch = await loadModel(gpuProcess, model)
  const selfLoad = Math.floor(numberOf('load', 0, 4096))
  const ticks = new Ticks(folder, gpuProcess, batch, selfLoad)
  loadItself(batch, selfLoad)
  const server = serve({ port, model, batch, chunkEveryMs: CHUNK_EVERY_MS, onRequest: ticks.tick, onScrape: () => (ticks.scrapedAtMs = Date.now()) })
  server.on('error', (error) => end(1, `OSError: [Errno 98] ${error.message}`))
  server.on('listening', () => {
    say(`Application startup complete. Listening on http://127.0.0.1:${port}`)
    ticks.tick()
  })
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (options['ignore-sigterm']) return say('Asked to end; does not.')
    say('Shutting down')
    setTimeout(() => end(0), SHUTDOWN_MS)
  })
}
process.on('SIGHUP', () => {})
process.on('SIGUSR2', () => end(1, 'CUDA error: the MPS client has been terminated by the server'))
main().catch((error: unknown) => {
  if (error instanceof CudaError) end(1, error.message)
  throw error
})
