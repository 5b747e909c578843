// One writer: letters are handled one after another, in order. A letter's failure is its sender's, never the next one's.

export class Mailbox {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** How many letters wait or are being handled. */
  get size(): number {
    return this.#waiting
  }

  post<Answer>(letter: () => Promise<Answer> | Answer): Promise<Answer> {
    this.#waiting += 1
    const answer = this.#last.then(letter)
    this.#last = answer.then(
      () => void (this.#waiting -= 1),
      () => void (this.#waiting -= 1),
    )
    return answer
  }

  /** Resolves when everything posted so far is done. */
  idle(): Promise<void> {
    return this.#last.then(() => undefined)
  }
}
