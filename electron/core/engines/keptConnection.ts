// Small pages of one engine on this machine, asked for one after another over a connection that is kept. Not fetch: what it makes for each
// request (streams, signals, headers) costs more than the page, sixteen times a second.
import { Agent, get } from 'node:http'
import type { Clock } from '../kit/clock.ts'

/** Silence while connecting, before an answer and within one. */
const SILENT_MS = 2_000
/** Of a page that comes in drops: each of them puts the silence off. */
const WHOLE_PAGE_MS = 4_000
const PAGE_BYTES = 1024 * 1024

interface Page {
  /** HTTP status. */
  status: number
  text: string
}

export class KeptConnection {
  readonly #clock: Clock
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rejects for whatever is not a whole page in time. */
  get(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Page> {
    return new Promise((resolve, reject) => {
      const untilMs = this.#clock.steady() + WHOLE_PAGE_MS
      const request = get({ host: '127.0.0.1', port, path, headers, agent: this.#agent, timeout: SILENT_MS }, (response) => {
        let text = ''
        response.setEncoding('latin1') // what is read of a metrics page is ASCII
        response.on('data', (part: string) => {
          text += part
          if (text.length > PAGE_BYTES) request.destroy(new Error('the page is too large'))
          else if (this.#clock.steady() > untilMs) request.destroy(new Error('the page is too slow'))
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', reject)
      })
      request.on('timeout', () => request.destroy(new Error('nothing came in time')))
      request.on('error', reject)
      request.on('close', () => reject(new Error('the connection is no longer for pages'))) // an answer that switches protocols: neither a response nor an error
    })
  }
}
