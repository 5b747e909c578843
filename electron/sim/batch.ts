// The requests of one engine: continuous batching over simulated time. Knows no GPU and no HTTP; counts every token exactly.

export interface BatchRequest {
  promptTokens: number
  maxTokens: number
  arrivedMs: number
  /** Called at most once per advance with the tokens made in it; `finished` exactly once. */
  onTokens(count: number, finished: boolean): void
}

interface Running {
  request: BatchRequest
  /** Seconds from its arrival to its place in the batch. */
  queuedS: number
  admittedMs: number
  prefillTotalS: number
  /** Still to come. */
  prefillS: number
  /** With the fraction that is not a whole token yet. */
  generated: number
  reported: number
}

export interface Pace {
  /** Seconds per decode step; Infinity: the GPU gives nothing. */
  stepS: number
  prefillTokensPerSecond: number
  prefillFixedS: number
}

export class Histogram {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0).concat(0)
  }

  observe(value: number, times = 1): void {
    const at = this.bounds.findIndex((bound) => value <= bound)
    const slot = at === -1 ? this.bounds.length : at
    this.counts[slot] = (this.counts[slot] ?? 0) + times
    this.sum += value * times
  }
}

const SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160] as const

export class Batch {
  readonly #maxSequences: number
  readonly #kvTokens: number
  readonly #running = new Set<Running>()
  readonly #waiting: BatchRequest[] = []
  promptTokensTotal = 0
  generationTokensTotal = 0
  finishedTotal = 0
  readonly timeToFirstToken = new Histogram(SECONDS)
  readonly interTokenLatency = new Histogram(SECONDS)
  readonly requestLatency = new Histogram(SECONDS)

  constructor(limits: { maxSequences: number; kvTokens: number }) {
    this.#maxSequences = limits.maxSequences
    this.#kvTokens = limits.kvTokens
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Mean tokens per running sequence. */
  get contextTokens(): number {
    return this.#running.size === 0 ? 0 : this.#heldTokens() / this.#running.size
  }

  get kvUsage(): number {
    return this.#kvTokens === 0 ? 0 : Math.min(1, this.#heldTokens() / this.#kvTokens)
  }

  submit(request: BatchRequest): void {
    this.#waiting.push(request)
  }

  /** The caller is gone: no more tokens, no count of a finished request. */
  drop(request: BatchRequest): void {
    const at = this.#waiting.indexOf(request)
    if (at !== -1) this.#waiting.splice(at, 1)
    for (const one of this.#running) if (one.request === request) this.#running.delete(one)
  }

  /** Lets `seconds` pass, ending at nowMs. A place that becomes free is taken in the same instant. */
  advance(seconds: number, pace: Pace, nowMs: number): void {
    for (const one of [...this.#running]) this.#runOn(one, seconds, pace, nowMs)
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const waited = Math.min(seconds, Math.max(0, (nowMs - next.arrivedMs) / 1000))
      const one = this.#admit(pace, nowMs - waited * 1000)
      if (!one) break
      this.#runOn(one, waited, pace, nowMs)
    }
  }

  /** Runs one sequence, and in its place those that follow it, until the time is used up. */
  #runOn(first: Running, seconds: number, pace: Pace, nowMs: number): void {
    let left = seconds
    for (let one: Running | null = first; one; one = left > 0 ? this.#admit(pace, nowMs - left * 1000) : null) left = this.#run(one, left, pace, nowMs)
  }

  /** Seconds left over when the sequence finished; 0 while it goes on. */
  #run(one: Running, seconds: number, pace: Pace, nowMs: number): number {
    const prefill = Math.min(one.prefillS, seconds)
    one.prefillS -= prefill
    const wanted = one.request.maxTokens - one.generated
    const made = one.prefillS > 0 ? 0 : Math.min(wanted, (seconds - prefill) / pace.stepS)
    one.generated += made
    const finished = one.request.maxTokens - one.generated < 1e-9
    const left = finished ? Math.max(0, seconds - prefill - made * pace.stepS) : 0
    const whole = finished ? one.request.maxTokens : Math.floor(one.generated + 1e-9)
    const count = whole - one.reported
    if (count > 0 && one.reported === 0) this.timeToFirstToken.observe(one.queuedS + one.prefillTotalS + pace.stepS)
    if (count > 0) this.interTokenLatency.observe(pace.stepS, one.reported === 0 ? count - 1 : count)
    one.reported = whole
    this.generationTokensTotal += count
    if (finished) {
      this.#running.delete(one)
      this.finishedTotal += 1
      this.requestLatency.observe(one.queuedS + (nowMs - one.admittedMs) / 1000 - left)
    }
    if (count > 0 || finished) one.request.onTokens(count, finished)
    return left
  }

  #admit(pace: Pace, atMs: number): Running | null {
    const next = this.#waiting[0]
    if (!next || this.#running.size >= this.#maxSequences) return null
    if (this.#running.size > 0 && this.#heldTokens() + next.promptTokens + next.maxTokens > this.#kvTokens) return null
    this.#waiting.shift()
    const prefillS = pace.prefillFixedS + next.promptTokens / pace.prefillTokensPerSecond
    const one: Running = { request: next, queuedS: Math.max(0, (atMs - next.arrivedMs) / 1000), admittedMs: atMs, prefillTotalS: prefillS, prefillS, generated: 0, reported: 0 }
    this.promptTokensTotal += next.promptTokens
    this.#running.add(one)
    return one
  }

  #heldTokens(): number {
    let held = 0
    for (const one of this.#running) held += one.request.promptTokens + one.generated
    return held
  }
}
