// Bytes of a server-sent event stream to what its events say. Pieces may be split anywhere, also inside a character.
// Most events of a stream differ in their text alone: what stands before and after it is learnt from one event and then compared
// byte by byte, which needs no JSON. Whatever differs in any other byte is read in full.
import { createParser, type EventSourceParser } from 'eventsource-parser'
import { readEvent, type Said } from './completion.ts'

const NEWLINE = 10
const QUOTE = 34
const BACKSLASH = 92
const LETTER_U = 117
const COLON = 58
const SPACE = 32
/** Events learnt from in vain, after which a stream is read in full: each of its events differs elsewhere too. */
const LESSONS = 8
/** An event that never ends. */
const LONGEST_EVENT = 8 * 1024 * 1024

export class Events {
  readonly #onText: (characters: number) => void
  readonly #onSaid: (said: Said) => void
  readonly #parser: EventSourceParser
  readonly #decoder = new TextDecoder()
  /** What was read so far ends with the end of an event. */
  #between = true
  #before: Buffer | null = null
  #after: Buffer | null = null
  #lessons = 0
  /** Of the piece that is read: what its last event said. */
  #last: Said | null = null

  /** `onText` alone is called for an event that carries text and nothing else new; `onSaid` for every other. */
  constructor(onText: (characters: number) => void, onSaid: (said: Said) => void) {
    this.#onText = onText
    this.#onSaid = onSaid
    this.#parser = createParser({ maxBufferSize: LONGEST_EVENT, onEvent: ({ data }) => this.#said(readEvent(data)), onError: () => {} })
  }

  push(piece: Buffer): void {
    const from = this.#between ? this.#known(piece) : 0
    if (from === piece.length) return
    const rest = from === 0 ? piece : piece.subarray(from)
    this.#last = null
    this.#parser.feed(this.#decoder.decode(rest, { stream: true }))
    const whole = this.#between
    this.#between = endsEvent(rest)
    if (whole && this.#between && this.#lessons < LESSONS) this.#learn(rest)
  }

  #said(said: Said): void {
    this.#last = said
    this.#onSaid(said)
  }

  /** Reads events like the learnt one; how far it came. */
  #known(piece: Buffer): number {
    const before = this.#before
    const after = this.#after
    if (before === null || after === null) return 0
    let from = 0
    while (from < piece.length) {
      let at = from + before.length
      if (at + after.length > piece.length || !same(piece, from, before)) return from
      let characters = 0
      for (let byte = piece[at]; byte !== QUOTE; byte = piece[at]) {
        if (byte === undefined || byte < SPACE) return from
        if (byte === BACKSLASH) at += piece[at + 1] === LETTER_U ? 6 : 2
        else at += 1
        if ((byte & 0xc0) !== 0x80) characters += 1 // the first byte of a character
      }
      if (characters === 0 || at + after.length > piece.length || !same(piece, at, after)) return from
      from = at + after.length
      this.#lessons = 0
      this.#onText(characters)
    }
    return from
  }

  /** From the last event of a piece of whole events. */
  #learn(piece: Buffer): void {
    const said = this.#last
    if (said === null || said.key === null || said.done || said.usage !== null) return
    const start = piece.length < 3 ? 0 : piece.lastIndexOf('\n\n', piece.length - 3) + 1
    const from = start === 0 ? 0 : start + 1
    let at = piece.indexOf(`"${said.key}"`, from)
    if (at < 0) return
    at += said.key.length + 2
    while (piece[at] === COLON || piece[at] === SPACE) at += 1
    if (piece[at] !== QUOTE) return
    at += 1
    const end = endOfText(piece, at)
    if (end === null || textIn(piece, at, end) !== said.text) return
    this.#before = Buffer.from(piece.subarray(from, at))
    this.#after = Buffer.from(piece.subarray(end))
    this.#lessons += 1
  }
}

function same(piece: Buffer, from: number, known: Buffer): boolean {
  for (let at = 0; at < known.length; at++) if (piece[from + at] !== known[at]) return false
  return true
}

const endsEvent = (piece: Buffer): boolean => piece.length > 1 && piece[piece.length - 1] === NEWLINE && piece[piece.length - 2] === NEWLINE

function endOfText(piece: Buffer, from: number): number | null {
  let at = from
  while (at < piece.length && piece[at] !== QUOTE) at += piece[at] === BACKSLASH ? 2 : 1
  return at < piece.length ? at : null
}

function textIn(piece: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(`"${piece.toString('utf8', from, to)}"`)
  } catch {
    return null
  }
}
