// The metrics page of one engine, read once per tick: one reading at a time, a short past, rates out of both.
import { Agent, request } from 'undici'
import type { EngineRates } from '../../../shared/engine.ts'
import type { Clock } from '../kit/clock.ts'
import { parseMetrics } from './prometheus.ts'
import { LOOK_BACK_MS, NO_RATES, WANTED_SERIES, ratesOf, readingOf, type Reading } from './rates.ts'
import { authorization } from './readiness.ts'
import type { Doors } from './recipes/recipe.ts'

const TIMEOUT_MS = 2_000
/** Of a page that comes in drops: each of them would begin the time limit anew. */
const WHOLE_PAGE_MS = 4_000
const PAGE_BYTES = 1024 * 1024
/** Not fetch: its headers and signals cost more than the page, sixteen times a second. */
const CONNECTIONS = new Agent({ connections: 1, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, connect: { timeout: TIMEOUT_MS } })

/** A rate older than this is no longer shown as the present one. */
const STALE_MS = 5_000

export class Scraper {
  readonly #clock: Clock
  #past: Reading[] = []
  #reading = false
  #rates: EngineRates = NO_RATES

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Null values with the time of the last reading when that is too long ago. */
  get rates(): EngineRates {
    const { readAtMs } = this.#rates
    return readAtMs !== null && this.#clock.now() - readAtMs > STALE_MS ? { ...NO_RATES, readAtMs } : this.#rates
  }

  /** Forgets everything: the counters of another process mean nothing. */
  reset(): void {
    this.#past = []
    this.#rates = NO_RATES
  }

  /** Reads once unless a reading is under way. A page that cannot be read changes nothing: its age shows. */
  async read(port: number, doors: Doors): Promise<void> {
    if (doors.metricsPath === null || this.#reading) return
    this.#reading = true
    const past = this.#past
    try {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}${doors.metricsPath}`, { dispatcher: CONNECTIONS, headers: authorization(doors) })
      const text = await this.#bounded(body)
      if (statusCode === 200 && past === this.#past) this.#take(readingOf(parseMetrics(text, WANTED_SERIES), this.#clock.now()))
    } catch {
      // not there yet, busy, or gone: said by readAtMs
    } finally {
      this.#reading = false
    }
  }

  #take(current: Reading): void {
    const last = this.#past.at(-1)
    const startedAnew = last?.generated != null && current.generated !== null && current.generated < last.generated
    this.#past = startedAnew ? [] : this.#past.filter((reading) => current.atMs - reading.atMs <= LOOK_BACK_MS.atRequestEnd + 1_000)
    this.#rates = ratesOf(this.#past, current)
    this.#past.push(current)
  }

  async #bounded(body: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = []
    const untilMs = this.#clock.steady() + WHOLE_PAGE_MS
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > PAGE_BYTES || this.#clock.steady() > untilMs) throw new Error('the page is too large or too slow') // leaving the loop closes the connection
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}

