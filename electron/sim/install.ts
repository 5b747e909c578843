// Puts a scene into a folder and says how to start what is in it. Starts nothing, except what a scene calls somebody else's.
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
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

function specOf(engine: SceneEngine, gpus: readonly Gpu[], env: Record<string, string>, program: (name: string) => string[]): EngineSpec {
  const argv = [
    ...program('engine.ts'), '--port', '{port}', '--model', engine.model, '--max-num-seqs', String(engine.maxSequences), '--load', String(engine.selfLoad),
    '--load-seconds', String(engine.loadSeconds), '--gpu-memory-utilization', String(engine.memoryShare),
    ...(engine.ignoresSigterm ? ['--ignore-sigterm'] : []), ...(engine.outOfMemory ? ['--oom'] : []),
  ]
  return {
    recipe: 'custom', name: engine.name, gpuUuid: gpus[engine.gpuIndex]?.uuid ?? null, onMps: engine.onMps, sharePercent: null, port: null, env, cwd: null,
    restartBudget: 3, readyWithinSeconds: 30 + engine.loadSeconds, argv, healthPath: '/health', metricsPath: '/metrics', openAi: true,
  }
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
  const env: Record<string, string> = { OVERLAP_SIM: folder.path, ...(process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {}) }
  const program = startedFrom(programs)
  const tools = { nvidiaSmi: program('nvidiaSmi.ts'), mpsControl: program('mpsControl.ts'), env }
  const gpus = folder.gpus(file)
  const foreign = folder.misbehaviour(file).foreignDaemon ? await startForeignDaemon(folder, tools) : null
  return {
    scene: sceneName, sentence: scene.sentence, tools, engines: scene.engines.map((engine) => specOf(engine, gpus, env, program)),
    opening: scene.opening, gpuCount: gpus.length, gpuUuids: gpus.map(({ uuid }) => uuid), close: async () => foreign?.(),
  }
}

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
