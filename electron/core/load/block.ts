// One block of load on one engine: sends requests as the load says, and hands what arrives to the tally. It measures, so it reads the
// real time: milliseconds of performance.now().
import { Client } from 'undici'
import { dueTimes } from './arrivals.ts'
import { bodyOf, headersOf, PATHS } from './body.ts'
import { Call, NOT_SENT } from './call.ts'
import { firstLengthOf, lengthOf } from './lengths.ts'
import { promptOf } from './prompts.ts'
import { seedOf, seedOfText } from './random.ts'
import { Stream } from './stream.ts'
import { Tally } from './tally.ts'
import type { BlockOrder, Progress } from './target.ts'
import type { Calibration } from './tokens.ts'
import type { Outcome } from './wire.ts'

/** An open loop that reaches this many open streams sends no more until one ends: the engine does not keep up. */
const MOST_STREAMS = 20_000
/** A caller whose request failed waits this long: an engine that is gone is not hammered. */
const BACK_OFF_MS = 100
const PROGRESS_MS = 250
/** In a closed loop nothing is due at a time: how late this timer fires tells how late everything is. */
const LATENESS_MS = 5
/** Cool-down of an open loop: load goes on at most so long, until what was due in the window has its first token. What waits longer counts with this wait. */
const MOST_COOL_DOWN_MS = 2000
const COOL_DOWN_LOOK_MS = 10

export class Block {
  readonly #order: BlockOrder
  readonly #onProgress: (progress: Progress) => void
  readonly #tally: Tally
  readonly #window: { startMs: number; endMs: number }
  readonly #headers: Record<string, string>
  readonly #salt: number
  readonly #open = new Map<Call, Stream>()
  readonly #idle: Client[] = []
  readonly #clients = new Set<Client>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #outcome = Promise.withResolvers<Outcome | null>()
  #sent = 0
  #cpu = process.cpuUsage()
  #cpuSinceMs = 0
  #over = false

  constructor(order: BlockOrder, parts: { calibration: Calibration; onProgress(progress: Progress): void }) {
    this.#order = order
    this.#onProgress = parts.onProgress
    const beginMs = performance.now() + Math.min(1000, Math.max(0, order.startAtMs - Date.now()))
    const startMs = beginMs + order.warmUpSeconds * 1000
    this.#window = { startMs, endMs: startMs + order.seconds * 1000 }
    this.#tally = new Tally({ window: this.#window, load: order.load, calibration: parts.calibration })
    this.#headers = headersOf(order)
    this.#salt = seedOfText(order.salt)
    this.#at(beginMs, () => this.#begin(beginMs))
    this.#at(startMs, () => {
      this.#cpu = process.cpuUsage()
      this.#cpuSinceMs = performance.now()
    })
    this.#at(this.#window.endMs, () => this.#endWindow())
  }

  /** Null: it was stopped. Rejects on a bug only: failed requests are counted. */
  get outcome(): Promise<Outcome | null> {
    return this.#outcome.promise
  }

  stop(): void {
    if (this.#over) return
    this.#finish()
    this.#outcome.resolve(null)
  }

  #begin(beginMs: number): void {
    const { arrivals, seed } = this.#order.load
    this.#every(PROGRESS_MS, () => this.#report())
    if (arrivals.kind !== 'closed') return this.#keepSchedule(beginMs, dueTimes(arrivals, seed))
    this.#every(LATENESS_MS, (lateMs) => this.#tally.late(lateMs, performance.now()))
    for (let caller = 0; caller < arrivals.concurrency; caller++) this.#send(caller, { dueMs: null, caller })
    this.#sent = arrivals.concurrency
  }

  /** The open loop: what is due is sent, whatever became of what was sent before. */
  #keepSchedule(beginMs: number, nextDue: () => number): void {
    const { index, of } = this.#order.turn
    let nth = -1
    const nextOfMine = () => {
      for (;;) {
        const dueMs = beginMs + nextDue() * 1000
        nth += 1
        if (nth % of === index) return dueMs
      }
    }
    let dueMs = nextOfMine()
    const go = () => {
      for (; dueMs <= performance.now(); dueMs = nextOfMine()) this.#send(nth, { dueMs, caller: null })
      this.#at(dueMs, go)
    }
    this.#at(dueMs, go)
  }

  /** `nth` request of the load: its lengths and its prompt follow from it. */
  #send(nth: number, { dueMs, caller }: { dueMs: number | null; caller: number | null }): void {
    const { load } = this.#order
    const first = caller !== null && load.arrivals.kind === 'closed' && nth < load.arrivals.concurrency
    const wanted = lengthOf(load.output, seedOf(load.seed, 2 * nth))
    const outputTokens = first && load.arrivals.kind === 'closed' ? firstLengthOf(wanted, nth, load.arrivals.concurrency) : wanted
    const prompt = promptOf(lengthOf(load.prompt, seedOf(load.seed, 2 * nth + 1)), seedOf(this.#salt, nth))
    const body = bodyOf(this.#order, prompt, outputTokens)
    const nowMs = performance.now()
    const call = new Call({ dueMs: dueMs ?? nowMs, outputTokens, cut: outputTokens < wanted })
    if (dueMs !== null) this.#tally.late(nowMs - dueMs, nowMs)
    if (this.#open.size >= MOST_STREAMS) return this.#tally.failed(call, `${NOT_SENT}: ${MOST_STREAMS} streams were open`, nowMs)
    this.#tally.sent(nowMs)
    const kept = this.#idle.pop()
    const client = kept ?? this.#connection()
    const stream = new Stream({
      onText: (characters) => this.#tally.text(call, characters, performance.now()),
      onFinished: (usage) => {
        this.#tally.finished(call, usage, performance.now())
        this.#free(call, client)
        if (caller !== null) this.#send(this.#sent++, { dueMs: null, caller })
      },
      onFailed: (reason) => {
        const failedMs = performance.now()
        this.#tally.failed(call, reason, failedMs)
        this.#free(call, client)
        if (caller !== null) this.#at(failedMs + BACK_OFF_MS, () => this.#send(this.#sent++, { dueMs: null, caller }))
      },
    })
    this.#open.set(call, stream)
    stream.send(client, { path: PATHS[load.api], headers: this.#headers, body }, kept !== undefined)
  }

  #connection(): Client {
    const client = new Client(this.#order.target.url, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 })
    this.#clients.add(client)
    return client
  }

  #free(call: Call, client: Client): void {
    this.#open.delete(call)
    this.#idle.push(client)
  }

  #report(): void {
    const nowMs = performance.now()
    const inFlight = this.#open.size
    this.#tally.sample(inFlight, nowMs)
    this.#onProgress({
      engineName: this.#order.target.engineName, inFlight, stage: nowMs < this.#window.startMs ? 'warming' : nowMs < this.#window.endMs ? 'measuring' : 'ending',
      outputTokensPerSecond: this.#tally.takeRecent() / (PROGRESS_MS / 1000),
    })
  }

  #endWindow(): void {
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#tally.endWindow({ inFlight: this.#open.size, cpuPercent: (user + system) / 10 / (performance.now() - this.#cpuSinceMs) })
    if (this.#order.load.arrivals.kind === 'closed') return this.#end()
    this.#every(COOL_DOWN_LOOK_MS, () => {
      const over = performance.now() >= this.#window.endMs + MOST_COOL_DOWN_MS
      if (over || ![...this.#open.keys()].some((call) => this.#tally.awaits(call))) this.#end()
    }, performance.now())
  }

  #end(): void {
    const open = [...this.#open.keys()]
    this.#finish()
    this.#outcome.resolve(this.#tally.close(open, performance.now()))
  }

  #finish(): void {
    this.#over = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    for (const stream of this.#open.values()) stream.forget()
    for (const client of this.#clients) void client.destroy()
  }

  #at(ms: number, call: () => void): void {
    if (this.#over) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#over) call()
    }, Math.max(0, ms - performance.now()))
    this.#timers.add(timer)
  }

  /** Without drift; a turn that is late is told how late, and missed ones are skipped. */
  #every(ms: number, call: (lateMs: number) => void, dueMs = performance.now() + ms): void {
    this.#at(dueMs, () => {
      const lateMs = performance.now() - dueMs
      call(lateMs)
      this.#every(ms, call, dueMs + ms * Math.max(1, Math.ceil(lateMs / ms)))
    })
  }
}
