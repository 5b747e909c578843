// The plain HTTP door of a core: the browser's page and /api. Headless opens it at its start and keeps it; on the desktop it is
// opened and closed from Settings, and opened again at the next start.
import { FaultError } from '../shared/fault.ts'
import type { PlainHttp } from '../shared/contract.ts'
import { answers } from './core/answers.ts'
import { systemClock } from './core/kit/clock.ts'
import { Mailbox } from './core/kit/mailbox.ts'
import { Topic } from './core/kit/topic.ts'
import { version } from './core/version.ts'
import type { Opened } from './opening.ts'
import { addressOf } from './terminal.ts'
import { WebServer } from './web/server.ts'

const DEFAULT_PORT = 7650

interface DoorParts {
  opened: Opened
  /** null: 7650, or any free one where that is taken. */
  port: number | null
  token: string
  pageFolder: string
  canClose: boolean
}

export class PlainHttpDoor {
  readonly now: Topic<PlainHttp>
  readonly #parts: DoorParts
  readonly #mailbox = new Mailbox()
  #server: WebServer | null = null

  /** Answers of the workstation that are made from now on know this door. */
  constructor(parts: DoorParts) {
    this.#parts = parts
    this.now = new Topic<PlainHttp>({ address: null, canClose: parts.canClose })
    parts.opened.workstation.plainHttp = this
  }

  /** Resolves with the port. Throws FaultError PORT_TAKEN or NO_PERMISSION. */
  open(): Promise<number> {
    return this.#mailbox.post(() => this.#open())
  }

  /** From Settings; remembered. Throws FaultError WRONG_STATE where this door is the only way in. */
  set(open: boolean): Promise<void> {
    return this.#mailbox.post(async () => {
      const { opened, canClose } = this.#parts
      if (!canClose && !open) throw new FaultError('WRONG_STATE', 'This door is the only way in.', 'End Overlap instead.', { field: 'open' })
      if (!canClose || open === (this.#server !== null)) return
      if (open) {
        await this.#open()
        return await opened.workstation.rememberPlainHttp(true).catch(async (error: unknown) => {
          await this.#close()
          throw error
        })
      }
      await opened.workstation.rememberPlainHttp(false)
      await this.#close()
    })
  }

  close(): Promise<void> {
    return this.#mailbox.post(() => this.#shut())
  }

  async #close(): Promise<void> {
    const { opened, canClose } = this.#parts
    await opened.announce(null)
    this.now.set({ address: null, canClose })
    await this.#shut()
  }

  async #open(): Promise<number> {
    const { opened, token, pageFolder, canClose } = this.#parts
    const server = new WebServer({ answers: answers(opened.workstation, opened.log), token, pageFolder, version, clock: systemClock, log: opened.log })
    const port = await this.#listen(server)
    this.#server = server
    // a door that cannot be told of is not left open
    await opened.announce({ port, token }).catch(async (error: unknown) => {
      await this.#shut()
      throw error
    })
    this.now.set({ address: addressOf(port, token), canClose })
    return port
  }

  async #shut(): Promise<void> {
    const server = this.#server
    this.#server = null
    await server?.close()
  }

  async #listen(server: WebServer): Promise<number> {
    const { port } = this.#parts
    try {
      return await server.listen(port ?? DEFAULT_PORT)
    } catch (error) {
      if (port !== null || !(error instanceof FaultError)) throw error
      return await server.listen(0)
    }
  }
}
