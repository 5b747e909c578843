// A workstation without a GPU, as far as a block of an experiment looks at one: real llama-server engines on one CPU, the product's generator
// on another. It loads and ends engines; what is compared is aa.ts's.
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine, LlamaServerSpec } from '../../shared/engine.ts'
import type { Arm, Hold } from '../../shared/experiment.ts'
import type { GpuFrame, GpuIdentity } from '../../shared/gpu.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { declaredCapacity } from '../../electron/core/engines/capacity.ts'
import { llamaServer } from '../../electron/core/engines/recipes/llamaServer.ts'
import type { Lab } from '../../electron/core/experiments/lab.ts'
import type { Residents } from '../../electron/core/experiments/residents.ts'
import type { Host } from '../../electron/core/host/host.ts'
import { systemClock } from '../../electron/core/kit/clock.ts'
import { silentLog } from '../../electron/core/kit/log.ts'
import { Topic } from '../../electron/core/kit/topic.ts'
import { openGenerator } from '../../electron/core/load/openGenerator.ts'
import type { LlamaParts } from '../parts/llama.ts'
import { randomModel } from '../parts/randomModel.ts'

const READY_MS = 30_000
const GENERATOR = fileURLToPath(new URL('../../electron/core/load/generator.ts', import.meta.url))

/** Whoever asks for these wants more than a stand. */
const absent = (): never => {
  throw new Error('a stand without a GPU has no such thing')
}

export class LlamaStand {
  readonly lab: Lab
  readonly #engines = new Topic<Engine[]>([])
  readonly #parts: { host: Host; llama: LlamaParts; folder: string; cpu: string | null }

  /** `folder` takes the models; `cpu` is where all engines run, one thread each. */
  constructor(parts: { host: Host; llama: LlamaParts; folder: string; cpu: string | null }) {
    this.#parts = parts
    this.lab = {
      clock: systemClock, log: silentLog, host: parts.host, stateDirectory: parts.folder,
      identities: new Topic<GpuIdentity[]>([]), frames: new Topic<GpuFrame | null>(null), daemons: new Topic<MpsDaemon[]>([]), hold: new Topic<Hold | null>(null),
      engines: {
        list: this.#engines, addTemporary: absent, start: absent, stop: absent, remove: absent, preview: absent, previewStop: absent, previewCopy: absent, tail: absent, processes: absent, relaunch: absent, folderOf: absent, doors: absent,
      },
      mps: { start: absent, stop: absent, preview: absent, afterlife: absent },
      openGenerator: (how) => openGenerator({ ...how, host: parts.host, clock: systemClock, log: silentLog, programPath: GENERATOR }),
      foundEngines: () => [], cpus: absent, cpusOf: absent, describe: absent, cudaVersion: absent, previewCudaVersion: absent, previewGenerator: absent, simulated: false, scene: null, throwaway: null, programs: { generator: GENERATOR, afterlife: '' },
    }
  }

  /** One engine with a model of so many layers, as the single engine of an arm; loaded, and idle until load comes. */
  async load(arm: Arm, layers: number): Promise<Residents & { close(): Promise<void> }> {
    const { host, folder, cpu, llama } = this.#parts
    const modelPath = join(folder, `${layers}-layers.gguf`)
    await writeFile(modelPath, randomModel(1, { layers }), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const spec = specOf(arm.id, { executable: llama.argv[0] ?? '', modelPath, cpu })
    const port = await freePort()
    const argv = llamaServer.argv(spec, port)
    const ended = Promise.withResolvers<never>()
    ended.promise.catch(() => {})
    const talk = host.converse({
      argv, cpus: cpu, why: 'an engine of the benchmark', onLine: () => {},
      onEnd: ({ lastLines }) => {
        this.#engines.set(this.#engines.value.filter(({ id }) => id !== arm.id))
        ended.reject(new Error(`llama-server ended: ${lastLines.join('\n')}`))
      },
    })
    const url = `http://127.0.0.1:${port}`
    await Promise.race([healthy(`${url}/health`), ended.promise])
    this.#engines.set([...this.#engines.value, engineOf(arm.id, spec, talk.pid, port)])
    const target = { engineName: spec.name, url, model: null, apiKey: null }
    return { arm, engines: [{ id: arm.id, spec, target, capacity: declaredCapacity(spec), preview: host.preview({ argv, why: 'an engine of the benchmark' }), modelRevision: null }], close: () => talk.close() }
  }
}

/** Every prompt is new, so nothing may be answered from a cache. */
function specOf(name: string, { executable, modelPath, cpu }: { executable: string; modelPath: string; cpu: string | null }): LlamaServerSpec {
  return {
    recipe: 'llamaServer', name, gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: cpu, port: null, env: {}, cwd: null,
    restartBudget: 0, readyWithinSeconds: READY_MS / 1000, executable, modelPath, contextTokens: 1024, slots: 2, gpuLayers: 0,
    extraArguments: ['--threads', '1', '--threads-batch', '1', '--cache-ram', '0', '--no-cache-prompt', '--no-webui', '--no-slots'],
  }
}

/** Without a GPU and without a daemon nobody can be an MPS client. */
function engineOf(id: string, spec: LlamaServerSpec, pid: number, port: number): Engine {
  const nowMs = systemClock.now()
  return {
    id, colour: 0, spec, temporary: true, state: 'ready', sinceMs: nowMs, readiness: null, pid, startedAtMs: nowMs, loadedInMs: null, adopted: false, port, pids: [pid], gpuMemoryMiB: null,
    attachment: { state: 'notAttached', reason: 'notAsked', sentence: 'There is no GPU.', evidence: [], restartHelps: false },
    rates: { generatedTokensPerSecond: null, promptTokensPerSecond: null, requestsRunning: null, requestsWaiting: null, source: null, counting: null, readAtMs: null },
    restarts: { used: 0, budget: 0, windowMs: 0 }, lastExit: null, fault: null, memoryNeed: null,
  }
}

async function healthy(url: string): Promise<void> {
  for (const untilMs = performance.now() + READY_MS; performance.now() < untilMs; await systemClock.sleep(50)) {
    if (await fetch(url).then(({ ok }) => ok, () => false)) return
  }
  throw new Error(`llama-server was not ready within ${READY_MS} ms`)
}

function freePort(): Promise<number> {
  const free = Promise.withResolvers<number>()
  const server = createServer().on('error', free.reject).listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => free.resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return free.promise
}
