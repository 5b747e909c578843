// Engines that Overlap did not start, as the whole workstation sees them: discovery × owners × prediction, and the way to make one its own.
import { join } from 'node:path'
import type { CommandPreview } from '../../shared/command.ts'
import type { EngineSpec } from '../../shared/engine.ts'
import type { Arm, Hold, Prediction } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'
import type { FoundEngine } from '../../shared/foundEngine.ts'
import type { Load } from '../../shared/load.ts'
import { predictArms } from './advisor/predict/predict.ts'
import { Discovery } from './engines/discovery.ts'
import { comparedEnvironments, ownEnvironment } from './engines/draft.ts'
import { launchCommand } from './engines/launch.ts'
import { RunFolder } from './engines/runFolder.ts'
import { killPreviews } from './engines/stopping.ts'
import type { Supervisor } from './engines/supervisor.ts'
import { idOf, runOf, type Adoptable } from './engines/takeIn.ts'
import { loadOf } from './experiments/plan.ts'
import { readPresets } from './experiments/presets.ts'
import type { Sampler } from './gpu/sampler.ts'
import { refuseWhileHeld } from './hold.ts'
import type { Host, Tools } from './host/host.ts'
import type { ProcessTable } from './host/processTable.ts'
import type { Procfs } from './host/procfs.ts'
import type { Clock } from './kit/clock.ts'
import type { Log } from './kit/log.ts'
import type { Topic } from './kit/topic.ts'
import { DEFAULT_PIPE_DIRECTORY } from './mps/detect.ts'
import type { GpuDaemons } from './mps/gpuDaemons.ts'
import { foundSightings } from './owners/found.ts'
import type { Observed } from './owners/owners.ts'

export interface FoundEnginesParts {
  host: Host
  clock: Clock
  log: Log
  procfs: Procfs
  tools: Tools
  gpu: Sampler
  mps: GpuDaemons
  engines: Supervisor
  hold: Topic<Hold | null>
  stateDirectory: string
  presetsFolder: string
  programs: { keeper: string }
  uid: number
}

/** The preset whose load and arms the prediction is for: the same as the offer beside an engine of one's own. */
const PRESET = 'demo'

export class FoundEngines {
  readonly #parts: FoundEnginesParts
  readonly #discovery: Discovery
  /** null: not read yet, or not there. */
  #asked: { arms: Arm[]; load: Load } | null = null
  #predictions = new Map<string, Prediction | null>()

  constructor(parts: FoundEnginesParts) {
    this.#parts = parts
    const { host, clock, procfs, stateDirectory, tools, uid, engines } = parts
    this.#discovery = new Discovery({ host, clock, procfs, stateDirectory, toolsEnv: tools.env, uid, own: () => engines.facts })
    void this.#readPreset().catch((error: unknown) => parts.log.warn('no gain is predicted for found engines: the preset cannot be read', { error: String(error) }))
  }

  get found(): Topic<FoundEngine[]> {
    return this.#discovery.found
  }

  /** Name of one; null: none. */
  loadingOn(gpuUuid: string): string | null {
    return this.#discovery.loading.find((spec) => spec.gpuUuid === gpuUuid)?.name ?? null
  }

  /** Once a second. */
  tick(observed: Omit<Observed, 'engines' | 'table'> & { table: ProcessTable | null }): void {
    this.#discovery.tick(observed.table)
    this.#discovery.observe(foundSightings(this.#discovery.facts, observed, this.#parts.gpu.identities.value.map(({ uuid }) => uuid)), (spec) => this.#predict(spec))
  }

  /** Throws NOT_FOUND, what stands in the way of taking it over, or what Supervisor.takeIn throws. */
  async takeIn(id: string): Promise<string> {
    const taken = await this.#parts.engines.takeIn(this.#adoptable(id))
    this.#discovery.forget(id)
    return taken
  }

  /** Throws like takeIn. */
  previewTakeIn(id: string): { runs: CommandPreview; startsAgain: CommandPreview } {
    const adoptable = this.#adoptable(id)
    const { host, procfs, tools, programs, mps, stateDirectory } = this.#parts
    const { spec, port, argv, env, cwd, process } = adoptable
    const inherited = { ...host.environment, ...tools.env }
    const folder = new RunFolder(join(stateDirectory, 'engines', idOf(process, procfs.bootId())))
    const usable = spec.onMps && spec.gpuUuid !== null ? (mps.environment(spec.gpuUuid) ?? { pipeDirectory: env['CUDA_MPS_PIPE_DIRECTORY'] ?? DEFAULT_PIPE_DIRECTORY, daemonPid: null }) : null
    const start = launchCommand({ version: 1, runId: '', spec, port, mps: usable }, folder, programs.keeper, tools.env)
    const compared = comparedEnvironments(env, { ...host.environment, ...start.env }, ownEnvironment(env, inherited))
    return {
      runs: host.preview({ argv, env: compared.now, cwd, why: 'runs as' }),
      startsAgain: host.preview({ argv: start.argv.slice(start.argv.indexOf('--') + 1), env: compared.next, cwd: start.cwd, why: 'will be started again as' }),
    }
  }

  /**
   * Starts MPS where there is none, takes it over and restarts it as a client. The new engine's id. What the daemon refuses leaves the engine as it
   * was; what the restart refuses leaves it taken over. Throws like takeIn, mps.start and Supervisor.putOnMps, and BAD_INPUT for one that uses no GPU.
   */
  async putOnMps(id: string): Promise<string> {
    const { mps, engines, hold } = this.#parts
    const { gpuUuid } = this.#onGpu(id)
    if (mps.environment(gpuUuid) === null) {
      await mps.on(gpuUuid).start()
      refuseWhileHeld(hold.value) // a start takes its time
    }
    const taken = await this.takeIn(id)
    await engines.putOnMps(taken)
    return taken
  }

  /** Throws like takeIn, and BAD_INPUT for one that uses no GPU. */
  async previewOnMps(id: string): Promise<CommandPreview[]> {
    const { adoptable, gpuUuid } = this.#onGpu(id)
    const { host, mps, clock, procfs, programs, tools, stateDirectory } = this.#parts
    const daemon = mps.on(gpuUuid)
    const usable = mps.environment(gpuUuid)
    const { pipeDirectory } = daemon.state.value
    const spec: EngineSpec = { ...adoptable.spec, onMps: true }
    const run = runOf(adoptable, null, procfs.bootId(), clock)
    const plan = { ...run.plan, spec, mps: usable ?? { pipeDirectory, daemonPid: null } }
    const folder = new RunFolder(join(stateDirectory, 'engines', idOf(adoptable.process, procfs.bootId())))
    return [
      ...(usable === null ? daemon.preview({ action: 'start', forceAfterSeconds: null, limits: null }) : []),
      ...killPreviews(spec.name, run, []),
      host.preview(launchCommand(plan, folder, programs.keeper, tools.env)),
    ]
  }

  #onGpu(id: string): { adoptable: Adoptable; gpuUuid: string } {
    const adoptable = this.#adoptable(id)
    const { gpuUuid, name } = adoptable.spec
    if (gpuUuid === null) throw new FaultError('BAD_INPUT', `Which GPU ${name} uses is not known, so it cannot be put on MPS.`, 'Wait until nvidia-smi lists its processes.', { field: 'id' })
    return { adoptable, gpuUuid }
  }

  #adoptable(id: string): Adoptable {
    const found = this.found.value.find((one) => one.id === id)
    const adoptable = this.#discovery.adoptable(id)
    if (found?.obstacle) throw FaultError.of(found.obstacle)
    if (!found || !adoptable) throw new FaultError('NOT_FOUND', 'No such engine runs here.', 'Look at the engines that were found: it may have ended.', { field: 'id' })
    return adoptable
  }

  async #readPreset(): Promise<void> {
    const preset = (await readPresets(this.#parts.presetsFolder)).find(({ name }) => name === PRESET)
    if (preset) this.#asked = { arms: preset.file.arms, load: loadOf(preset.file, {}) }
  }

  /** Of two copies under MPS; null until its GPU is known. Asked for every second, so kept by what it rests on. */
  #predict(spec: EngineSpec): Prediction | null {
    const gpu = this.#parts.gpu.identities.value.find(({ uuid }) => uuid === spec.gpuUuid)
    const asked = this.#asked
    if (!gpu || asked === null) return null
    const key = JSON.stringify([spec, gpu])
    const known = this.#predictions.get(key)
    if (known !== undefined) return known
    const mps = asked.arms.find(({ kind }) => kind === 'mps')
    const prediction = predictArms({ gpu, engine: spec, arms: asked.arms, load: asked.load, point: {} }).find(({ armId }) => armId === mps?.id) ?? null
    if (this.#predictions.size > 100) this.#predictions.clear()
    this.#predictions.set(key, prediction)
    return prediction
  }
}
