// Two kinds of news. A Topic has a present value and readers want the newest; a Feed has entries and readers want each.

export class Topic<Value> {
  #value: Value
  #readers = new Set<(value: Value) => void>()

  constructor(value: Value) {
    this.#value = value
  }

  get value(): Value {
    return this.#value
  }

  get readers(): number {
    return this.#readers.size
  }

  set(value: Value): void {
    this.#value = value
    for (const read of [...this.#readers]) read(value)
  }

  /** Not called with the present value: read `value` first. The returned function unsubscribes. */
  subscribe(read: (value: Value) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }
}

export class Feed<Entry> {
  #kept: Entry[] = []
  #readers = new Set<(entry: Entry) => void>()
  readonly #keep: number
  readonly #sameAs: (a: Entry, b: Entry) => boolean

  /** Keeps the newest `keep` entries; an entry that is `sameAs` a kept one replaces it there. */
  constructor(keep: number, sameAs: (a: Entry, b: Entry) => boolean = () => false) {
    this.#keep = keep
    this.#sameAs = sameAs
  }

  get kept(): readonly Entry[] {
    return this.#kept
  }

  push(entry: Entry): void {
    const at = this.#kept.findLastIndex((kept) => this.#sameAs(kept, entry))
    if (at >= 0) this.#kept[at] = entry
    else if (this.#kept.push(entry) > this.#keep) this.#kept.shift()
    for (const read of [...this.#readers]) read(entry)
  }

  subscribe(read: (entry: Entry) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }
}
