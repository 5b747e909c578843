// What is opened is registered to be closed, on the next line. Closed last in, first out.

type Dispose = () => void | Promise<void>

export class Disposer {
  #closers: Dispose[] = []
  #closed = false

  /** After `close`, closes it at once. */
  add(close: Dispose): void {
    this.#closers.push(close)
    if (this.#closed) void this.close().catch(() => {})
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Runs every closer, also when one throws; the first error is thrown at the end. */
  async close(): Promise<void> {
    this.#closed = true
    let first: unknown
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        first ??= error
      }
    }
    if (first !== undefined) throw first
  }
}
