// Every wish a user may have of the engines, and whose turn it is to load. Which engines there are is in roster.ts, each one's own life in
// engine.ts.
import type { CommandPreview } from '../../../shared/command.ts'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { Host, ProcessId } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Topic } from '../kit/topic.ts'
import type { Settings } from '../store/settings.ts'
import type { LocalEngine } from './engine.ts'
import { LogReader } from './engineLog.ts'
import type { EngineParts, Sighting } from './engineParts.ts'
import { EnginePorts } from './enginePorts.ts'
import { KEEPER_PATH, planStart, type Relaunch, type Surroundings } from './launch.ts'
import { doorsOf } from './recipes/recipes.ts'
import { Roster } from './roster.ts'
import type { StartPlan } from './runFolder.ts'
import { neighboursOf } from './stopping.ts'
import { takeIn, type Adoptable } from './takeIn.ts'
import { giveTurns, refuseWhileLoading } from './turns.ts'

interface SupervisorParts {
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
  run: { pid: number; startTicks: number; mps: StartPlan['mps']; startedElsewhere: boolean } | null
}

/** How long a restart lets requests finish. */
const RESTART_DRAIN_SECONDS = 10

export class Supervisor {
  /** Sorted as they were added. */
  readonly engines = new Topic<Engine[]>([])
  readonly #parts: SupervisorParts
  readonly #engineParts: EngineParts
  readonly #roster: Roster
  readonly #ports = new EnginePorts(() => this.#roster.all)
  /** Ids of engines that are being changed, removed, taken over or put on MPS: meanwhile nobody starts them. */
  #held = new Set<string>()
  #publishing = false
  #closed = false

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    const { host, clock, log, procfs, surroundings, toolsEnv = {}, keeperPath = KEEPER_PATH } = parts
    this.#engineParts = {
      host, clock, log, procfs, surroundings, toolsEnv, keeperPath,
      portFor: (engine) => this.#ports.forStart(engine),
      neighbours: (engine) => neighboursOf(engine, this.#roster.all),
      onChange: () => this.#changed(),
    }
    this.#roster = new Roster(parts, this.#engineParts)
  }

  /** Takes over every engine that lives from an earlier run. */
  async open(): Promise<void> {
    await this.#roster.open()
    await Promise.all(this.#roster.all.map((engine) => engine.adopt()))
    this.#publish()
  }

  get facts(): EngineFacts[] {
    return this.#roster.all.map(({ id, spec, run }) => ({
      id, spec, run: run && { pid: run.engine.pid, startTicks: run.engine.startTicks, mps: run.plan.mps, startedElsewhere: run.keeper === null },
    }))
  }

  /** The new engine's id. Throws BAD_INPUT, PORT_TAKEN or TOO_MANY. */
  add(spec: EngineSpec): Promise<string> {
    return this.#enter('stored', spec)
  }

  /** Never stored: one that a crash leaves behind is not taken over. Throws like add. */
  addTemporary(spec: EngineSpec): Promise<string> {
    return this.#enter('temporary', spec)
  }

  /** One that runs and that somebody else started; it goes on. The new engine's id. Throws like add, and NOT_FOUND when it has ended meanwhile. */
  async takeIn(adoptable: Adoptable): Promise<string> {
    const id = await takeIn(adoptable, { ...this.#parts, roster: this.#roster, hold: (engine, work) => this.#hold(engine, work) })
    this.#publish()
    return id
  }

  /** Of a stopped or failed engine. */
  async change(id: string, spec: EngineSpec): Promise<void> {
    const engine = this.#roster.at(id)
    this.#roster.admit(spec, engine)
    await this.#hold(engine, async () => {
      await this.#rest(engine, 'changed')
      await this.#roster.respecify(engine, spec)
      this.#ports.forget(engine)
    })
  }

  /** Its log goes too. */
  async remove(id: string): Promise<void> {
    const engine = this.#roster.at(id)
    await this.#hold(engine, async () => {
      await this.#rest(engine, 'removed')
      await this.#roster.remove(engine)
    })
  }

  /** Resolves when it is in the queue. Throws NOT_FOUND, MPS_NOT_RUNNING, HELD or WRONG_STATE. */
  async start(id: string): Promise<void> {
    const engine = this.#roster.at(id)
    this.#refuseWhileHeld(engine)
    planStart(engine.spec, 1, this.#parts.surroundings)
    await engine.send({ name: 'start' })
  }

  /** Resolves when it was asked to end. Throws HELD while another engine on its GPU is loading. */
  async stop(id: string, { drainSeconds }: { drainSeconds: number }): Promise<void> {
    const engine = this.#roster.at(id)
    await engine.send({ name: 'stop', drainSeconds }, () => this.#refuseWhileLoading(engine))
  }

  /** Every engine at once, whoever is loading. Resolves when none runs any more. */
  async stopAll({ drainSeconds }: { drainSeconds: number }): Promise<void> {
    const { all } = this.#roster
    const atRest = () => all.every(({ life }) => life.state === 'stopped' || (life.state === 'failed' && life.restartAtMs === null))
    await Promise.all(all.map((engine) => engine.send({ name: 'stop', drainSeconds }).catch(() => {}))) // WRONG_STATE: it rests already
    await new Promise<void>((resolve) => {
      const look = () => atRest() && (unsubscribe(), resolve())
      const unsubscribe = this.engines.subscribe(look)
      look()
    })
  }

  async restart(id: string): Promise<void> {
    const engine = this.#roster.at(id)
    this.#refuseWhileHeld(engine)
    planStart(engine.spec, 1, this.#parts.surroundings)
    await engine.send({ name: 'restart', drainSeconds: RESTART_DRAIN_SECONDS }, () => this.#refuseWhileLoading(engine))
  }

  /** From now on started as an MPS client; one that runs is restarted for it. Throws like start and restart. */
  async putOnMps(id: string): Promise<void> {
    const engine = this.#roster.at(id)
    const spec = { ...engine.spec, onMps: true }
    planStart(spec, 1, this.#parts.surroundings)
    this.#refuseWhileLoading(engine)
    await this.#hold(engine, async () => {
      await this.#roster.respecify(engine, spec)
      if (engine.life.state !== 'waiting') await engine.send({ name: 'restart', drainSeconds: RESTART_DRAIN_SECONDS }, () => this.#refuseWhileLoading(engine))
    })
  }

  /** What start, stop or restart will run; the port it names is kept for the start. */
  async preview(id: string, action: 'start' | 'stop' | 'restart' | 'putOnMps'): Promise<CommandPreview[]> {
    const engine = this.#roster.at(id)
    const stops = action === 'start' ? [] : engine.previewStop()
    if (action === 'stop') return stops
    const port = await this.#ports.forPreview(engine)
    return [...stops, ...engine.previewStart(port, action === 'putOnMps' ? { ...engine.spec, onMps: true } : engine.spec)]
  }

  /** A reader of its own for each caller: `follow` goes on where `tail` ended. */
  log(id: string): { tail(lines: number): Promise<string[]>; follow(onLines: (lines: string[]) => void): () => void } {
    return new LogReader(this.#roster.at(id).folder.logPath, this.#parts.clock)
  }

  /** What leads its process group, and what holds it; null: it does not run. */
  processes(id: string): { engine: ProcessId; keeper: ProcessId | null } | null {
    const { run } = this.#roster.at(id)
    return run && { engine: run.engine, keeper: run.keeper }
  }

  /** Null: it does not run. */
  relaunch(id: string): Relaunch | null {
    const { run, folder } = this.#roster.at(id)
    const { keeperPath, toolsEnv } = this.#engineParts
    return run && { folder: folder.path, plan: run.plan, keeperPath, toolsEnv }
  }

  folderOf(id: string): string {
    return this.#roster.at(id).folder.path
  }

  /** Where requests go; null: it does not run, or serves no OpenAI completions. `model`: as it lists it, null until it was asked. */
  doors(id: string): { url: string; model: string | null; apiKey: string | null } | null {
    const { run, model } = this.#roster.at(id)
    const doors = run && doorsOf(run.plan.spec)
    return run && doors?.openAi ? { url: `http://127.0.0.1:${run.plan.port}`, model, apiKey: doors.apiKey } : null
  }

  observe(byEngine: ReadonlyMap<string, Sighting>): void {
    for (const engine of this.#roster.all) engine.observe(byEngine.get(engine.id) ?? null)
    this.#changed()
  }

  /** Once a second: liveness and metrics. */
  tick(): void {
    for (const engine of this.#roster.all) engine.tick()
  }

  /** Leaves the engines running. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#roster.all.map((engine) => engine.close()))
  }

  async #enter(kind: 'stored' | 'temporary', spec: EngineSpec): Promise<string> {
    const id = await this.#roster.add(kind, spec)
    this.#publish()
    return id
  }

  /** Right before the change of state, in one turn of the event loop with it: an engine that begins to load meanwhile is seen. */
  #refuseWhileLoading(engine: LocalEngine): void {
    refuseWhileLoading(engine, this.#roster.all, this.#parts.surroundings.loadingElsewhere)
  }

  /** For what is only done to an engine at rest; a pending automatic restart is called off. */
  async #rest(engine: LocalEngine, what: string): Promise<void> {
    if (engine.life.restartAtMs !== null) await engine.send({ name: 'stop', drainSeconds: 0 })
    const rests = () => ['stopped', 'failed'].includes(engine.life.state)
    if (rests()) await engine.idle() // a start may have been sent, and not yet read, before it was held
    if (rests()) return
    throw new FaultError('WRONG_STATE', `${engine.spec.name} is ${engine.life.state} and cannot be ${what}.`, 'Stop it first.')
  }

  /** From before `work` looks at the engine until it is done, nobody starts it. Throws HELD. */
  async #hold(engine: LocalEngine, work: () => Promise<void>): Promise<void> {
    this.#refuseWhileHeld(engine)
    this.#held.add(engine.id)
    try {
      await work()
    } finally {
      this.#held.delete(engine.id)
      this.#changed()
    }
  }

  #refuseWhileHeld(engine: LocalEngine): void {
    if (this.#held.has(engine.id)) throw new FaultError('HELD', `${engine.spec.name} is just being changed, removed or taken over.`, 'Try again when that is done.')
  }

  #changed(): void {
    if (this.#publishing || this.#closed) return
    this.#publishing = true
    queueMicrotask(() => {
      this.#publishing = false
      if (this.#closed) return
      this.#publish()
      giveTurns(this.#roster.all, this.#held, this.#parts.surroundings.loadingElsewhere)
    })
  }

  #publish(): void {
    this.engines.set(this.#roster.all.map(({ engine }) => engine))
  }
}
