// What one experiment has made on the workstation and how it is undone, last in first out. Everything made passes through here and
// stands in the journal before it is made. Decides nothing.
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { FaultError, faultOf, type Fault } from '../../../shared/fault.ts'
import type { Generator } from '../load/target.ts'
import type { Journal } from './journal.ts'
import type { Lab } from './lab.ts'
import { throwIfCancelled, until } from './until.ts'

/** From SIGTERM to SIGKILL of a temporary engine; no load runs on it then. */
const DRAIN_SECONDS = 5
const GONE_MS = 12_000
/** Somebody's engine may finish what it has. */
const SET_ASIDE_DRAIN_SECONDS = 10
const SET_ASIDE_MS = 30_000

export const rests = ({ state }: Engine): boolean => state === 'stopped' || state === 'failed'
/** Runs, loads, or is about to. */
export const isUp = (engine: Engine): boolean => !rests(engine)

export interface ArrangementParts {
  lab: Lab
  journal: Journal
  gpuUuid: string
}

export class Arrangement {
  readonly #lab: Lab
  readonly #journal: Journal
  readonly #gpuUuid: string
  /** All but engines, which end before any of these. */
  #steps: { what: string; undo: () => Promise<void> }[] = []
  /** Temporary engines by id, with their number in the journal; they end together. */
  readonly #engines = new Map<string, number>()

  constructor({ lab, journal, gpuUuid }: ArrangementParts) {
    this.#lab = lab
    this.#journal = journal
    this.#gpuUuid = gpuUuid
  }

  /** Stops running engines; they are started again at the end. Throws EXPERIMENT_FAILED for one that does not end. */
  async setAside(engines: readonly Engine[], signal: AbortSignal): Promise<void> {
    const { list, stop, start } = this.#lab.engines
    for (const { id, spec } of engines) {
      throwIfCancelled(signal)
      const number = this.#journal.making({ kind: 'setAside', id, name: spec.name, again: this.#lab.engines.relaunch(id) })
      this.#steps.push({
        what: spec.name,
        undo: async () => {
          const engine = list.value.find((candidate) => candidate.id === id)
          if (engine && ['draining', 'stopping'].includes(engine.state)) await this.#atRest(id, SET_ASIDE_MS)
          if (engine && rests(list.value.find((candidate) => candidate.id === id) ?? engine)) await start(id)
          this.#journal.undone(number)
        },
      })
      await stop(id, { drainSeconds: SET_ASIDE_DRAIN_SECONDS }).catch(unlessAtRest)
    }
    for (const { id, spec } of engines) {
      if (!(await this.#atRest(id, SET_ASIDE_MS, signal))) throw new FaultError('EXPERIMENT_FAILED', `${spec.name} did not end when it was set aside.`, 'Stop it by hand, then start the experiment again.')
    }
  }

  /** Starts the daemon of the GPU; it is stopped at the end. Throws like mps.start. */
  async startMps(signal: AbortSignal): Promise<void> {
    const { mps } = this.#lab
    const gpuUuid = this.#gpuUuid
    throwIfCancelled(signal)
    const number = this.#journal.making({ kind: 'daemon', gpuUuid, quit: mps.afterlife(gpuUuid) })
    this.#steps.push({
      what: 'the MPS daemon',
      undo: async () => {
        await mps.stop(gpuUuid)
        this.#journal.undone(number)
      },
    })
    await mps.start(gpuUuid)
    this.#journal.amend(number, { kind: 'daemon', gpuUuid, quit: mps.afterlife(gpuUuid) })
    throwIfCancelled(signal)
  }

  /** A generator ends with Overlap by itself: it needs no line in the journal. */
  async openGenerator(parts: { processes: number; cpus: string | null }): Promise<Generator> {
    const generator = await this.#lab.openGenerator(parts)
    this.#steps.push({ what: 'the load generator', undo: () => generator.close() })
    return generator
  }

  /** Adds a temporary engine; not started. Its id. */
  async addEngine(spec: EngineSpec): Promise<string> {
    const id = await this.#lab.engines.addTemporary(spec)
    this.#engines.set(id, this.#journal.making({ kind: 'engine', id, folder: this.#lab.engines.folderOf(id), engine: null, keeper: null }))
    return id
  }

  /** Once its processes are there: a pid in the journal is found even where the keeper's record is lost. */
  engineRuns(id: string): void {
    const number = this.#engines.get(id)
    const processes = this.#lab.engines.processes(id)
    if (number !== undefined && processes) this.#journal.amend(number, { kind: 'engine', id, folder: this.#lab.engines.folderOf(id), ...processes })
  }

  /** Newest first; resolves when none is left. Throws the first failure after all were tried. */
  async removeEngines(ids: readonly string[]): Promise<void> {
    const newestFirst = [...this.#engines.keys()].filter((id) => ids.includes(id)).reverse()
    const failures: unknown[] = []
    // in turn: one that loads is asked first, and then the others may be
    for (const id of newestFirst) await this.#lab.engines.stop(id, { drainSeconds: DRAIN_SECONDS }).catch(unlessAtRest).catch((error: unknown) => failures.push(error))
    await Promise.all(newestFirst.map((id) => this.#removeEngine(id).catch((error: unknown) => failures.push(error))))
    if (failures.length > 0) throw failures[0]
  }

  /** Takes everything down, whatever fails; what failed, by name. The journal is closed when nothing is left, else left for the next start. */
  async undo(): Promise<Fault[]> {
    const faults: Fault[] = []
    this.#steps.push({ what: 'the engines of the experiment', undo: () => this.removeEngines([...this.#engines.keys()]) })
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.undo()
      } catch (error) {
        this.#lab.log.error('a step of an experiment could not be undone', { step: step.what, error })
        const { sentence } = faultOf(error)
        faults.push({ code: 'EXPERIMENT_FAILED', sentence: `Not taken down: ${step.what}. ${sentence}`, hint: 'Overlap tries again at its next start.', field: null, detail: null })
      }
    }
    if (faults.length === 0) this.#journal.close()
    else this.#journal.leave()
    return faults
  }

  async #removeEngine(id: string): Promise<void> {
    const engine = this.#lab.engines.list.value.find((candidate) => candidate.id === id)
    if (engine && !(await this.#atRest(id, GONE_MS))) throw new FaultError('EXPERIMENT_FAILED', `${engine.spec.name} cannot be ended.`, 'A process that is stuck in the kernel may need a restart of the machine.')
    if (engine) await this.#lab.engines.remove(id)
    this.#journal.undone(this.#engines.get(id) ?? 0)
    this.#engines.delete(id)
  }

  async #atRest(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const { list } = this.#lab.engines
    const look = (engines: Engine[]) => (engines.every((engine) => engine.id !== id || rests(engine)) ? true : null)
    return (await until(list, look, { clock: this.#lab.clock, ms, ...(signal ? { signal } : {}) })) ?? false
  }
}

/** An engine at rest cannot be stopped, and one that was never started need not be. */
function unlessAtRest(thrown: unknown): void {
  if (!(thrown instanceof FaultError && ['WRONG_STATE', 'NOT_FOUND'].includes(thrown.fault.code))) throw thrown
}
