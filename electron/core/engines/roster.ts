// Which engines there are: in memory, in the settings, and each with a folder of its own. Starts and stops none.
import { join } from 'node:path'
import type { EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Log } from '../kit/log.ts'
import type { Settings } from '../store/settings.ts'
import { admit, freeColour } from './admission.ts'
import { LocalEngine } from './engine.ts'
import type { EngineParts } from './engineParts.ts'
import type { Surroundings } from './launch.ts'
import { newEngineId, straysIn } from './strays.ts'

interface RosterParts {
  log: Log
  procfs: Procfs
  settings: Settings
  stateDirectory: string
  surroundings: Surroundings
}

export class Roster {
  readonly #parts: RosterParts
  readonly #engineParts: EngineParts
  readonly #engines = new Map<string, LocalEngine>()

  constructor(parts: RosterParts, engineParts: EngineParts) {
    this.#parts = parts
    this.#engineParts = engineParts
  }

  /** Those of the settings, and those that run although the settings do not name them: their file was broken or taken away, and nobody else could end them. */
  async open(): Promise<void> {
    const { settings, stateDirectory, procfs, log } = this.#parts
    for (const { id, spec, colour } of settings.document.engines) this.#put(id, spec, colour)
    const strays = (await straysIn(join(stateDirectory, 'engines'), new Set(this.#engines.keys()), procfs)).map(({ id, spec }) => this.#put(id, spec))
    for (const { id, spec } of strays) log.warn('an engine runs that the settings do not name; it is taken over', { engine: id, name: spec.name })
    if (strays.length > 0) await this.store(strays).catch((error: unknown) => log.error('engines that were taken over could not be stored', { error }))
  }

  /** As they were added. */
  get all(): LocalEngine[] {
    return [...this.#engines.values()]
  }

  has(id: string): boolean {
    return this.#engines.has(id)
  }

  at(id: string): LocalEngine {
    const engine = this.#engines.get(id)
    if (!engine) throw new FaultError('NOT_FOUND', `There is no engine ${id}.`, 'Look at the list of engines: it may have been removed.', { field: 'id' })
    return engine
  }

  /** `self`: the engine that the spec is for; null: a new one. Throws BAD_INPUT, PORT_TAKEN or TOO_MANY. */
  admit(spec: EngineSpec, self: LocalEngine | null): void {
    admit(spec, self, this.all, this.#parts.surroundings)
  }

  /** The new engine's id. Throws like admit, and NOT_WRITTEN. */
  async add(kind: 'stored' | 'temporary', spec: EngineSpec): Promise<string> {
    const engine = this.take(newEngineId(kind), spec)
    await this.store([engine]).catch((error: unknown) => {
      this.#engines.delete(engine.id)
      throw error
    })
    return engine.id
  }

  /** In memory alone, until it is stored. Throws like admit. */
  take(id: string, spec: EngineSpec): LocalEngine {
    this.admit(spec, null)
    return this.#put(id, spec)
  }

  async store(engines: readonly LocalEngine[]): Promise<void> {
    const lasting = engines.filter(({ temporary }) => !temporary).map(({ id, colour, spec }) => ({ id, colour, spec }))
    if (lasting.length > 0) await this.#parts.settings.change((document) => ({ ...document, engines: [...document.engines, ...lasting] }))
  }

  async respecify(engine: LocalEngine, spec: EngineSpec): Promise<void> {
    if (!engine.temporary) await this.#parts.settings.change((document) => ({ ...document, engines: document.engines.map((stored) => (stored.id === engine.id ? { ...stored, spec } : stored)) }))
    engine.spec = spec
  }

  async unstore(engine: LocalEngine): Promise<void> {
    if (!engine.temporary) await this.#parts.settings.change((document) => ({ ...document, engines: document.engines.filter(({ id }) => id !== engine.id) }))
  }

  /** From memory and from the disk, its log with it. */
  async drop(engine: LocalEngine): Promise<void> {
    this.#engines.delete(engine.id)
    await engine.close()
    await engine.folder.remove()
  }

  async remove(engine: LocalEngine): Promise<void> {
    await this.unstore(engine)
    await this.drop(engine)
  }

  #put(id: string, spec: EngineSpec, colour = freeColour(this.#engines.values())): LocalEngine {
    const engine = new LocalEngine({ id, colour, spec }, join(this.#parts.stateDirectory, 'engines', id), this.#engineParts)
    this.#engines.set(id, engine)
    return engine
  }
}
