// Puts a scene into a folder and says how to start what is in it. Starts nothing, except what a scene calls somebody else's.
import { execFile, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { EngineSpec } from '../../shared/engine.ts'
import { Folder, type Gpu } from './folder.ts'
import { DEFAULT_SCENE, isSceneName, SCENES, type Misbehaviour, type Scene, type SceneEngine, type SceneName } from './scenes.ts'

export interface Installed {
  scene: SceneName
  /** One sentence: what is simulated. */
  sentence: string
  tools: { nvidiaSmi: string[]; mpsControl: string[]; env: Record<string, string> }
  /** What the scene brings; a user's own engines stand beside them. */
  engines: EngineSpec[]
  opening: { startMps: boolean; startEngines: boolean }
  gpuCount: number
  gpuUuids: string[]
  /** Ends what install itself started. Tools, daemons and engines that were started through `tools` are not its business. */
  close(): Promise<void>
}

export interface InstallOptions {
  /** Absolute, or relative to the working directory; kept between runs. */
  folder: string
  /** null: the default scene. Throws RangeError for a name that is none. */
  scene?: string | null
  /** Instead of the scene's own; for tests. */
  misbehaviour?: Misbehaviour
  /** Folder of the stand-ins, when this file was bundled elsewhere. */
  programs?: string
}

/** How a stand-in of `programs` is started. start.mjs names the pinned Node: under Electron, this program is none that runs `.ts`. */
const startedFrom = (programs: string) => (name: string): string[] => [process.env['OVERLAP_NODE'] ?? process.execPath, join(programs, name)]

function specOf(engine: SceneEngine, gpus: readonly Gpu[]): EngineSpec {
  return {
    recipe: 'vllm', name: engine.name, gpuUuid: gpus[engine.gpuIndex]?.uuid ?? null, onMps: engine.onMps, sharePercent: engine.sharePercent ?? null, pinnedMemoryLimitMiB: engine.pinnedMemoryLimitMiB ?? null, clientPriority: null, cpus: null,
    port: null, cwd: null, restartBudget: 3, readyWithinSeconds: 30 + engine.loadSeconds,
    env: {
      OVERLAP_SIM_LOAD: String(engine.selfLoad), OVERLAP_SIM_LOAD_SECONDS: String(engine.loadSeconds),
      ...(engine.coldSeconds ? { OVERLAP_SIM_COLD_SECONDS: String(engine.coldSeconds) } : {}),
      ...(engine.ignoresSigterm ? { OVERLAP_SIM_IGNORE_SIGTERM: '1' } : {}), ...(engine.outOfMemory ? { OVERLAP_SIM_OUT_OF_MEMORY: '1' } : {}),
    },
    executable: 'vllm', model: engine.model, gpuMemoryUtilization: null, kvCacheMemoryMiB: engine.kvCacheMemoryMiB, maxSequences: engine.maxSequences, maxModelTokens: null,
    asyncScheduling: false, streamIntervalTokens: null, extraArguments: [],
  }
}

/**
 * Writes `vllm` into a folder of its own, and gives the PATH that finds it there first. Folders of npm and of an AppImage are not handed on.
 * To a shell it is a script that runs itself with Node, to Node the stand-in: its command line then reads `node …/vllm serve`, as the real one's reads `python …/vllm serve`.
 */
function putOnPath(folder: string, [node = '', program = '']: readonly string[]): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'vllm.new'), `#!/bin/sh\n':' //; exec '${node.replaceAll("'", String.raw`'\''`)}' "$0" "$@"\nimport(${JSON.stringify(pathToFileURL(program).href)})\n`, { mode: 0o755 })
  renameSync(join(bin, 'vllm.new'), join(bin, 'vllm')) // one that starts just now reads the old one to its end
  const appDir = process.env['APPDIR']
  const ours = (entry: string) => /\/(?:node_modules\/\.bin|node-gyp-bin)\/?$/.test(entry) || (appDir !== undefined && entry.startsWith(appDir))
  return [bin, ...(process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).filter((entry) => entry !== bin && !ours(entry))].join(delimiter)
}

/** What the stand-ins, programs of Node, need or are started faster with. */
function handedOn(): Record<string, string> {
  const cache = process.env['NODE_COMPILE_CACHE']
  return { ...(process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {}), ...(cache ? { NODE_COMPILE_CACHE: cache } : {}) }
}

/** Again over the same folder: the same scene, opened anew; engines and daemons that still live are kept. */
export async function install({ folder: path, scene: name = null, misbehaviour, programs = import.meta.dirname }: InstallOptions): Promise<Installed> {
  const sceneName = name ?? DEFAULT_SCENE
  if (!isSceneName(sceneName)) throw new RangeError(`No scene is called "${sceneName}". There are: ${Object.keys(SCENES).join(', ')}.`)
  const scene: Scene = SCENES[sceneName]
  const folder = new Folder(resolve(path))
  mkdirSync(folder.path, { recursive: true })
  const file = { name: sceneName, openedAtMs: Date.now(), misbehaviour: misbehaviour ?? null }
  folder.openScene(file)
  const program = startedFrom(programs)
  const env: Record<string, string> = { OVERLAP_SIM: folder.path, PATH: putOnPath(folder.path, program('engine.ts')), ...handedOn() }
  const tools = { nvidiaSmi: program('nvidiaSmi.ts'), mpsControl: program('mpsControl.ts'), env }
  const gpus = folder.gpus(file)
  if (scene.running !== undefined) await startRunning(folder, specOf(scene.running, gpus), scene.running.port, env)
  const foreign = folder.misbehaviour(file).foreignDaemon ? await startForeignDaemon(folder, tools) : null
  return {
    scene: sceneName, sentence: scene.sentence, tools, engines: scene.engines.map((engine) => specOf(engine, gpus)),
    opening: scene.opening, gpuCount: gpus.length, gpuUuids: gpus.map(({ uuid }) => uuid), close: async () => foreign?.(),
  }
}

/** As somebody would have in a terminal, before the product; it outlives the product as every engine does. One that still lives from an earlier opening is enough. */
async function startRunning(folder: Folder, spec: EngineSpec, wantedPort: number, env: Record<string, string>): Promise<void> {
  const scene = folder.scene()
  if (spec.recipe !== 'vllm' || scene === null || folder.gpus(scene).some(({ index }) => folder.tenants(index).length > 0)) return
  const port = (await freePort(wantedPort)) ?? (await freePort(0)) ?? wantedPort
  const log = openSync(join(folder.path, 'somebody.log'), 'a')
  const args = ['serve', spec.model, '--port', String(port), '--max-num-seqs', String(spec.maxSequences), '--kv-cache-memory-bytes', `${spec.kvCacheMemoryMiB}M`, '--gpu-memory-utilization', '0.05', '--no-async-scheduling']
  spawn(join(folder.path, 'bin', 'vllm'), args, { env: { ...process.env, ...env, ...spec.env }, cwd: folder.path, detached: true, stdio: ['ignore', log, log] }).on('error', () => {}).unref()
  closeSync(log)
}

const freePort = (wanted: number): Promise<number | null> => new Promise((resolve) => {
  const server = createServer().once('error', () => resolve(null)).listen({ port: wanted, host: '127.0.0.1' }, () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address ? address.port : null))
  })
})

/** Returns how to end it. */
async function startForeignDaemon(folder: Folder, tools: Installed['tools']): Promise<() => Promise<void>> {
  const pipeDirectory = join(folder.path, 'foreign')
  const env = { ...process.env, ...tools.env, CUDA_MPS_PIPE_DIRECTORY: pipeDirectory, CUDA_MPS_LOG_DIRECTORY: join(folder.path, 'foreign-log') }
  const [executable = '', ...args] = tools.mpsControl
  const control = async (more: readonly string[]): Promise<void> => {
    await promisify(execFile)(executable, [...args, ...more], { env, timeout: 20_000 }).catch(() => {}) // already running, or already gone
  }
  await control(['-d'])
  await control(['start_server -uid 0'])
  return () => control(['quit -t 0'])
}
