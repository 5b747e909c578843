// The contract over a MessagePort: Electron's MessagePortMain on the desktop, Node's MessagePort in the tests.
import { RPCHandler } from '@orpc/server/message-port'
import { PACE } from '../../shared/contract.ts'
import type { Answers } from '../core/answers.ts'
import { ReaderLink } from '../core/kit/paced.ts'

/** What both kinds of port have in common. */
export interface Port {
  on(event: 'message', read: (message: { data: unknown }) => void): unknown
  on(event: 'close', read: () => void): unknown
  postMessage(message: unknown): void
}

export class PortLink {
  readonly #rpc: RPCHandler<{ link: ReaderLink }>

  constructor(answers: Answers) {
    this.#rpc = new RPCHandler(answers)
  }

  /** The caller starts the port afterwards. */
  accept(port: Port): void {
    const link = new ReaderLink({ acknowledges: true, unacknowledged: PACE.unacknowledged })
    this.#rpc.upgrade(port as unknown as Parameters<RPCHandler<{ link: ReaderLink }>['upgrade']>[0], { context: { link } })
  }
}
