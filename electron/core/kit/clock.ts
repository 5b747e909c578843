// Time as a part that can be exchanged: tests move it by hand and never sleep.

export interface Clock {
  /** Epoch milliseconds: for what is shown, stored or compared with other people's times. It may be set, and so jump. */
  now(): number
  /** Milliseconds since some moment, for deadlines and durations: a wall clock that is set does not touch it, nor does a machine that sleeps. */
  steady(): number
  /** Calls once after `ms`; the returned function cancels. */
  after(ms: number, call: () => void): () => void
  /** Calls every `ms` without drift (next deadline = last deadline + ms; missed ones are skipped); the returned function ends it. */
  every(ms: number, call: () => void): () => void
  /** Resolves after `ms`, or at once when the signal is aborted (look at the signal afterwards). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

const sleepOn = (clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const cancel = clock.after(ms, done)
    function done() {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted() {
      cancel()
      resolve()
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  every(ms, call) {
    // performance.now(): a corrected wall clock must not stop the ticking
    let due = performance.now() + ms
    let timer = setTimeout(tick, ms)
    function tick() {
      const now = performance.now()
      due += ms * Math.max(1, Math.floor((now - due) / ms) + 1)
      timer = setTimeout(tick, due - now)
      call()
    }
    return () => clearTimeout(timer)
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
}

/** A clock that stands still until `advance` is called. */
export class HandClock implements Clock {
  #now: number
  #setByMs = 0
  #due: { atMs: number; call: () => void; everyMs: number | null }[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs
  }

  now(): number {
    return this.#now + this.#setByMs
  }

  /** As if somebody set the wall clock forward by so much, or back. */
  setWall(byMs: number): void {
    this.#setByMs += byMs
  }

  steady(): number {
    return this.#now
  }

  after(ms: number, call: () => void): () => void {
    return this.#add(ms, call, null)
  }

  every(ms: number, call: () => void): () => void {
    return this.#add(ms, call, ms)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  /** Moves time; everything due is called in order, with microtasks run in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      await settle()
      const next = this.#due.filter((entry) => entry.atMs <= until).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#now = Math.max(this.#now, next.atMs)
      if (next.everyMs === null) this.#due.splice(this.#due.indexOf(next), 1)
      else next.atMs += next.everyMs
      next.call()
    }
    this.#now = until
    await settle()
  }

  #add(ms: number, call: () => void, everyMs: number | null): () => void {
    const entry = { atMs: this.#now + ms, call, everyMs }
    this.#due.push(entry)
    return () => {
      const at = this.#due.indexOf(entry)
      if (at >= 0) this.#due.splice(at, 1)
    }
  }
}

/** Lets promise callbacks (and one turn of the event loop) run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
