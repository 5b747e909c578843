// Small pages of one engine on this machine, asked for one after another over a connection that is kept. Not fetch, undici or node:http: what they
// make for each request (streams, signals, headers, one buffer per read) costs two to three times the page, sixteen times a second.
import { connect, type Socket } from 'node:net'
import type { Clock } from '../kit/clock.ts'
import { HttpAnswer } from './httpAnswer.ts'

/** Silence while connecting, before an answer and within one. Between two questions it closes the connection. */
const SILENT_MS = 2_000
/** Of a page that comes in drops: each of them puts the silence off. */
const WHOLE_PAGE_MS = 4_000
const PAGE_BYTES = 1024 * 1024
/** Every connection reads into it: what came is taken out before the next one reads. */
const BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

interface Asked {
  answer: HttpAnswer
  /** On the steady clock. */
  untilMs: number
  settle(error: Error | null): void
}

export class KeptConnection {
  readonly #clock: Clock
  #socket: Socket | null = null
  #port = 0
  #asked: Asked | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One at a time. Rejects for whatever is not a whole page in time. The text is read byte by byte: only its ASCII is what was sent. */
  get(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = requestText(port, path, headers)
      if (this.#port !== port) this.#socket?.destroy()
      const answer = new HttpAnswer(PAGE_BYTES)
      const socket = this.#socket === null || this.#socket.destroyed ? this.#open(port) : this.#socket
      this.#asked = {
        answer, untilMs: this.#clock.steady() + WHOLE_PAGE_MS,
        settle: (error) => {
          this.#asked = null
          if (error !== null || !answer.keeps) socket.destroy()
          if (error === null) resolve(answer)
          else reject(error)
        },
      }
      socket.write(request, 'latin1')
    })
  }

  #open(port: number): Socket {
    const onread = {
      buffer: BUFFER,
      callback: (bytes: number) => {
        this.#arrived(socket, BUFFER.subarray(0, bytes))
        return true
      },
    }
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, timeout: SILENT_MS, onread })
    socket.unref() // a kept connection is no reason to live
    socket.on('timeout', () => socket.destroy(new Error('nothing came in time')))
    socket.on('error', () => {})
    socket.on('close', (failed) => {
      if (this.#socket === socket) this.#asked?.settle(!failed && this.#asked.answer.end() ? null : new Error('the connection ended'))
    })
    this.#socket = socket
    this.#port = port
    return socket
  }

  #arrived(socket: Socket, bytes: Buffer): void {
    const asked = this.#asked
    if (asked === null || this.#socket !== socket) return void socket.destroy() // nothing was asked for
    try {
      if (this.#clock.steady() > asked.untilMs) throw new Error('the page is too slow')
      asked.answer.push(bytes)
      if (asked.answer.done) asked.settle(null)
    } catch (error) {
      asked.settle(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Throws where a path or header would be more than one line, or no text of HTTP. */
function requestText(port: number, path: string, headers: Readonly<Record<string, string>>): string {
  const lines = [`GET ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
  if (!/^\/[\x21-\x7e\x80-\xff]*$/.test(path) || !lines.every((line) => /^[\t\x20-\x7e\x80-\xff]*$/.test(line))) throw new Error('the path or a header cannot be sent')
  return `${lines.join('\r\n')}\r\n\r\n`
}
