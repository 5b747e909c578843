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

  /** Tries again in place where a child may hang: an exchange would start another beside it. False: none may. */
  retryHung(): boolean {
    const hung = this.#open.some((stream) => stream.pid !== null && ['starting', 'silent', 'unreadable', 'restarting'].includes(stream.report.state))
    if (hung) for (const stream of this.#open) stream.retry()
    return hung
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
