// A long-lived child, read line by line. It is watched (silence), ended with its group, and started again within a budget.
// While a child that cannot be killed lives, no second one is started: they would pile up behind a hanging driver.
import type { ChildProcess } from 'node:child_process'
import { faultOf } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { FollowCommand, Followed, FollowState } from './host.ts'
import type { Ledger, Ticket } from './ledger.ts'
import { Lines } from './lines.ts'
import { allRead, endGroup, type Environment, type Exit, exitOf, startChild } from './own.ts'

const BUDGET_WINDOW_MS = 10 * 60 * 1000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
const LAST_LINES_BYTES = 4096
const AT_ONCE_MS = 2000
/** What is read of one child per second; one that prints more is left waiting in its pipe. A thousand times what a watched tool has to say. */
const FLOOD_BYTES = 256 * 1024
const FLOOD_WINDOW_MS = 1000

type Child = ChildProcess & { pid: number }

export class Following implements Followed {
  readonly #command: FollowCommand
  readonly #env: Environment
  readonly #clock: Clock
  readonly #log: Log
  readonly #ledger: Ledger
  #child: Child | null = null
  #closed = false
  /** Ends the wait that is due: silence of the child, or the pause before the next one. */
  #cancel = () => {}
  #ending: Promise<void> | null = null
  /** The child is being ended for a retry. */
  #retrying = false
  /** Starts within the window, on the steady clock. */
  #restarts: number[] = []
  #pauseMs = FIRST_PAUSE_MS
  #startedAt = 0
  /** The last start came to nothing: the Ledger has it, and need not have each repetition. */
  #failedAtOnce = false

  constructor(command: FollowCommand, env: Environment, parts: { clock: Clock; log: Log; ledger: Ledger }) {
    this.#command = command
    this.#env = env
    this.#clock = parts.clock
    this.#log = parts.log
    this.#ledger = parts.ledger
    // Not at once: the caller has no Followed yet to use in its callbacks.
    queueMicrotask(() => this.#start())
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  retry(): void {
    if (this.#closed) return
    this.#restarts = []
    this.#pauseMs = FIRST_PAUSE_MS
    this.#cancel()
    if (!this.#child) return this.#start()
    this.#retrying = true // its exit brings the start
    void this.#end(this.#child)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    if (this.#child) await this.#end(this.#child)
    this.#child = null
  }

  #start(): void {
    if (this.#closed || this.#child) return
    const ticket = this.#ledger.begin(this.#command, 'follow', this.#failedAtOnce)
    this.#startedAt = this.#clock.steady()
    this.#command.onState({ name: 'starting' })
    const { argv, cwd, stdin } = this.#command
    try {
      this.#child = startChild({ argv, env: this.#env, cwd, stdin, output: 'pipes', endsWithUs: true })
    } catch (thrown) {
      const fault = faultOf(thrown)
      const missing = fault.code === 'TOOL_MISSING'
      this.#failedAtOnce = true
      ticket.end({ outcome: missing ? 'missing' : 'failed', output: fault.sentence })
      if (missing) this.#command.onState({ name: 'missing' })
      else this.#ended({ exitCode: null, signal: null }, [fault.sentence])
      return
    }
    ticket.started(this.#child.pid)
    this.#ending = null
    this.#retrying = false
    this.#watch(this.#command.firstLineMs)
    void this.#read(this.#child, ticket)
  }

  async #read(child: Child, ticket: Ticket): Promise<void> {
    const last = new LastLines()
    let live = false
    const out = new Lines((line) => {
      last.add(line)
      if (this.#child !== child || this.#closed || this.#retrying) return
      if (!live) this.#command.onState({ name: 'live' })
      live = true
      try {
        if (this.#command.onLine(line) && this.#child === child && this.#ending === null) this.#watch(this.#command.silentAfterMs)
      } catch (error) {
        this.#log.error('a line could not be taken in', { program: this.#command.argv[0], error }) // a bug of the reader's; the stream goes on
      }
    })
    const errors = new Lines((line) => last.add(line))
    const dam = new Dam(child, this.#clock, () => this.#log.warn('a child floods and is slowed down', { program: this.#command.argv[0], pid: child.pid }))
    child.stdout?.on('data', (chunk: Buffer) => {
      dam.passed(chunk.length)
      out.push(chunk)
    }).on('error', () => {})
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk)).on('error', () => {})
    const exit = await exitOf(child)
    dam.open()
    await allRead(child, this.#clock)
    if (out.cut > 0) this.#log.warn('lines were cut', { program: this.#command.argv[0], lines: out.cut })
    for (const half of [out.rest, errors.rest]) if (half !== '') last.add(half)
    ticket.end({ outcome: 'ended', ...exit })
    this.#failedAtOnce = this.#clock.steady() - this.#startedAt < AT_ONCE_MS
    if (this.#child !== child || this.#closed) return
    if (!this.#retrying) return this.#ended(exit, last.lines)
    this.#child = null
    this.#start()
  }

  /** Silent from `ms` on: the child is ended, and its exit brings the restart. */
  #watch(ms: number): void {
    this.#cancel()
    this.#cancel = this.#clock.after(ms, () => {
      const child = this.#child
      if (!child) return
      this.#command.onState({ name: 'silent' })
      void this.#end(child)
    })
  }

  #end(child: Child): Promise<void> {
    return (this.#ending ??= endGroup(child, this.#clock).then((exit) => {
      if (exit !== null) return
      this.#log.warn('a child cannot be killed and is left alone', { program: this.#command.argv[0], pid: child.pid })
      if (this.#retrying && !this.#closed) this.#command.onState({ name: 'silent' })
    }))
  }

  #ended(exit: Exit, lastLines: readonly string[]): void {
    this.#child = null
    this.#cancel()
    const now = this.#clock.steady()
    this.#restarts = this.#restarts.filter((at) => at > now - BUDGET_WINDOW_MS)
    if (this.#restarts.length === 0) this.#pauseMs = FIRST_PAUSE_MS
    const worth = this.#command.worthRestarting?.({ ...exit, lastLines }) ?? true
    const again = worth && this.#restarts.length < this.#command.restartBudget
    const state: FollowState = { name: 'ended', ...exit, lastLines, again }
    if (again) {
      this.#restarts.push(now)
      this.#cancel = this.#clock.after(this.#pauseMs, () => this.#start())
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    }
    this.#command.onState(state)
    if (worth && !again) this.#command.onState({ name: 'gaveUp' })
  }
}

/** Holds a flood back: reads at most FLOOD_BYTES of standard output per window. */
class Dam {
  readonly #child: Child
  readonly #clock: Clock
  readonly #onFlood: () => void
  #passed = 0
  #flooded = false
  #cancel: (() => void) | null = null

  constructor(child: Child, clock: Clock, onFlood: () => void) {
    this.#child = child
    this.#clock = clock
    this.#onFlood = onFlood
  }

  passed(bytes: number): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#passed += bytes
    this.#cancel ??= this.#clock.after(FLOOD_WINDOW_MS, () => this.open())
    if (this.#passed < FLOOD_BYTES) return
    this.#child.stdout?.pause()
    if (!this.#flooded) this.#onFlood()
    this.#flooded = true
  }

  open(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#passed = 0
    this.#child.stdout?.resume()
  }
}

/** The newest lines, together at most 4 KiB. */
export class LastLines {
  lines: string[] = []
  #size = 0

  add(line: string): void {
    const kept = line.slice(0, LAST_LINES_BYTES)
    this.lines.push(kept)
    this.#size += kept.length
    while (this.#size > LAST_LINES_BYTES) this.#size -= this.lines.shift()?.length ?? this.#size
  }
}
