// For tests of the load generator: a scripted engine and a generator, both real processes.
import { fileURLToPath } from 'node:url'
import type { Load } from '../../../shared/load.ts'
import { LocalHost } from '../host/localHost.ts'
import { systemClock } from '../kit/clock.ts'
import { Disposer } from '../kit/disposer.ts'
import { silentLog } from '../kit/log.ts'
import { type GeneratorParts, openGenerator } from './openGenerator.ts'
import { type Recorded, type Script, SCRIPTED_ENGINE } from './scriptedEngine.testkit.ts'
import type { BlockOrder, Generator, Progress, Target } from './target.ts'
import type { FromGenerator, Outcome } from './wire.ts'

export const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url))

export const LOAD: Load = {
  api: 'completions', prompt: { shape: 'fixed', tokens: 16 }, output: { shape: 'fixed', tokens: 12 }, arrivals: { kind: 'closed', concurrency: 8 },
  regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: null, goodput: null, seed: 7,
}

export class Rig {
  readonly disposer = new Disposer()
  readonly host = new LocalHost({ log: silentLog })
  #first: Promise<string[]> | null = null

  constructor() {
    this.disposer.add(() => this.host.close())
  }

  /** Before all else on the machine, where that is permitted: it is the script that is to be measured. */
  #before(): Promise<string[]> {
    const first = ['chrt', '-f', '1']
    return (this.#first ??= this.host.run({ argv: [...first, 'true'], why: 'test' }).then(({ exitCode }) => (exitCode === 0 ? first : []), () => []))
  }

  /** Its address. */
  async engine(): Promise<string> {
    const port = Promise.withResolvers<string>()
    const talk = this.host.converse({ argv: [...await this.#before(), process.execPath, SCRIPTED_ENGINE], why: 'test', cpus: null, onLine: (line) => port.resolve(line), onEnd: (end) => port.reject(new Error(end.lastLines.join('\n'))) })
    this.disposer.add(() => talk.close())
    return `http://127.0.0.1:${await port.promise}`
  }

  target(url: string, script: Script, engineName = 'engine'): Target {
    return { engineName, url, model: JSON.stringify(script), apiKey: null }
  }

  async records(url: string): Promise<{ records: Recorded[]; connections: number; aborted: number }> {
    return (await (await fetch(`${url}/records`)).json()) as { records: Recorded[]; connections: number; aborted: number }
  }

  async generator(more: Partial<GeneratorParts> = {}): Promise<Generator> {
    const generator = await openGenerator({ host: this.host, clock: systemClock, log: silentLog, programPath: GENERATOR, processes: 1, cpus: null, ...more })
    this.disposer.add(() => generator.close())
    return generator
  }

  /** One order to a generator process, without what divides and sums. */
  async order(order: Omit<BlockOrder, 'turn' | 'ignoreEosFields' | 'salt'>): Promise<{ outcome: Outcome; progress: Progress[] }> {
    const done = Promise.withResolvers<Outcome>()
    const progress: Progress[] = []
    const talk = this.host.converse({
      argv: [...await this.#before(), process.execPath, GENERATOR], why: 'test', cpus: null, onEnd: (end) => done.reject(new Error(end.lastLines.join('\n'))),
      onLine: (line) => {
        const said = JSON.parse(line) as FromGenerator
        if ('ready' in said) talk.send(JSON.stringify({ order: { turn: { index: 0, of: 1 }, ignoreEosFields: { ignore_eos: true }, salt: 'salt', ...order, startAtMs: Date.now() + order.startAtMs } }))
        if ('progress' in said) progress.push(said.progress)
        if ('outcome' in said) done.resolve(said.outcome)
        if ('failed' in said) done.reject(new Error(said.failed))
      },
    })
    try {
      return { outcome: await done.promise, progress }
    } finally {
      await talk.close()
    }
  }
}
