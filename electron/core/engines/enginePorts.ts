// Which port an engine gets: the one of its spec, the one a preview has named, or a free one. Starts nothing, listens on nothing.
import { FaultError } from '../../../shared/fault.ts'
import { freePort, portTaken } from '../host/ports.ts'
import type { LocalEngine } from './engine.ts'

const MOST_TRIES = 50

export class EnginePorts {
  readonly #all: () => Iterable<LocalEngine>
  /** Ports that a preview has named, kept for the start that follows. */
  #previewed = new WeakMap<LocalEngine, number>()

  constructor(all: () => Iterable<LocalEngine>) {
    this.#all = all
  }

  /** Throws PORT_TAKEN. */
  async forStart(engine: LocalEngine): Promise<number> {
    const wanted = engine.spec.port
    if (wanted !== null) {
      if (await portTaken(wanted)) throw portFault(`Port ${wanted} is used by another program.`)
      return wanted
    }
    const previewed = this.#previewed.get(engine)
    this.#previewed.delete(engine)
    if (previewed !== undefined && !this.#promised(engine).has(previewed) && !(await portTaken(previewed))) return previewed
    return this.#pick(engine)
  }

  /** Kept for the next start. Throws PORT_TAKEN. */
  async forPreview(engine: LocalEngine): Promise<number> {
    const port = engine.spec.port ?? (await this.#pick(engine))
    this.#previewed.set(engine, port)
    return port
  }

  forget(engine: LocalEngine): void {
    this.#previewed.delete(engine)
  }

  async #pick(engine: LocalEngine): Promise<number> {
    const promised = this.#promised(engine)
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const port = await freePort()
      if (!promised.has(port)) return port
    }
    throw portFault('No free port was found.')
  }

  /** Ports that belong to other engines, listening or not. */
  #promised(self: LocalEngine): Set<number> {
    const others = [...this.#all()].filter((engine) => engine !== self)
    return new Set(others.flatMap((engine) => [engine.spec.port, engine.run?.plan.port, this.#previewed.get(engine)].filter((port) => port != null)))
  }
}

export const portFault = (sentence: string) => new FaultError('PORT_TAKEN', sentence, 'Choose another port, or leave it empty so that a free one is picked.', { field: 'spec.port' })
