// The Ledger: every command Overlap ran, secrets masked. Ended entries are kept on disk, so that the list survives a restart.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type CommandPreview, LedgerEntry, type Routine } from '../../../shared/command.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { makeRoom, olderPath } from '../kit/rotation.ts'
import { Feed, Topic } from '../kit/topic.ts'
import type { Command } from './host.ts'
import { Secrets } from './secrets.ts'

const KEEP_IN_MEMORY = 2000
const LOAD_AT_START = 500
const OUTPUT_BYTES = 4096
/** Of a workstation with eight GPUs there are two or three dozen. */
const MOST_ROUTINES = 64
/** A 'brief' entry that still runs after this long is shown: a routine read, or a long-lived command that failed at once the last time. */
const BRIEF_MS = 2000

interface LedgerEnd {
  outcome: Exclude<LedgerEntry['outcome'], 'running'>
  exitCode?: number | null
  signal?: string | null
  /** What it printed; cut and masked here. */
  output?: string | null
}

/** One command on its way through the Ledger. */
export interface Ticket {
  started(pid: number): void
  end(end: LedgerEnd): void
}

export class Ledger {
  readonly feed = new Feed<LedgerEntry>(KEEP_IN_MEMORY, (a, b) => a.id === b.id)
  /** Brief reads that ended well, folded: by what they ask and whom. In memory only. */
  readonly routine = new Topic<Routine[]>([])
  readonly secrets = new Secrets()
  readonly #clock: Clock
  readonly #log: Log
  readonly #path: string | null
  #nextId = 1
  #halfLine = false

  /** Without a path nothing is kept on disk. */
  constructor(parts: { clock: Clock; log: Log; path: string | null }) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#path = parts.path
    if (this.#path !== null) this.#load(this.#path)
  }

  preview(command: Command): CommandPreview {
    return {
      // env first: it teaches the values that argv and stdin must not show
      env: this.secrets.env(command.env ?? {}),
      argv: this.secrets.argv(command.argv),
      cwd: command.cwd ?? null,
      stdin: command.stdin === undefined ? null : this.secrets.text(command.stdin),
      why: command.why,
    }
  }

  /** The first 4 KiB of an output. Masked before it is cut, and without a word that was cut: half a secret would not be known. */
  shown(output: string): string {
    const start = cut(output, 2 * OUTPUT_BYTES)
    return cut(this.secrets.text(start === output ? output : start.replace(/\S+$/, '')), OUTPUT_BYTES)
  }

  begin(command: Command, way: LedgerEntry['way'], brief = false): Ticket {
    let entry: LedgerEntry = {
      ...this.preview(command), id: this.#nextId++, way, startedAtMs: this.#clock.now(), durationMs: null,
      pid: null, outcome: 'running', exitCode: null, signal: null, output: null,
    }
    let shown = !brief
    const show = () => {
      shown = true
      this.feed.push(entry)
    }
    const startedAt = this.#clock.steady()
    const cancel = brief ? this.#clock.after(BRIEF_MS, show) : () => {}
    if (shown) show()
    return {
      started: (pid) => {
        entry = { ...entry, pid }
        if (shown) show()
        if (way === 'launch') this.#write(entry) // it may outlive us
      },
      end: (end) => {
        cancel()
        entry = {
          ...entry, outcome: end.outcome, durationMs: Math.round(this.#clock.steady() - startedAt),
          exitCode: end.exitCode ?? null, signal: end.signal ?? null,
          output: end.output == null ? null : this.shown(end.output),
        }
        if (brief && way === 'run' && end.outcome === 'ok') this.#fold(entry)
        if (!shown && (end.outcome === 'ok' || way === 'follow')) return
        show()
        this.#write(entry)
      },
    }
  }

  #fold({ id, argv, env, cwd, stdin, why, startedAtMs, durationMs, output }: LedgerEntry): void {
    const all = this.routine.value
    const same = (one: Routine) => one.why === why && isDeepStrictEqual([one.argv, one.env], [argv, env])
    const before = all.find(same)
    const now = { id: before?.id ?? id, argv, env, cwd, stdin, why, times: (before?.times ?? 0) + 1, firstAtMs: before?.firstAtMs ?? startedAtMs, lastAtMs: startedAtMs, durationMs: durationMs ?? 0, output: output ?? '' }
    const others = all.filter((one) => one !== before)
    const room = others.length < MOST_ROUTINES ? others : others.toSorted((a, b) => a.lastAtMs - b.lastAtMs).slice(1)
    this.routine.set([...room, now].sort((a, b) => a.id - b.id))
  }

  #write(entry: LedgerEntry): void {
    if (this.#path === null) return
    const line = JSON.stringify(entry) + '\n'
    try {
      makeRoom(this.#path, Buffer.byteLength(line))
      // after half a line of an earlier run (power cut, kill -9) a new one begins
      appendFileSync(this.#path, this.#halfLine ? `\n${line}` : line, { mode: 0o600 })
      this.#halfLine = false
    } catch (error) {
      this.#halfLine = true // a full disk may have taken a part of it
      this.#log.warn('the command list could not be written', { path: this.#path, error: String(error) })
    }
  }

  #load(path: string): void {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const kept = new Map<number, LedgerEntry>()
    const text = textOf(path)
    this.#halfLine = text !== '' && !text.endsWith('\n')
    for (const line of `${textOf(olderPath(path))}\n${text}`.split('\n').filter((each) => each !== '').slice(-LOAD_AT_START)) {
      const entry = readEntry(line)
      if (entry) kept.set(entry.id, entry)
    }
    for (const entry of [...kept.values()].sort((a, b) => a.id - b.id)) {
      this.feed.push(entry)
      this.#nextId = entry.id + 1
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Null for half a line (power cut) or one of another version. A launch whose end nobody saw was at least launched well. */
function readEntry(line: string): LedgerEntry | null {
  try {
    const { data: entry } = LedgerEntry.safeParse(JSON.parse(line))
    if (!entry) return null
    return entry.outcome === 'running' ? { ...entry, outcome: 'ok' } : entry
  } catch {
    return null
  }
}

/** At most `bytes` of UTF-8, no half character at the end. */
function cut(text: string, bytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= bytes) return text
  let end = bytes
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return buffer.toString('utf8', 0, end)
}
