// The product without a face: builds every room, joins them once a second, and answers the contract. Rooms do not know each other;
// what one needs of another passes through here.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Advice } from '../../shared/advice.ts'
import { PROTOCOL_VERSION, type Greeting, type OwnCost, type PlainHttp } from '../../shared/contract.ts'
import type { Engine, EngineSpec } from '../../shared/engine.ts'
import type { Hold } from '../../shared/experiment.ts'
import { FaultError, type Fault } from '../../shared/fault.ts'
import { adviceOn } from './advisor/advisor.ts'
import { weightsMiBOf } from './advisor/predict/shapes.ts'
import type { Answering, PlainHttpSwitch } from './answers.ts'
import { dropWithEngines, seriesOfEngines } from './engineSeries.ts'
import { memoryNeededMiB, modelOf } from './engines/capacity.ts'
import { Supervisor } from './engines/supervisor.ts'
import { Experiments } from './experiments/experiments.ts'
import type { Throwaway } from './experiments/journal.ts'
import { FoundEngines } from './foundEngines.ts'
import { History } from './gpu/history.ts'
import { seriesOf } from './gpu/liveSeries.ts'
import { Sampler } from './gpu/sampler.ts'
import type { Host, Tools } from './host/host.ts'
import { LocalHost } from './host/localHost.ts'
import { Procfs } from './host/procfs.ts'
import type { Clock } from './kit/clock.ts'
import { Disposer } from './kit/disposer.ts'
import type { Log } from './kit/log.ts'
import { Topic } from './kit/topic.ts'
import { labOf } from './labOf.ts'
import { GpuDaemons } from './mps/gpuDaemons.ts'
import { ownersOf } from './owners/owners.ts'
import { Reports } from './store/reports.ts'
import { Settings } from './store/settings.ts'

const TICK_MS = 1000
/** nvidia-smi: 9 the driver is not loaded, 12 its library is missing. */
const NO_DRIVER_EXIT_CODES = [9, 12]
/** Of requests under way when all engines are stopped. */
const DRAIN_SECONDS = 10
/** How long `begin` waits for the first sight of a GPU before it opens a scene without. */
const FIRST_GPU_MS = 20_000

const NO_DOOR: PlainHttpSwitch = {
  now: new Topic<PlainHttp>({ address: null, canClose: false }),
  set: () => Promise.reject(new FaultError('WRONG_STATE', 'This Overlap has no plain HTTP door.', 'Start it with `npm start -- --headless`, or in a window.')),
}

/** What a scene does at its start, as a user would: the same calls. */
export interface Opening {
  startMps: boolean
  startEngines: boolean
  engines: EngineSpec[]
}

export interface WorkstationParts {
  stateDirectory: string
  /** Programs that are started by path, wherever this file was bundled to: what holds an engine, what makes load, what tidies up after a killed core. */
  programs: { keeper: string; generator: string; afterlife: string }
  /** Folder of the presets. */
  presetsFolder: string
  tools: Tools
  /** null: the real machine. */
  scene: string | null
  /** What it shows. */
  sceneSentence?: string | null
  /** See Lab. */
  throwaway?: Throwaway | null
  opening: Opening
  clock: Clock
  log: Log
  version: string
}

export class Workstation implements Answering {
  /** null: not known yet, or nobody reads it. */
  readonly cost = new Topic<OwnCost | null>(null)
  readonly advice = new Topic<Advice[]>([])
  readonly gpu: Sampler
  readonly history = new History()
  readonly mps: GpuDaemons
  readonly engines: Supervisor
  readonly found: FoundEngines
  readonly host: Host
  readonly hold = new Topic<Hold | null>(null)
  readonly reports: Reports
  readonly experiments: Experiments
  /** Set by the entry that has such a door, before the first answers. */
  plainHttp: PlainHttpSwitch = NO_DOOR
  /** Resolves when leftovers are tidied up and a scene's engines are on their way. */
  opened: Promise<void> = Promise.resolve()
  readonly #parts: WorkstationParts
  readonly #settings: Settings
  readonly #procfs: Procfs
  readonly #disposer = new Disposer()
  readonly #startedAtMs: number
  readonly #uid = process.getuid?.() ?? 0
  #closing = false
  /** At the last tick; null: nobody read the cost then. */
  #spent: { steadyMs: number; cpu: NodeJS.CpuUsage; toolSeconds: number } | null = null
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })

  private constructor(parts: WorkstationParts, settings: Settings, host: LocalHost) {
    const { clock, log, tools, stateDirectory } = parts
    this.#parts = parts
    this.#settings = settings
    this.#startedAtMs = clock.now()
    this.reports = Reports.open(join(stateDirectory, 'reports.db'))
    this.#disposer.add(() => this.reports.close())
    this.#procfs = new Procfs({ clock })
    this.host = host
    this.#disposer.add(() => host.close())
    this.gpu = new Sampler({ host, tools, clock, log })
    this.mps = new GpuDaemons({
      host, tools, clock, log, procfs: this.#procfs, settings, stateDirectory, uid: this.#uid,
      nameOf: (pid) => this.#engineOf(pid)?.spec.name ?? null,
      onTheirWay: (gpuUuid) => this.engines.engines.value.flatMap(({ spec, state }) => (spec.onMps && spec.gpuUuid === gpuUuid && state === 'starting' ? [spec.name] : [])),
    })
    this.engines = new Supervisor({
      host, clock, log, procfs: this.#procfs, settings, stateDirectory, toolsEnv: tools.env, keeperPath: parts.programs.keeper,
      surroundings: {
        mpsEnvironment: (gpuUuid) => this.mps.environment(gpuUuid),
        releaseMpsClients: (gpuUuid, pids) => this.mps.on(gpuUuid).terminateClients(pids),
        // until the GPUs are known, a start is not refused for a GPU that has not been seen yet
        gpuExists: (gpuUuid) => this.gpu.identities.value.length === 0 || this.gpu.identities.value.some((gpu) => gpu.uuid === gpuUuid),
        mayRestart: () => this.hold.value === null,
        mpsLimits: (gpuUuid) => this.mps.daemons.value.find((daemon) => daemon.gpuUuid === gpuUuid)?.limits ?? null,
        memoryNeededMiB: (spec) => memoryNeededMiB(spec, spec.recipe === 'vllm' ? weightsMiBOf(modelOf(spec)) : null, this.gpu.identities.value.find(({ uuid }) => uuid === spec.gpuUuid)?.memoryTotalMiB ?? null),
        loadingElsewhere: (gpuUuid) => this.found.loadingOn(gpuUuid),
      },
    })
    const { gpu, mps, engines, hold } = this
    const lab = labOf({ host, clock, log, tools, procfs: this.#procfs, gpu, mps, engines, foundEngines: () => this.found.found.value, hold, stateDirectory, scene: parts.scene, throwaway: parts.throwaway ?? null, version: parts.version, programs: parts.programs })
    this.found = new FoundEngines({ ...parts, host, procfs: this.#procfs, gpu, mps, engines, hold, uid: this.#uid })
    this.experiments = new Experiments({ lab, reports: this.reports, presetsFolder: parts.presetsFolder })
  }

  static async open(parts: WorkstationParts): Promise<Workstation> {
    const settings = await Settings.open(parts)
    const host = new LocalHost({ log: parts.log, clock: parts.clock, stateDirectory: parts.stateDirectory })
    const workstation = new Workstation(parts, settings, host)
    await workstation.engines.open()
    return workstation
  }

  /**
   * Whether this may be a machine with a GPU: for the choice between the real and the simulated workstation. False only where there is
   * no nvidia-smi, no driver or no GPU; a driver that hangs or a GPU that is lost is a real machine in trouble, and must be shown as one.
   */
  static async mayHaveGpu(nvidiaSmi: readonly string[], log: Log, clock: Clock, aborted?: AbortSignal): Promise<boolean> {
    const host = new LocalHost({ log, clock })
    try {
      const { exitCode, stdout } = await host.run({ argv: [...nvidiaSmi, '-L'], why: 'see whether there is a GPU', timeoutMs: 20_000, ...(aborted ? { aborted } : {}) })
      return exitCode === 0 || !(NO_DRIVER_EXIT_CODES.includes(exitCode ?? 0) || stdout.includes('No devices were found'))
    } catch (error) {
      return !(error instanceof FaultError && error.fault.code === 'TOOL_MISSING')
    } finally {
      await host.close()
    }
  }

  /** Starts watching; after the door is open, so that the first frame is seen by whoever waits for it. */
  begin(): void {
    const { clock, log } = this.#parts
    this.#disposer.add(() => void this.#delay.disable())
    this.#disposer.add(this.gpu.identities.subscribe((identities) => this.mps.set(identities)))
    this.#disposer.add(this.gpu.frames.subscribe((frame) => frame && this.history.add(frame.atMs, { ...seriesOf(frame), ...seriesOfEngines([...this.engines.engines.value, ...this.found.found.value]) })))
    this.#disposer.add(dropWithEngines([this.engines.engines, this.found.found], this.history))
    this.gpu.start()
    this.#disposer.add(clock.every(TICK_MS, () => this.#tick()))
    this.opened = this.#open().catch((error: unknown) => log.error('the scene could not be opened', { error }))
  }

  greeting(): Greeting {
    return {
      protocolVersion: PROTOCOL_VERSION,
      version: this.#parts.version,
      hostName: hostname(),
      simulated: this.#parts.scene !== null,
      scene: this.#parts.scene,
      sceneSentence: this.#parts.sceneSentence ?? null,
      stateDirectory: this.#parts.stateDirectory,
      uid: this.#uid,
      startedAtMs: this.#startedAtMs,
      faults: [this.#settings.fault, this.reports.fault].filter((fault): fault is Fault => fault !== null),
    }
  }

  inherited(): Record<string, string> {
    return this.host.preview({ argv: [], env: { ...this.host.environment }, why: 'what every command inherits' }).env
  }

  get wantsPlainHttp(): boolean {
    return this.#settings.document.plainHttp
  }

  rememberPlainHttp(open: boolean): Promise<void> {
    return this.#settings.change((document) => ({ ...document, plainHttp: open }))
  }

  runningEngines(): Engine[] {
    return this.engines.engines.value.filter((engine) => engine.pid !== null)
  }

  /** Resolves when they are gone, or at the latest 15 s after their drain time: an engine stuck in the kernel keeps nobody here. */
  async stopEngines(): Promise<void> {
    const done = new AbortController()
    const stopped = this.engines.stopAll({ drainSeconds: DRAIN_SECONDS })
    await Promise.race([stopped, this.#parts.clock.sleep((DRAIN_SECONDS + 15) * 1000, done.signal)]).finally(() => done.abort())
  }

  /** In words, for the terminal: engines go on, and a daemon that they need goes on with them. */
  leftRunning(): string[] {
    const engines = this.engines.facts.flatMap(({ run, spec }) => (run ? [`engine ${spec.name} (pid ${run.pid})`] : []))
    const daemons = this.mps.daemons.value.filter((daemon) => daemon.ownership === 'overlap' && daemon.daemonPid !== null)
    return [...engines, ...daemons.map((daemon) => `the MPS daemon of GPU ${daemon.gpuIndex} (pid ${daemon.daemonPid})`)]
  }

  /** Ends everything that was started except engines, and the daemons that running engines are meant to use. An experiment is cancelled first. */
  async close(): Promise<void> {
    this.#closing = true
    await this.experiments.close()
    await this.engines.close()
    const used = new Set(this.engines.facts.filter(({ run, spec }) => run !== null && spec.onMps).map(({ spec }) => spec.gpuUuid))
    await this.mps.stopUnused((gpuUuid) => used.has(gpuUuid))
    await this.gpu.close()
    await this.mps.close()
    await this.#disposer.close()
  }

  #engineOf(pid: number): Engine | undefined {
    return this.engines.engines.value.find((engine) => engine.pids.includes(pid))
  }

  #tick(): void {
    const table = this.#procfs.processTable()
    this.engines.tick()
    this.mps.check(table)
    const frame = this.gpu.frames.value
    const daemons = this.mps.daemons.value
    const observed = { table, gpuProcesses: frame?.processes ?? null, daemons, uid: this.#uid }
    this.engines.observe(ownersOf({ ...observed, engines: this.engines.facts }).byEngine)
    this.found.tick(observed)
    this.advice.set(adviceOn({ identities: this.gpu.identities.value, frame, daemons, engines: this.engines.engines.value }))
    this.#count()
  }

  /** Only while somebody reads it: the watch over the event loop alone would wake an idle core fifty times a second. */
  #count(): void {
    const before = this.#spent
    if (this.cost.readers === 0) {
      if (before !== null) this.#delay.disable()
      this.#spent = null
      return this.cost.set(null)
    }
    const steadyMs = this.#parts.clock.steady()
    const cpu = process.cpuUsage()
    const toolSeconds = this.gpu.toolPids().reduce((sum, pid) => sum + (this.#procfs.cpuSeconds(pid) ?? 0), 0)
    if (before === null) this.#delay.enable()
    else if (steadyMs > before.steadyMs) {
      const elapsedMs = steadyMs - before.steadyMs
      const spentMs = (cpu.user + cpu.system - before.cpu.user - before.cpu.system) / 1000
      this.cost.set({
        atMs: this.#parts.clock.now(),
        corePercent: (100 * spentMs) / elapsedMs,
        // a tool that was started anew began to count from zero
        toolsPercent: toolSeconds >= before.toolSeconds ? (100_000 * (toolSeconds - before.toolSeconds)) / elapsedMs : null,
        residentMiB: process.memoryUsage.rss() / 1024 / 1024,
        eventLoopDelayP99Ms: this.#delay.percentile(99) / 1e6,
      })
    }
    this.#delay.reset()
    this.#spent = { steadyMs, cpu, toolSeconds }
  }

  /** A scene's own engines: added once, kept as the scene has them while they rest, started in order. */
  async #open(): Promise<void> {
    const { opening, scene } = this.#parts
    await this.experiments.tidyLeftovers()
    if (scene === null) return
    for (const spec of opening.engines) {
      const known = this.engines.engines.value.find((engine) => engine.spec.name === spec.name)
      if (!known) await this.engines.add(spec)
      else if (known.pid === null) await this.engines.change(known.id, spec)
    }
    await this.#gpusSeen()
    if (opening.startMps) await Promise.allSettled(this.mps.daemons.value.filter((daemon) => daemon.state !== 'running').map((daemon) => this.mps.on(daemon.gpuUuid).start()))
    if (opening.startEngines && !this.#closing) {
      const names = new Set(opening.engines.map((spec) => spec.name))
      for (const engine of this.engines.engines.value) if (names.has(engine.spec.name) && engine.pid === null) await this.engines.start(engine.id)
    }
  }

  #gpusSeen(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => this.gpu.identities.value.length > 0 && done()
      const off = this.gpu.identities.subscribe(look)
      const cancel = this.#parts.clock.after(FIRST_GPU_MS, done)
      function done() {
        cancel()
        off()
        // after this subscriber's neighbours have seen the GPUs too
        queueMicrotask(resolve)
      }
      look()
    })
  }
}
