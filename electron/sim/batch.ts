// The requests of one engine: continuous batching, step by step in simulated time. Knows no GPU and no HTTP; counts every token exactly.

export interface BatchRequest {
  promptTokens: number
  maxTokens: number
  arrivedMs: number
  /** Called at most once per advance with the tokens made in it; `finished` exactly once. */
  onTokens(count: number, finished: boolean): void
}

interface Running {
  request: BatchRequest
  /** Prompt tokens still to be worked on. */
  prefillLeft: number
  generated: number
  reported: number
}

export interface Pace {
  /** Seconds of a step that works on so many prompt tokens beside one token of everyone who has his prompt behind him. Infinity: the GPU gives nothing. */
  stepSeconds(prefillTokens: number): number
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
/** Prompt tokens in one step, at most. vLLM takes 8192 on a large GPU; shorter steps make a smoother picture. */
const CHUNK_TOKENS = 2048
/** The machine slept: what was missed is not made up for. */
const MOST_AT_ONCE_MS = 5000
/** Weight of the newest step in the mean of prompt tokens per step. */
const NEWEST = 0.02

export class Batch {
  readonly #maxSequences: number
  readonly #kvTokens: number
  readonly #running = new Map<BatchRequest, Running>()
  readonly #waiting: BatchRequest[] = []
  #nowMs: number
  #heldTokens = 0
  #prefillLeft = 0
  #prefillMean = 0
  promptTokensTotal = 0
  generationTokensTotal = 0
  finishedTotal = 0
  readonly timeToFirstToken = new Histogram(SECONDS)
  readonly interTokenLatency = new Histogram(SECONDS)
  readonly requestLatency = new Histogram(SECONDS)

  constructor(limits: { maxSequences: number; kvTokens: number }, nowMs: number) {
    this.#maxSequences = limits.maxSequences
    this.#kvTokens = limits.kvTokens
    this.#nowMs = nowMs
  }

  /** The end of the last whole step: at most one step behind the time it was advanced to. */
  get nowMs(): number {
    return this.#nowMs
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Mean tokens per running sequence. */
  get contextTokens(): number {
    return this.#running.size === 0 ? 0 : this.#heldTokens / this.#running.size
  }

  get kvUsage(): number {
    return this.#kvTokens === 0 ? 0 : Math.min(1, this.#heldTokens / this.#kvTokens)
  }

  /** Prompt tokens per step, mean of the last 50 or so. */
  get prefillTokens(): number {
    return this.#running.size === 0 ? 0 : this.#prefillMean
  }

  submit(request: BatchRequest): void {
    this.#waiting.push(request)
  }

  /** The caller is gone: no more tokens, no count of a finished request. */
  drop(request: BatchRequest): void {
    const at = this.#waiting.indexOf(request)
    if (at !== -1) this.#waiting.splice(at, 1)
    const one = this.#running.get(request)
    if (one) this.#forget(one)
  }

  /** All steps that end by nowMs. A place that becomes free is taken in the next step. */
  advance(nowMs: number, pace: Pace): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs - MOST_AT_ONCE_MS)
    const decodeS = pace.stepSeconds(0)
    while (this.#admit(nowMs)) {
      const chunk = Math.min(CHUNK_TOKENS, this.#prefillLeft)
      const seconds = chunk === 0 ? decodeS : pace.stepSeconds(chunk)
      if (!(this.#nowMs + seconds * 1000 <= nowMs)) break
      this.#nowMs += seconds * 1000
      this.#step(chunk, seconds)
    }
    for (const one of this.#running.values()) this.#report(one, false)
  }

  /** Takes in who has arrived and fits. With nobody at work, time passes until someone comes; false: until nowMs nobody does. */
  #admit(nowMs: number): boolean {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#running.size === 0) this.#nowMs = Math.max(this.#nowMs, Math.min(next.arrivedMs, nowMs))
      if (next.arrivedMs > this.#nowMs || this.#running.size >= this.#maxSequences) break
      if (this.#running.size > 0 && this.#heldTokens + next.promptTokens + next.maxTokens > this.#kvTokens) break
      this.#waiting.shift()
      this.#running.set(next, { request: next, prefillLeft: next.promptTokens, generated: 0, reported: 0 })
      this.#heldTokens += next.promptTokens
      this.#prefillLeft += next.promptTokens
    }
    if (this.#running.size === 0) this.#nowMs = Math.max(this.#nowMs, nowMs)
    return this.#running.size > 0
  }

  #step(chunk: number, seconds: number): void {
    this.#prefillMean += NEWEST * (chunk - this.#prefillMean)
    this.#prefillLeft -= chunk
    this.promptTokensTotal += chunk
    let left = chunk
    let following = 0
    for (const one of this.#running.values()) {
      const part = Math.min(left, one.prefillLeft)
      one.prefillLeft -= part
      left -= part
      if (one.prefillLeft > 0) continue // the step that ends a prompt makes its first token
      one.generated += 1
      this.#heldTokens += 1
      this.generationTokensTotal += 1
      if (one.generated > 1) following += 1
      else this.timeToFirstToken.observe((this.#nowMs - one.request.arrivedMs) / 1000)
      if (one.generated >= one.request.maxTokens) this.#finish(one)
    }
    if (following > 0) this.interTokenLatency.observe(seconds, following)
  }

  #finish(one: Running): void {
    this.#forget(one)
    this.finishedTotal += 1
    this.requestLatency.observe((this.#nowMs - one.request.arrivedMs) / 1000)
    this.#report(one, true)
  }

  #forget(one: Running): void {
    this.#running.delete(one.request)
    this.#heldTokens -= one.request.promptTokens + one.generated
    this.#prefillLeft -= one.prefillLeft
  }

  #report(one: Running, finished: boolean): void {
    const count = one.generated - one.reported
    one.reported = one.generated
    if (count > 0 || finished) one.request.onTokens(count, finished)
  }
}
