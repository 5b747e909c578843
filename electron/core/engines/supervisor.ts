// All engines of the workstation: which there are, whose turn it is to load, and every wish a user may have. Each engine's own
// life is in engine.ts.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { CommandPreview } from '../../../shared/command.ts'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { Host } from '../host/host.ts'
import { freePort, portTaken } from '../host/ports.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Topic } from '../kit/topic.ts'
import type { Settings } from '../store/settings.ts'
import { LocalEngine } from './engine.ts'
import { LogReader } from './engineLog.ts'
import type { EngineParts, Sighting } from './engineParts.ts'
import { KEEPER_PATH, planStart, type Surroundings } from './launch.ts'
import { checkSpec } from './recipes/recipes.ts'
import type { StartPlan } from './runFolder.ts'

export interface SupervisorParts {
  host: Host
  clock: Clock
  log: Log
  procfs: Procfs
  settings: Settings
  stateDirectory: string
  surroundings: Surroundings
  /** Tools.env: added to every engine's environment. */
  toolsEnv?: Record<string, string>
  /** Where the keeper's entry lies when it was bundled. */
  keeperPath?: string
}

/** What joins pids to engines: one for every engine, running or not. */
export interface EngineFacts {
  id: string
  spec: EngineSpec
  /** Null: it does not run. */
  run: { pid: number; startTicks: number; mps: StartPlan['mps'] } | null
}

const MOST_ENGINES = 64
/** How long a restart lets requests finish. */
const RESTART_DRAIN_SECONDS = 10

export class Supervisor {
  /** Sorted as they were added. */
  readonly engines = new Topic<Engine[]>([])
  readonly #parts: SupervisorParts
  readonly #engineParts: EngineParts
  #all = new Map<string, LocalEngine>()
  /** Ports that a preview has named, kept for the start that follows. */
  #previewed = new Map<string, number>()
  #publishing = false
  #closed = false

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    const { host, clock, log, procfs, surroundings, toolsEnv = {}, keeperPath = KEEPER_PATH } = parts
    this.#engineParts = {
      host, clock, log, procfs, surroundings, toolsEnv, keeperPath,
      portFor: (engine) => this.#portFor(engine),
      neighbours: (engine) => this.#neighbours(engine),
      onChange: () => this.#changed(),
    }
  }

  /** Takes over every engine that lives from an earlier run. */
  async open(): Promise<void> {
    for (const stored of this.#parts.settings.document.engines) this.#take(stored)
    await Promise.all([...this.#all.values()].map((engine) => engine.adopt()))
    this.#publish()
  }

  get facts(): EngineFacts[] {
    return [...this.#all.values()].map(({ id, spec, run }) => ({
      id, spec, run: run && { pid: run.engine.pid, startTicks: run.engine.startTicks, mps: run.plan.mps },
    }))
  }

  /** The new engine's id. Throws BAD_INPUT, PORT_TAKEN or TOO_MANY. */
  async add(spec: EngineSpec): Promise<string> {
    if (this.#all.size >= MOST_ENGINES) throw new FaultError('TOO_MANY', `There are ${MOST_ENGINES} engines already.`, 'Remove one that is no longer needed.')
    this.#check(spec, null)
    const colours = new Set([...this.#all.values()].map((engine) => engine.colour))
    let colour = 0
    while (colours.has(colour)) colour += 1
    const stored = { id: `e${randomUUID().slice(0, 8)}`, colour, spec }
    this.#take(stored)
    await this.#parts.settings.change((document) => ({ ...document, engines: [...document.engines, stored] })).catch((error: unknown) => {
      this.#all.delete(stored.id)
      throw error
    })
    this.#publish()
    return stored.id
  }

  /** Of a stopped or failed engine. */
  async change(id: string, spec: EngineSpec): Promise<void> {
    const engine = this.#at(id)
    this.#check(spec, engine)
    await this.#rest(engine, 'changed')
    await this.#respecify(engine, spec)
    this.#previewed.delete(id)
  }

  /** Its log goes too. */
  async remove(id: string): Promise<void> {
    const engine = this.#at(id)
    await this.#rest(engine, 'removed')
    await this.#parts.settings.change((document) => ({ ...document, engines: document.engines.filter((stored) => stored.id !== id) }))
    this.#all.delete(id)
    this.#previewed.delete(id)
    await engine.close()
    await engine.folder.remove()
    this.#publish()
  }

  /** Resolves when it is in the queue. Throws NOT_FOUND, MPS_NOT_RUNNING or WRONG_STATE. */
  async start(id: string): Promise<void> {
    const engine = this.#at(id)
    planStart(engine.spec, 1, this.#parts.surroundings)
    await engine.send({ name: 'start' })
  }

  /** Resolves when it was asked to end. Throws HELD while another engine on its GPU is loading. */
  async stop(id: string, { drainSeconds }: { drainSeconds: number }): Promise<void> {
    const engine = this.#at(id)
    this.#refuseWhileLoading(engine)
    await engine.send({ name: 'stop', drainSeconds })
  }

  /** Every engine at once, whoever is loading. Resolves when none runs any more. */
  async stopAll({ drainSeconds }: { drainSeconds: number }): Promise<void> {
    const all = [...this.#all.values()]
    const atRest = () => all.every(({ life }) => life.state === 'stopped' || (life.state === 'failed' && life.restartAtMs === null))
    await Promise.all(all.map((engine) => engine.send({ name: 'stop', drainSeconds }).catch(() => {}))) // WRONG_STATE: it rests already
    await new Promise<void>((resolve) => {
      const look = () => atRest() && (unsubscribe(), resolve())
      const unsubscribe = this.engines.subscribe(look)
      look()
    })
  }

  async restart(id: string): Promise<void> {
    const engine = this.#at(id)
    planStart(engine.spec, 1, this.#parts.surroundings)
    this.#refuseWhileLoading(engine)
    await engine.send({ name: 'restart', drainSeconds: RESTART_DRAIN_SECONDS })
  }

  /** From now on started as an MPS client; one that runs is restarted for it. Throws like start and restart. */
  async putOnMps(id: string): Promise<void> {
    const engine = this.#at(id)
    const spec = { ...engine.spec, onMps: true }
    planStart(spec, 1, this.#parts.surroundings)
    this.#refuseWhileLoading(engine)
    await this.#respecify(engine, spec)
    await engine.send(engine.run === null ? { name: 'start' } : { name: 'restart', drainSeconds: RESTART_DRAIN_SECONDS })
  }

  /** What start, stop or restart will run; the port it names is kept for the start. */
  async preview(id: string, action: 'start' | 'stop' | 'restart' | 'putOnMps'): Promise<CommandPreview[]> {
    const engine = this.#at(id)
    const stops = action === 'start' ? [] : engine.previewStop()
    if (action === 'stop') return stops
    const port = engine.spec.port ?? (await this.#pickPort(engine))
    this.#previewed.set(id, port)
    return [...stops, ...engine.previewStart(port, action === 'putOnMps' ? { ...engine.spec, onMps: true } : engine.spec)]
  }

  /** A reader of its own for each caller: `follow` goes on where `tail` ended. */
  log(id: string): { tail(lines: number): Promise<string[]>; follow(onLines: (lines: string[]) => void): () => void } {
    return new LogReader(this.#at(id).folder.logPath, this.#parts.clock)
  }

  observe(byEngine: ReadonlyMap<string, Sighting>): void {
    for (const engine of this.#all.values()) engine.observe(byEngine.get(engine.id) ?? null)
    this.#changed()
  }

  /** Once a second: liveness and metrics. */
  tick(): void {
    for (const engine of this.#all.values()) engine.tick()
  }

  /** Leaves the engines running. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all.values()].map((engine) => engine.close()))
  }

  async #respecify(engine: LocalEngine, spec: EngineSpec): Promise<void> {
    await this.#parts.settings.change((document) => ({ ...document, engines: document.engines.map((stored) => (stored.id === engine.id ? { ...stored, spec } : stored)) }))
    engine.spec = spec
    this.#publish()
  }

  #take(stored: { id: string; colour: number; spec: EngineSpec }): void {
    this.#all.set(stored.id, new LocalEngine(stored, join(this.#parts.stateDirectory, 'engines', stored.id), this.#engineParts))
  }

  #at(id: string): LocalEngine {
    const engine = this.#all.get(id)
    if (!engine) throw new FaultError('NOT_FOUND', `There is no engine ${id}.`, 'Look at the list of engines: it may have been removed.', { field: 'id' })
    return engine
  }

  #check(spec: EngineSpec, self: LocalEngine | null): void {
    checkSpec(spec)
    const others = [...this.#all.values()].filter((engine) => engine !== self)
    if (spec.gpuUuid !== null && spec.gpuUuid !== self?.spec.gpuUuid && !this.#parts.surroundings.gpuExists(spec.gpuUuid)) {
      throw new FaultError('BAD_INPUT', `There is no GPU ${spec.gpuUuid}.`, 'Choose one of the GPUs of this machine.', { field: 'spec.gpuUuid' })
    }
    if (others.some((engine) => engine.spec.name.toLowerCase() === spec.name.toLowerCase())) {
      throw new FaultError('BAD_INPUT', `Another engine is called ${spec.name}.`, 'Choose another name.', { field: 'spec.name' })
    }
    const rival = others.find((engine) => spec.port !== null && (engine.spec.port ?? engine.run?.plan.port) === spec.port)
    if (rival) throw portFault(`Port ${spec.port} belongs to ${rival.spec.name}.`)
  }

  /** For what is only done to an engine at rest; a pending automatic restart is called off. */
  async #rest(engine: LocalEngine, what: string): Promise<void> {
    if (engine.life.restartAtMs !== null) await engine.send({ name: 'stop', drainSeconds: 0 })
    if (['stopped', 'failed'].includes(engine.life.state)) return
    throw new FaultError('WRONG_STATE', `${engine.spec.name} is ${engine.life.state} and cannot be ${what}.`, 'Stop it first.')
  }

  /** Some engines measure free memory while they load: nobody else may take or give back any meanwhile. */
  #refuseWhileLoading(engine: LocalEngine): void {
    const loading = [...this.#all.values()].find((other) => other !== engine && other.spec.gpuUuid === engine.spec.gpuUuid && isLoading(other))
    if (!loading || engine.spec.gpuUuid === null || engine.run === null) return
    throw new FaultError('HELD', `${loading.spec.name} is loading on the same GPU, and measures its free memory.`, `Wait until ${loading.spec.name} is ready, or stop it first.`)
  }

  #changed(): void {
    if (this.#publishing || this.#closed) return
    this.#publishing = true
    queueMicrotask(() => {
      this.#publishing = false
      if (this.#closed) return
      this.#publish()
      this.#giveTurns()
    })
  }

  #publish(): void {
    this.engines.set([...this.#all.values()].map(({ engine }) => engine))
  }

  #giveTurns(): void {
    const waiting = [...this.#all.values()].filter(({ life }) => life.state === 'waiting').sort((a, b) => a.life.sinceMs - b.life.sinceMs)
    const served = new Set<string>()
    for (const engine of waiting) {
      const gpu = engine.spec.gpuUuid
      if (gpu !== null && (served.has(gpu) || !this.#isFree(gpu))) continue
      if (gpu !== null) served.add(gpu)
      engine.takeTurn(() => gpu === null || this.#isFree(gpu))
    }
  }

  #isFree(gpuUuid: string): boolean {
    return ![...this.#all.values()].some((engine) => engine.spec.gpuUuid === gpuUuid && (isLoading(engine) || ['draining', 'stopping'].includes(engine.life.state)))
  }

  async #portFor(engine: LocalEngine): Promise<number> {
    const wanted = engine.spec.port
    if (wanted !== null) {
      if (await portTaken(wanted)) throw portFault(`Port ${wanted} is used by another program.`)
      return wanted
    }
    const previewed = this.#previewed.get(engine.id)
    this.#previewed.delete(engine.id)
    if (previewed !== undefined && !this.#promised(engine).has(previewed) && !(await portTaken(previewed))) return previewed
    return this.#pickPort(engine)
  }

  async #pickPort(engine: LocalEngine): Promise<number> {
    const promised = this.#promised(engine)
    for (let tries = 0; tries < 50; tries += 1) {
      const port = await freePort()
      if (!promised.has(port)) return port
    }
    throw portFault('No free port was found.')
  }

  /** Ports that belong to other engines, listening or not. */
  #promised(self: LocalEngine): Set<number> {
    const others = [...this.#all.values()].filter((engine) => engine !== self)
    return new Set(others.flatMap((engine) => [engine.spec.port, engine.run?.plan.port, this.#previewed.get(engine.id)].filter((port) => port != null)))
  }

  #neighbours(self: LocalEngine): string[] {
    const pipe = self.run?.plan.mps?.pipeDirectory
    if (pipe === undefined) return []
    return [...this.#all.values()].filter((engine) => engine !== self && engine.run?.plan.mps?.pipeDirectory === pipe).map((engine) => engine.spec.name)
  }
}

/** An adopted engine has its memory already. */
const isLoading = ({ life }: LocalEngine): boolean => life.state === 'starting' && !life.adopted

const portFault = (sentence: string) => new FaultError('PORT_TAKEN', sentence, 'Choose another port, or leave it empty so that a free one is picked.', { field: 'spec.port' })
