// Streams that a slow reader cannot grow. oRPC writes as fast as a producer yields, so the producer is held back here:
// at most `unacknowledged` items are on their way to a reader that acknowledges, and none while its socket is full.
import type { Feed, Topic } from './topic.ts'

interface Envelope<Item> {
  stream: string
  seq: number
  dropped: number
  item: Item
}

interface FeedItem<Entry> {
  kind: 'snapshot' | 'changes'
  entries: Entry[]
}

/** Bytes waiting in a socket above which nothing more is written to it. */
const FULL_BYTES = 1024 * 1024
/** Only for a full socket: its draining is not announced, so it is looked at again after this long. */
const FULL_RECHECK_MS = 100

/** One reader's end of a link: knows what it has acknowledged. 'pulled' links (HTTP) hold the producer back by themselves. */
export class ReaderLink {
  readonly #acknowledges: boolean
  readonly #unacknowledged: number
  readonly #bufferedBytes: () => number
  readonly #streams = new Map<string, { sent: number; acknowledged: number; wake: () => void }>()
  #opened = 0

  constructor(link: { acknowledges: boolean; unacknowledged: number; bufferedBytes?: () => number }) {
    this.#acknowledges = link.acknowledges
    this.#unacknowledged = link.unacknowledged
    this.#bufferedBytes = link.bufferedBytes ?? (() => 0)
  }

  open(): string {
    const stream = `s${++this.#opened}`
    this.#streams.set(stream, { sent: 0, acknowledged: 0, wake: () => {} })
    return stream
  }

  close(stream: string): void {
    this.#streams.delete(stream)
  }

  /** False: no such stream (it may just have ended). */
  acknowledge(stream: string, seq: number): boolean {
    const open = this.#streams.get(stream)
    if (!open) return false
    // nobody can have taken in what was not sent
    open.acknowledged = Math.max(open.acknowledged, Math.min(seq, open.sent))
    open.wake()
    return true
  }

  /** Resolves when item `seq` may be sent, or the signal is aborted. */
  async ready(stream: string, seq: number, signal: AbortSignal): Promise<void> {
    if (!this.#acknowledges) return
    for (;;) {
      const open = this.#streams.get(stream)
      if (!open || signal.aborted) return
      const full = this.#bufferedBytes() > FULL_BYTES
      if (!full && seq - open.acknowledged <= this.#unacknowledged) {
        open.sent = seq
        return
      }
      await new Promise<void>((resolve) => {
        const timer = full ? setTimeout(done, FULL_RECHECK_MS) : undefined // real time: a socket's buffer empties by no other clock
        open.wake = done
        signal.addEventListener('abort', done, { once: true })
        function done() {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          resolve()
        }
      })
    }
  }
}

/** The newest value, now and after every change; what a slow reader did not get to see is skipped. Null: there is none yet, and it is waited for. */
export const latest = <Value>(link: ReaderLink, topic: Topic<Value>, signal: AbortSignal) => newest<Value, NonNullable<Value>>(link, topic, signal, topic.value !== null && topic.value !== undefined)

/** The same where null is an answer, such as "nobody": a reader that comes back must not keep what was before. */
export const latestOrNone = <Value>(link: ReaderLink, topic: Topic<Value>, signal: AbortSignal) => newest<Value, Value>(link, topic, signal, true)

async function* newest<Value, Item extends Value>(link: ReaderLink, topic: Topic<Value>, signal: AbortSignal, atOnce: boolean): AsyncGenerator<Envelope<Item>, void, undefined> {
  let fresh = atOnce
  let wake = () => {}
  const unsubscribe = topic.subscribe(() => {
    fresh = true
    wake()
  })
  yield* send(link, signal, unsubscribe, {
    pending: () => fresh,
    onWake: (call) => (wake = call),
    take() {
      fresh = false
      return { dropped: 0, item: topic.value as Item }
    },
  })
}

interface Cap {
  entries: number
  /** Of all waiting entries together: strings as they are, others as JSON. */
  characters: number
}

/** Of one item: a reader that falls behind again and again has as many items as it may leave unacknowledged, and none of them is a whole queue. */
const ITEM_CHARACTERS = 256 * 1024

const weight = (entry: unknown): number => (typeof entry === 'string' ? entry.length : JSON.stringify(entry).length)

/** What is kept, then every entry in order; what a slow reader has not taken and exceeds `cap` is dropped, oldest first, and counted. */
export async function* every<Entry>(
  link: ReaderLink,
  source: { snapshot: () => Promise<Entry[]> | Entry[]; subscribe: Feed<Entry>['subscribe'] },
  cap: Cap,
  signal: AbortSignal,
): AsyncGenerator<Envelope<FeedItem<Entry>>, void, undefined> {
  let queue: Entry[] = []
  let characters = 0
  let dropped = 0
  let first: Entry[] | null = null
  let wake = () => {}
  const unsubscribe = source.subscribe((entry) => {
    queue.push(entry)
    characters += weight(entry)
    if (queue.length > cap.entries || characters > cap.characters) {
      // a quarter at once: shifting one by one would be quadratic under a flood
      let cut = 0
      while (cut < queue.length && (queue.length - cut > cap.entries * 0.75 || characters > cap.characters * 0.75)) characters -= weight(queue[cut++])
      queue = queue.slice(cut)
      dropped += cut
    }
    wake()
  })
  const nextFew = (): Entry[] => {
    let size = 0
    let count = 0
    while (count < queue.length && (count === 0 || size < ITEM_CHARACTERS)) size += weight(queue[count++])
    characters -= size
    return queue.splice(0, count)
  }
  try {
    first = await source.snapshot()
  } catch (error) {
    unsubscribe()
    throw error
  }
  yield* send(link, signal, unsubscribe, {
    pending: () => first !== null || queue.length > 0,
    onWake: (call) => (wake = call),
    take() {
      const item: FeedItem<Entry> = first ? { kind: 'snapshot', entries: first } : { kind: 'changes', entries: nextFew() }
      const answer = { dropped, item }
      first = null
      dropped = 0
      return answer
    },
  })
}

async function* send<Item>(
  link: ReaderLink,
  signal: AbortSignal,
  unsubscribe: () => void,
  source: { pending(): boolean; onWake(call: () => void): void; take(): { dropped: number; item: Item } },
): AsyncGenerator<Envelope<Item>, void, undefined> {
  const stream = link.open()
  let seq = 0
  try {
    while (!signal.aborted) {
      await link.ready(stream, seq + 1, signal)
      if (signal.aborted) return
      if (!source.pending()) {
        await new Promise<void>((resolve) => {
          source.onWake(done)
          signal.addEventListener('abort', done, { once: true })
          function done() {
            signal.removeEventListener('abort', done)
            source.onWake(() => {})
            resolve()
          }
        })
        continue
      }
      const { dropped, item } = source.take()
      yield { stream, seq: ++seq, dropped, item }
    }
  } finally {
    unsubscribe()
    link.close(stream)
  }
}
