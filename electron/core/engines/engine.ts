// One engine's life: the only writer of its state. What happens, happens in letters, one after another; what takes long
// (readiness, scraping) runs beside them and reports by letter.
import type { CommandPreview } from '../../../shared/command.ts'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { faultOf } from '../../../shared/fault.ts'
import type { RunExit } from '../host/keeper.ts'
import { Disposer } from '../kit/disposer.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { LogReader } from './engineLog.ts'
import { NOT_RUNNING, NOT_SEEN, type EngineParts, type Sighting } from './engineParts.ts'
import { endedEarly, explainExit, keeperLost, notKept, NOT_RUNNING_FAULT, sentenceOf } from './exit.ts'
import { launchCommand, launchRun, planStart } from './launch.ts'
import { newLife, next, restartsWithin, RESTART_WINDOW_MS, type Effect, type Life, type LifeEvent } from './lifecycle.ts'
import { Loading } from './loading.ts'
import { EngineMemory } from './memoryNeed.ts'
import { NO_RATES } from './rates.ts'
import { doorsOf } from './recipes/recipes.ts'
import { mpsMissing, restartWhenPossible } from './restartWait.ts'
import { RunFolder, stillRuns, type StartedRun } from './runFolder.ts'
import { Scraper } from './scrape.ts'
import { killPreviews, killRun, Leaving } from './stopping.ts'
import { isTemporary } from './strays.ts'

const FAST_LOOK_MS = 100
const LAST_LINES = 60
/** A keeper that was just launched when Overlap ended may write its record this much later. */
const LATE_RECORD_MS = 2_000

export class LocalEngine {
  readonly id: string
  readonly colour: number
  spec: EngineSpec
  readonly folder: RunFolder
  readonly #parts: EngineParts
  readonly #mailbox = new Mailbox()
  readonly #scraper: Scraper
  readonly #closed = new Disposer()
  #life: Life
  #run: StartedRun | null = null
  /** Of the present run. */
  #loadedInMs: number | null = null
  #seen: Sighting | null = null
  #lastExit: Engine['lastExit'] = null
  readonly #memory: EngineMemory
  #loading: Loading | null = null
  #cancelDrain = () => {}
  #cancelWatch = () => {}
  #cancelRestart = () => {}
  #looking = false
  #leaving = new Leaving()

  constructor(stored: { id: string; colour: number; spec: EngineSpec }, folder: string, parts: EngineParts) {
    this.id = stored.id
    this.colour = stored.colour
    this.spec = stored.spec
    this.folder = new RunFolder(folder)
    this.#memory = new EngineMemory(this.folder, parts.surroundings)
    this.#parts = parts
    this.#scraper = new Scraper(parts.clock)
    this.#life = newLife(parts.clock.now())
    this.#closed.add(() => this.#quiet())
    this.#closed.add(() => this.#cancelRestart())
  }

  get life(): Life {
    return this.#life
  }

  /** The run that is alive now, for those who join pids to engines. */
  get run(): StartedRun | null {
    return this.#run
  }

  /** As it lists it itself; null: it was not asked, or it does not run. */
  get model(): string | null {
    return this.#run === null ? null : (this.#loading?.findings.model ?? null)
  }

  get temporary(): boolean {
    return isTemporary(this.id)
  }

  get engine(): Engine {
    const run = this.#run
    const life = this.#life
    const serving = run !== null && life.state !== 'starting'
    return {
      id: this.id, colour: this.colour, spec: this.spec, temporary: this.temporary,
      state: life.state, sinceMs: life.sinceMs, readiness: life.readiness, adopted: life.adopted && run !== null, fault: this.#fault(),
      pid: run?.engine.pid ?? null, startedAtMs: run?.startedAtMs ?? null, loadedInMs: run === null ? null : this.#loadedInMs, port: run?.plan.port ?? null,
      pids: run === null ? [] : this.#seen?.pids.includes(run.engine.pid) ? this.#seen.pids : [run.engine.pid],
      gpuMemoryMiB: run === null ? null : (this.#seen?.gpuMemoryMiB ?? null), memoryNeed: this.#memory.need(this.spec),
      attachment: run === null ? NOT_RUNNING : (this.#seen?.attachment ?? NOT_SEEN),
      rates: serving ? this.#scraper.rates : NO_RATES,
      restarts: { used: restartsWithin(life, this.#parts.clock.steady()).length, budget: this.spec.restartBudget, windowMs: RESTART_WINDOW_MS },
      lastExit: this.#lastExit,
    }
  }

  /** Handles one event after those before it. Throws WRONG_STATE for a wish that does not fit, and what `guard` throws right before it. */
  send(event: LifeEvent, guard = () => {}): Promise<void> {
    return this.#mailbox.post(() => (guard(), this.#step(event)))
  }

  /** Begins to load, if that is still allowed when this letter's turn has come. */
  takeTurn(allowed: () => boolean): void {
    this.#mailbox.post(() => (allowed() ? this.#step({ name: 'turn' }) : undefined)).catch((error: unknown) => this.#parts.log.error('an engine could not take its turn', { engine: this.id, error }))
  }

  #tell(event: LifeEvent): void {
    this.send(event).catch((error: unknown) => this.#parts.log.error('an engine event failed', { engine: this.id, event: event.name, error }))
  }

  observe(seen: Sighting | null): void {
    this.#seen = seen
    if (this.#run !== null && this.#life.state === 'ready' && seen?.gpuMemoryMiB) this.#memory.saw(this.#run, seen.gpuMemoryMiB)
    if (this.#run !== null && seen?.pids.includes(this.#run.engine.pid)) this.#leaving.know(seen.pids, this.#parts.procfs)
  }

  /** Once, before anything else: takes over what an earlier Overlap left. */
  adopt(): Promise<void> {
    return this.#mailbox.post(async () => {
      const { clock, procfs } = this.#parts
      await this.#memory.remember()
      let run = await this.folder.run()
      for (const untilMs = clock.steady() + LATE_RECORD_MS; run === null && clock.steady() < untilMs && (await this.folder.planned()); run = await this.folder.run()) await clock.sleep(100)
      if (run === null) return
      const exit = await this.folder.exit(run.runId)
      if (exit === null && stillRuns(run, procfs)) {
        this.#run = run
        this.#loadedInMs = await this.folder.loadedInMs(run.runId)
        this.#memory.began(run)
        await this.#step({ name: 'adopted' })
      } else {
        const { fault } = await this.#explain(exit, run)
        this.#lastExit = { atMs: exit?.atMs ?? null, code: exit?.code ?? null, signal: exit?.signal ?? null, sentence: sentenceOf(fault) }
        await this.#step({ name: 'foundDead', fault })
      }
    })
  }

  /** Liveness and one reading of the metrics page. Quick; never throws. */
  tick(): void {
    void this.#look()
    const run = this.#run
    if (run !== null && ['ready', 'draining', 'unknown'].includes(this.#life.state)) {
      void this.#scraper.read(run.plan.port, doorsOf(run.plan.spec)).then(() => this.#parts.onChange())
    }
  }

  previewStart(port: number, spec = this.spec): CommandPreview[] {
    const plan = planStart(spec, port, this.#parts.surroundings)
    return [this.#parts.host.preview(launchCommand(plan, this.folder, this.#parts.keeperPath, this.#parts.toolsEnv))]
  }

  previewStop(): CommandPreview[] {
    return this.#run === null ? [] : killPreviews(this.spec.name, this.#run, this.#parts.neighbours(this))
  }

  /** Resolves when what it was sent so far is done. */
  idle(): Promise<void> {
    return this.#mailbox.idle()
  }

  /** Lets go of the engine, which runs on. */
  async close(): Promise<void> {
    await this.#closed.close()
    await this.#mailbox.idle()
  }

  async #step(event: LifeEvent): Promise<void> {
    const { clock, log } = this.#parts
    const before = this.#life.state
    const { life, effects } = next(this.#life, event, { nowMs: clock.now(), steadyMs: clock.steady(), restartBudget: this.spec.restartBudget })
    this.#life = life
    if (life.state !== before) log.info('engine state', { engine: this.id, from: before, to: life.state, event: event.name })
    this.#parts.onChange()
    for (const effect of effects) if (!this.#closed.closed) await this.#carryOut(effect)
  }

  async #carryOut(effect: Effect): Promise<void> {
    const { clock, surroundings } = this.#parts
    switch (effect.do) {
      case 'launch':
        return this.#launch()
      case 'probe':
        return this.#probe()
      case 'terminate':
        return this.#terminate(effect.drainSeconds)
      case 'kill':
        return this.#kill()
      case 'forget':
        return this.#forget()
      case 'restartIn':
        this.#cancelRestart = restartWhenPossible({ clock, surroundings, spec: () => this.spec, afterMs: effect.ms, due: () => this.#tell({ name: 'due' }) })
        return
      case 'cancelRestart':
        return this.#cancelRestart()
    }
  }

  /** A record that stays is shown as an ended run at the next opening: no reason to hold anything up. */
  async #forget(): Promise<void> {
    await this.folder.forget().catch((error: unknown) => this.#parts.log.warn('the record of an ended engine could not be deleted', { engine: this.id, error: String(error) }))
  }

  async #launch(): Promise<void> {
    const { host, procfs, clock, log, keeperPath, toolsEnv, surroundings } = this.#parts
    try {
      const plan = planStart(this.spec, await this.#parts.portFor(this), surroundings)
      this.#run = await launchRun({ plan, folder: this.folder, host, procfs, clock, keeperPath, toolsEnv })
      this.#loadedInMs = null
      this.#seen = null
      this.#memory.began(this.#run)
      this.#scraper.reset()
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (fault.code === 'BUG') log.error('an engine could not be launched', { engine: this.id, error: thrown })
      return this.#step({ name: 'refused', fault })
    }
    await this.#step({ name: 'step', readiness: 'launched' })
    this.#probe()
  }

  #probe(): void {
    const run = this.#run
    if (run === null) return
    this.#loading = new Loading({ run, adopted: this.#life.adopted, clock: this.#parts.clock, tell: (event) => this.#tell(event), onLoaded: (loadedInMs) => this.#keepLoaded(run, loadedInMs) })
  }

  /** A full disk costs only the memory of it. */
  #keepLoaded(run: StartedRun, loadedInMs: number): void {
    this.#loadedInMs = loadedInMs
    void this.#mailbox.post(() => (this.#run === run ? this.folder.keepLoaded(run.runId, loadedInMs).catch(() => {}) : undefined))
  }

  async #terminate(drainSeconds: number): Promise<void> {
    const { clock } = this.#parts
    this.#quiet()
    if (this.#run === null) return this.#step({ name: 'exited', fault: NOT_RUNNING_FAULT, curable: false })
    this.#leaving.terminate(this.#run, this.#parts)
    this.#cancelDrain = clock.after(drainSeconds * 1000, () => this.#tell({ name: 'drainOver' }))
    this.#cancelWatch = clock.every(FAST_LOOK_MS, () => void this.#look())
  }

  async #kill(): Promise<void> {
    this.#cancelDrain()
    if (this.#run !== null) await killRun(this.#run, this.#parts)
  }

  /** Whether it and its keeper still live; its end becomes a letter. Never throws. */
  async #look(): Promise<void> {
    const run = this.#run
    if (run === null || this.#looking || this.#closed.closed) return
    const { procfs, log } = this.#parts
    this.#looking = true
    try {
      const keeperAlive = run.keeper !== null && procfs.isAlive(run.keeper) // asked before exit.json: a keeper that is gone has written it
      if (procfs.isAlive(run.engine)) {
        if (run.keeper !== null && !keeperAlive && ['starting', 'ready'].includes(this.#life.state)) await this.send({ name: 'keeperLost', fault: keeperLost(this.spec.name) })
        return
      }
      const exit = await this.folder.exit(run.runId)
      if (exit === null && keeperAlive) return // the keeper ends what the engine left in its group
      // of one that was started elsewhere, nothing is ended that nobody asked for
      if ((run.keeper !== null || this.#askedToEnd) && !this.#leaving.allGone(this.#parts)) return
      await this.#mailbox.post(() => (this.#run === run ? this.#ended(exit) : undefined))
    } catch (error) {
      log.error('an engine could not be looked after', { engine: this.id, error })
    } finally {
      this.#looking = false
    }
  }

  async #ended(exit: RunExit | null): Promise<void> {
    this.#quiet()
    const { fault, curable } = await this.#explain(exit, this.#run)
    const { failing } = this.#life
    const asked = this.#askedToEnd
    const name = this.#run?.plan.spec.name ?? this.spec.name
    const sentence = !asked ? sentenceOf(fault) : failing ? failing.sentence : exit?.signal === 'SIGKILL' ? `${name} did not end when asked, and was killed.` : `${name} was stopped.`
    this.#lastExit = { atMs: exit?.atMs ?? this.#parts.clock.now(), code: exit?.code ?? null, signal: exit?.signal ?? null, sentence }
    await this.#memory.ended()
    this.#run = null
    this.#seen = null
    this.#leaving = new Leaving()
    this.#scraper.reset()
    await this.#step({ name: 'exited', fault, curable })
  }

  get #askedToEnd(): boolean {
    return ['draining', 'stopping'].includes(this.#life.state)
  }

  async #explain(exit: RunExit | null, run: StartedRun | null) {
    if (run?.keeper === null) return { fault: notKept(this.spec.name), curable: false } // whoever started it may do that
    if (exit?.code === 0 && this.#life.state === 'starting' && !this.#life.adopted) return { fault: endedEarly(this.spec.name), curable: false }
    const lines = await new LogReader(this.folder.logPath, this.#parts.clock).tail(LAST_LINES).catch(() => [])
    const explained = explainExit(this.spec.name, exit ?? { code: null, signal: null, spawnError: null }, lines)
    return run === null ? explained : this.#memory.explain(explained, run)
  }

  /** An automatic restart is announced, with what it waits for. */
  #fault(): Engine['fault'] {
    const { fault, restartAtMs } = this.#life
    if (fault === null || restartAtMs === null) return fault
    const { surroundings } = this.#parts
    const restart = !surroundings.mayRestart() ? 'It is not restarted by itself while an experiment holds the workstation.'
      : mpsMissing(this.spec, surroundings) ? 'It is started again by itself as soon as MPS can be used on its GPU.' : 'It is about to be started again by itself.'
    return { ...fault, hint: `${fault.hint} ${restart}` }
  }

  /** Ends what belongs to the present run: probes and timers. */
  #quiet(): void {
    this.#loading?.end()
    this.#cancelDrain()
    this.#cancelWatch()
  }
}
