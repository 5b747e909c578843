// A core that runs already, as a script sees it: plain HTTP, found through core.json. No product logic.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fault } from '../shared/fault.ts'
import { readElsewhere, type Elsewhere } from './opening.ts'

/** A way to calls and streams of the contract, by their dotted names. */
export interface Door {
  /** Throws an Error in the Fault's own words. */
  call<Answer>(name: string, input?: unknown): Promise<Answer>
  items<Item>(name: string): AsyncGenerator<Item>
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

  async *items<Item>(name: string): AsyncGenerator<Item> {
    const answer = await this.#ask(name)
    if (!answer.ok || !answer.body) return void (await whole(answer))
    let rest = ''
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) yield (JSON.parse(line.slice(6)) as { item: Item }).item
    }
  }

  async first<Item>(name: string): Promise<Item> {
    for await (const item of this.items<Item>(name)) return item
    throw new Error(`${name} gave nothing.`)
  }

  #ask(name: string, body?: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}/api/${name.replace('.', '/')}`, {
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body }),
    })
  }
}

async function whole(answer: Response): Promise<unknown> {
  const body: unknown = await answer.json()
  if (answer.ok) return body
  const fault = body as Fault
  throw new Error([fault.sentence, fault.hint, fault.detail].filter(Boolean).join('\n'))
}
