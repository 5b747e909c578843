// A core that runs already, as a script sees it: plain HTTP, found through core.json. No product logic.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { Fault, FaultError } from '../shared/fault.ts'
import { readElsewhere, type Elsewhere } from './elsewhere.ts'

/** A way to calls and streams of the contract, by their dotted names. */
export interface Door {
  /** Throws FaultError. */
  call<Answer>(name: string, input?: unknown): Promise<Answer>
  items<Item>(name: string, input?: object): AsyncGenerator<Item>
}

/** The first item of a stream, which is the whole truth of that moment. */
export async function firstOf<Item>(door: Door, name: string, input: object = {}): Promise<Item> {
  for await (const item of door.items<Item>(name, input)) return item
  throw lost(`${name} gave nothing`)
}

export class RunningCore implements Door {
  readonly pid: number | null
  readonly port: number
  readonly #token: string

  private constructor({ pid, port, token }: Elsewhere & { port: number; token: string }) {
    this.pid = pid
    this.port = port
    this.#token = token
  }

  /** The first of this state folder and its scenes that has a plain HTTP door; null: none. */
  static async find(state: string): Promise<RunningCore | null> {
    const scenes = await readdir(join(state, 'sim')).catch(() => [])
    for (const folder of [state, ...scenes.map((scene) => join(state, 'sim', scene))]) {
      const core = await readElsewhere(folder)
      if (core.port !== null && core.token !== null) return new RunningCore({ ...core, port: core.port, token: core.token })
    }
    return null
  }

  async call<Answer>(name: string, input?: unknown): Promise<Answer> {
    // GET where there is no input
    const answer = await this.#ask(name, input === undefined ? undefined : JSON.stringify(input))
    return (await whole(answer)) as Answer
  }

  /** `input`: strings and numbers, which streams take as a query. */
  async *items<Item>(name: string, input: object = {}): AsyncGenerator<Item> {
    const query = new URLSearchParams(Object.entries(input).map(([key, value]): [string, string] => [key, String(value)])).toString()
    const answer = await this.#ask(query === '' ? name : `${name}?${query}`)
    if (!answer.ok || !answer.body) return void (await whole(answer))
    try {
      for await (const { event, data } of answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())) {
        if (event === 'error') throw faultIn(JSON.parse(data))
        if (event === 'done') return
        yield (JSON.parse(data) as { item: Item }).item
      }
    } catch (error) {
      throw error instanceof FaultError ? error : lost(error)
    }
  }

  async #ask(name: string, body?: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.port}/api/${name.replace('.', '/')}`, {
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body }),
    }).catch((error: unknown) => Promise.reject(lost(error)))
  }
}

async function whole(answer: Response): Promise<unknown> {
  const body: unknown = await answer.json().catch((error: unknown) => Promise.reject(lost(error)))
  if (answer.ok) return body
  throw faultIn(body)
}

/** A Fault, or an error of the stream with one inside. */
function faultIn(said: unknown): FaultError {
  const read = Fault.safeParse(said)
  const { data: fault } = read.success ? read : Fault.safeParse((said as { data?: unknown } | null)?.data)
  return fault ? FaultError.of(fault) : lost(JSON.stringify(said))
}

const lost = (cause: unknown): FaultError => new FaultError('LINK_LOST', 'Overlap does not answer any more.', 'Look whether it still runs; start it again if it does not.', { detail: cause instanceof Error ? cause.message : String(cause) })
