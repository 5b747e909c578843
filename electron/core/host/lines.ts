// Bytes to lines. Chunks may be split anywhere, also inside a character; half a line is never given as a line.
import { StringDecoder } from 'node:string_decoder'

/** In UTF-16 units; the rest of a longer line is thrown away. */
export const LONGEST_LINE = 64 * 1024

export class Lines {
  /** How many lines were cut. */
  cut = 0
  #decoder = new StringDecoder('utf8')
  #half = ''
  #cutting = false
  readonly #onLine: (line: string) => void
  readonly #longest: number

  constructor(onLine: (line: string) => void, longest = LONGEST_LINE) {
    this.#onLine = onLine
    this.#longest = longest
  }

  /** What came after the last line end. */
  get rest(): string {
    return this.#half
  }

  push(chunk: Uint8Array): void {
    const text = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    let from = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#keep(text.slice(from, at))
      const line = this.#half.endsWith('\r') ? this.#half.slice(0, -1) : this.#half
      this.#half = ''
      this.#cutting = false
      from = at + 1
      this.#onLine(line)
    }
    this.#keep(text.slice(from))
  }

  #keep(piece: string): void {
    if (this.#cutting) return
    this.#half += piece
    if (this.#half.length <= this.#longest) return
    this.#half = this.#half.slice(0, this.#longest)
    this.#cutting = true
    this.cut += 1
  }
}
