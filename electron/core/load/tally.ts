// The count of one block on one engine: what happened within the measuring window, and what it comes to. Told the time, it reads no clock.
import type { Load, LoadResult } from '../../../shared/load.ts'
import type { Call } from './call.ts'
import { growthOf } from './growth.ts'
import { Histogram } from './histogram.ts'
import { A_CHUNK_A_TOKEN, type Calibration, tokensIn, tokensInChunk, type Worth, worthOf } from './tokens.ts'
import type { Outcome } from './wire.ts'

export interface Usage {
  promptTokens: number
  outputTokens: number
}

const MOST_FAILURES = 5
/** Gaps kept of one request until its usage is known; more are counted with what the engine's other requests taught. */
const MOST_GAPS = 16_384

export class Tally {
  readonly #window: { startMs: number; endMs: number }
  readonly #load: Load
  readonly #calibration: Calibration
  readonly #latencies = { ttftMs: new Histogram(), itlMs: new Histogram(), tpotMs: new Histogram(), endToEndMs: new Histogram() }
  readonly #late = new Histogram()
  readonly #failures = new Map<string, number>()
  readonly #inFlight: { seconds: number; value: number }[] = []
  readonly #recent = { chunks: 0, characters: 0 }
  #count = { sent: 0, finished: 0, failed: 0, cutOff: 0, good: 0, short: 0 }
  #promptTokens = 0
  #outputTokens = 0
  #allByUsage = true
  #cpuPercent = 0

  constructor(parts: { window: { startMs: number; endMs: number }; load: Load; calibration: Calibration }) {
    this.#window = parts.window
    this.#load = parts.load
    this.#calibration = parts.calibration
  }

  sent(nowMs: number): void {
    if (this.#isWithin(nowMs)) this.#count.sent += 1
  }

  /** How late something was that was due; in the open loop, a request. */
  late(ms: number, nowMs: number): void {
    if (this.#isWithin(nowMs)) this.#late.record(ms)
  }

  /** An event with text arrived. */
  text(call: Call, characters: number, nowMs: number): void {
    call.arrived.chunks += 1
    call.arrived.characters += characters
    this.#recent.chunks += 1
    this.#recent.characters += characters
    const before = call.firstMs === null ? null : call.lastMs
    call.firstMs ??= nowMs
    call.lastMs = nowMs
    if (before === null && this.#isWithin(this.#isOpenLoop ? call.dueMs : nowMs)) this.#latencies.ttftMs.record(nowMs - call.dueMs)
    if (!this.#isWithin(nowMs)) return
    call.within.chunks += 1
    call.within.characters += characters
    if (before === null) return
    call.gapsMs.push(nowMs - before)
    call.gapCharacters.push(characters)
    if (call.gapsMs.length >= MOST_GAPS) this.#settleGaps(call, this.#worthSoFar)
  }

  finished(call: Call, usage: Usage | null, nowMs: number): void {
    if (usage !== null && call.arrived.chunks > 0) this.#calibration.learn(usage.outputTokens, call.arrived)
    const worth = usage === null ? this.#worthSoFar : worthOf(usage.outputTokens, call.arrived)
    this.#settle(call, worth)
    if (!this.#isWithin(nowMs)) return
    if (usage === null) this.#allByUsage = false
    // tokens without any text (half a character, a special one) have no other time than the end
    if (call.arrived.chunks === 0) this.#outputTokens += usage?.outputTokens ?? 0
    this.#count.finished += 1
    this.#promptTokens += usage?.promptTokens ?? 0
    if (usage !== null && this.#load.ignoreEos && usage.outputTokens < call.outputTokens) this.#count.short += 1
    const endToEndMs = nowMs - call.dueMs
    const ttftMs = call.firstMs === null ? null : call.firstMs - call.dueMs
    const tokens = usage?.outputTokens ?? tokensIn(call.arrived, worth)
    const tpotMs = ttftMs === null || tokens < 2 ? null : (endToEndMs - ttftMs) / (tokens - 1)
    if (!call.cut) this.#latencies.endToEndMs.record(endToEndMs)
    if (tpotMs !== null) this.#latencies.tpotMs.record(tpotMs)
    if (this.#isGood(ttftMs, tpotMs, endToEndMs)) this.#count.good += 1
  }

  /** What had arrived of it counts: the engine made those tokens. */
  failed(call: Call, reason: string, nowMs: number): void {
    this.#settle(call, this.#worthSoFar)
    if (!this.#isWithin(nowMs)) return
    this.#count.failed += 1
    if (this.#failures.has(reason) || this.#failures.size < MOST_FAILURES) this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1)
  }

  /** How many streams are open. */
  sample(inFlight: number, nowMs: number): void {
    if (this.#isWithin(nowMs)) this.#inFlight.push({ seconds: (nowMs - this.#window.startMs) / 1000, value: inFlight })
  }

  /** Output tokens since the last call, as well as is known by now. */
  takeRecent(): number {
    const tokens = tokensIn(this.#recent, this.#worthSoFar)
    Object.assign(this.#recent, { chunks: 0, characters: 0 })
    return tokens
  }

  endWindow({ inFlight, cpuPercent }: { inFlight: number; cpuPercent: number }): void {
    this.#count.cutOff = inFlight
    this.#cpuPercent = cpuPercent
  }

  /** Whether its first token belongs to this block and is still to come: a schedule is judged by what was due, not by what was answered in time. */
  awaits(call: Call): boolean {
    return this.#isOpenLoop && call.firstMs === null && this.#isWithin(call.dueMs)
  }

  /** `open`: requests that still run. Those whose first token never came have waited at least this long. */
  close(open: Iterable<Call>, nowMs: number): Outcome {
    for (const call of open) {
      if (this.awaits(call)) this.#latencies.ttftMs.record(nowMs - call.dueMs)
      if (call.within.chunks > 0 && this.#calibration.worth === null) this.#allByUsage = false
      this.#settle(call, this.#worthSoFar)
    }
    const { ttftMs, itlMs, tpotMs, endToEndMs } = this.#latencies
    return {
      result: { ...this.#rates(), ttftMs: ttftMs.percentiles, itlMs: itlMs.percentiles, tpotMs: tpotMs.percentiles, endToEndMs: endToEndMs.percentiles, client: this.#client() },
      spread: { ttftMs: ttftMs.encoded(), itlMs: itlMs.encoded(), tpotMs: tpotMs.encoded(), endToEndMs: endToEndMs.encoded() },
    }
  }

  #rates(): Omit<LoadResult, 'client' | keyof Outcome['spread']> {
    const windowSeconds = Math.round(this.#window.endMs - this.#window.startMs) / 1000
    const { sent, finished, failed, cutOff, good, short } = this.#count
    return {
      windowSeconds, requests: { sent, finished, failed, cutOff }, failures: [...this.#failures].map(([reason, times]) => (times === 1 ? reason : `${reason} (${times} times)`)),
      promptTokens: this.#promptTokens, outputTokens: this.#outputTokens, outputTokensPerSecond: this.#outputTokens / windowSeconds,
      requestsPerSecond: finished / windowSeconds, goodputPerSecond: this.#load.goodput === null ? null : good / windowSeconds,
      shortOutputs: short, countedByUsage: this.#allByUsage,
    }
  }

  #client(): LoadResult['client'] {
    const growth = growthOf(this.#inFlight)
    return {
      cpuPercent: this.#cpuPercent, lateMsP99: this.#late.percentile(99) ?? 0,
      inFlight: this.#count.cutOff, inFlightSlope: growth?.slope ?? null, inFlightSlopeLow: growth?.low ?? null,
    }
  }

  get #worthSoFar(): Worth {
    return this.#calibration.worth ?? A_CHUNK_A_TOKEN
  }

  get #isOpenLoop(): boolean {
    return this.#load.arrivals.kind !== 'closed'
  }

  #isWithin(nowMs: number): boolean {
    return nowMs >= this.#window.startMs && nowMs < this.#window.endMs
  }

  #isGood(ttftMs: number | null, tpotMs: number | null, endToEndMs: number): boolean {
    const limits = this.#load.goodput
    const meets = (value: number | null, limit: number | null) => value === null || limit === null || value <= limit
    // an answer without any text met no limit of its beginning
    return limits !== null && (ttftMs !== null || limits.ttftMs === null) && meets(ttftMs, limits.ttftMs) && meets(tpotMs, limits.tpotMs) && meets(endToEndMs, limits.endToEndMs)
  }

  #settle(call: Call, worth: Worth): void {
    this.#outputTokens += tokensIn(call.within, worth)
    this.#settleGaps(call, worth)
  }

  #settleGaps(call: Call, worth: Worth): void {
    call.gapsMs.forEach((gapMs, at) => {
      const tokens = tokensInChunk(call.gapCharacters[at] ?? 0, worth)
      this.#latencies.itlMs.record(gapMs / tokens, tokens)
    })
    call.gapsMs = []
    call.gapCharacters = []
  }
}
