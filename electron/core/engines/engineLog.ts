// The log file of an engine, read from its end and followed. Nothing is written here: the engine writes it itself.
import { open, type FileHandle } from 'node:fs/promises'
import type { Clock } from '../kit/clock.ts'
import { Mailbox } from '../kit/mailbox.ts'

const CHUNK_BYTES = 64 * 1024
/** At most this much is read back for a tail. */
const TAIL_BYTES = 8 * 1024 * 1024
/** At most this much is read per look; what a flood writes beyond is skipped and said. */
const LOOK_BYTES = 1024 * 1024
const LOOK_EVERY_MS = 250
const LINE_CHARACTERS = 8192

export class LogReader {
  readonly #path: string
  readonly #clock: Clock
  /** Where following goes on; null: at the end of the file at the first look. */
  #at: { inode: number; offset: number } | null = null
  #rest = Buffer.alloc(0)
  /** A tail and a look at the same time would give lines twice. */
  readonly #mailbox = new Mailbox()

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** The newest `count` complete lines, oldest first; [] when there is no log. A following `follow` goes on right after them. */
  tail(count: number): Promise<string[]> {
    return this.#mailbox.post(() => this.#tail(count))
  }

  async #tail(count: number): Promise<string[]> {
    return (await this.#withFile(async (file) => {
      const { size, ino } = await file.stat()
      const floor = Math.max(0, size - TAIL_BYTES)
      let text = Buffer.alloc(0)
      let from = size
      while (from > floor && newlines(text) <= count) {
        const length = Math.min(CHUNK_BYTES, from - floor)
        from -= length
        text = Buffer.concat([await read(file, from, length), text])
      }
      const end = text.lastIndexOf(10) + 1
      this.#at = { inode: ino, offset: from + end }
      this.#rest = Buffer.alloc(0)
      const lines = linesOf(text.subarray(0, end))
      if (from > 0) lines.shift() // begins somewhere inside a line
      return lines.slice(Math.max(0, lines.length - count))
    })) ?? []
  }

  /** Calls with new complete lines until the returned function is called. Goes on over rotation and truncation. */
  follow(onLines: (lines: string[]) => void): () => void {
    let looking = false
    let closed = false
    const look = async () => {
      if (looking) return
      looking = true
      const lines = await this.#mailbox.post(() => this.#newLines()).catch(() => [])
      looking = false
      if (!closed && lines.length > 0) onLines(lines)
    }
    const stop = this.#clock.every(LOOK_EVERY_MS, () => void look())
    void look()
    return () => {
      closed = true
      stop()
    }
  }

  async #newLines(): Promise<string[]> {
    return (await this.#withFile(async (file) => {
      const { size, ino } = await file.stat()
      this.#at ??= { inode: ino, offset: size }
      const restarted = this.#at.inode !== ino || size < this.#at.offset
      if (restarted) {
        this.#at = { inode: ino, offset: 0 }
        this.#rest = Buffer.alloc(0)
      }
      const skipped = Math.max(0, size - this.#at.offset - LOOK_BYTES)
      const from = this.#at.offset + skipped
      const text = Buffer.concat([skipped > 0 ? Buffer.alloc(0) : this.#rest, await read(file, from, size - from)])
      this.#at.offset = size
      const end = text.lastIndexOf(10) + 1
      this.#rest = text.subarray(Math.max(end, text.length - CHUNK_BYTES)) // a line without an end does not grow for ever
      const lines = linesOf(text.subarray(0, end))
      return skipped > 0 ? [`[overlap] ${skipped} bytes of a flood are not shown; the log file has them.`, ...lines.slice(1)] : lines
    })) ?? []
  }

  async #withFile<Answer>(use: (file: FileHandle) => Promise<Answer>): Promise<Answer | null> {
    const file = await open(this.#path, 'r').catch(() => null)
    if (!file) {
      this.#at = { inode: 0, offset: 0 } // when it comes, it is new from its first byte
      return null
    }
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }
}

async function read(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
  return buffer.subarray(0, bytesRead)
}

function newlines(text: Buffer): number {
  let count = 0
  for (const byte of text) if (byte === 10) count += 1
  return count
}

const linesOf = (text: Buffer): string[] =>
  text.length === 0 ? [] : text.toString('utf8').replace(/\n$/, '').split('\n').map((line) => line.replace(/\r$/, '').slice(0, LINE_CHARACTERS))
