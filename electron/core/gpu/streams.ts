// The streams that are open now, exchanged as one. Those that were exchanged are closed aside: a hung one delays nobody.
import type { SmiStream } from './stream.ts'

export class Streams {
  #open: SmiStream[] = []
  #closing = new Set<Promise<void>>()

  get open(): readonly SmiStream[] {
    return this.#open
  }

  get pids(): number[] {
    return this.#open.map((stream) => stream.pid).filter((pid) => pid !== null)
  }

  replace(next: SmiStream[]): void {
    for (const stream of this.#open) {
      const closing = stream.close().finally(() => this.#closing.delete(closing))
      this.#closing.add(closing)
    }
    this.#open = next
  }

  async close(): Promise<void> {
    this.replace([])
    await Promise.all(this.#closing)
  }
}
