// The metrics page of one engine, read once per tick: one reading at a time, a short past, rates out of both.
import type { EngineRates } from '../../../shared/engine.ts'
import type { Clock } from '../kit/clock.ts'
import { KeptConnection } from './keptConnection.ts'
import { parseMetrics } from './prometheus.ts'
import { LOOK_BACK_MS, NO_RATES, WANTED_LINES, ratesOf, readingOf, type Reading } from './rates.ts'
import { authorization } from './readiness.ts'
import type { Doors } from './recipes/recipe.ts'

/** A rate older than this is no longer shown as the present one. */
const STALE_MS = 5_000

export class Scraper {
  readonly #clock: Clock
  readonly #connection: KeptConnection
  #past: Reading[] = []
  #reading = false
  #rates: EngineRates = NO_RATES
  /** On the steady clock, as the times of the past. */
  #readAtMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
    this.#connection = new KeptConnection(clock)
  }

  /** Null values with the time of the last reading when that is too long ago. */
  get rates(): EngineRates {
    const { readAtMs } = this.#rates
    return readAtMs !== null && this.#clock.steady() - this.#readAtMs > STALE_MS ? { ...NO_RATES, readAtMs } : this.#rates
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
      const { status, text } = await this.#connection.get(port, doors.metricsPath, authorization(doors))
      if (status === 200 && past === this.#past) this.#take(readingOf(parseMetrics(text, WANTED_LINES), this.#clock.steady()))
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
    this.#rates = ratesOf(this.#past, current, this.#clock.now())
    this.#readAtMs = current.atMs
    this.#past.push(current)
  }
}
