// The contract over one WebSocket: its own reader's pace, its own rate limit, closed when it breaks either.
import { RPCHandler } from '@orpc/server/websocket'
import type { WebSocket } from 'ws'
import { PACE } from '../../shared/contract.ts'
import type { Answers } from '../core/answers.ts'
import type { Clock } from '../core/kit/clock.ts'
import { ReaderLink } from '../core/kit/paced.ts'
import { CALLS_PER_SECOND, Pace } from './doorkeeper.ts'

/** A peer that does not answer a ping in this time is gone (a sleeping laptop, a cut tunnel). */
const PING_MS = 15_000

export class SocketLink {
  readonly #rpc: RPCHandler<{ link: ReaderLink }>
  readonly #clock: Clock
  readonly #open = new Set<WebSocket>()
  readonly #stopPinging: () => void
  readonly #answered = new WeakSet<WebSocket>()

  constructor(parts: { answers: Answers; clock: Clock }) {
    this.#rpc = new RPCHandler(parts.answers)
    this.#clock = parts.clock
    this.#stopPinging = parts.clock.every(PING_MS, () => this.#ping())
  }

  accept(socket: WebSocket): void {
    const link = new ReaderLink({ acknowledges: true, unacknowledged: PACE.unacknowledged, bufferedBytes: () => socket.bufferedAmount })
    const pace = new Pace(this.#clock, CALLS_PER_SECOND)
    // oRPC's handler takes the browser's WebSocket type; ws differs only in the binary data it may hand over
    const peer = socket as unknown as globalThis.WebSocket
    this.#open.add(socket)
    this.#answered.add(socket)
    socket.on('pong', () => this.#answered.add(socket))
    socket.on('message', (body, isBinary) => {
      if (isBinary) return socket.close(1003, 'text only')
      if (!pace.take()) return socket.close(1008, 'too many calls')
      this.#rpc.message(peer, body.toString(), { context: { link } }).catch(() => socket.close(1007, 'cannot be read'))
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      this.#open.delete(socket)
      this.#rpc.close(peer)
    })
  }

  close(): void {
    this.#stopPinging()
    for (const socket of this.#open) {
      socket.close(1001, 'going away')
      socket.terminate()
    }
  }

  #ping(): void {
    for (const socket of this.#open) {
      if (!this.#answered.has(socket)) socket.terminate()
      else {
        this.#answered.delete(socket)
        socket.ping()
      }
    }
  }
}
