// A child that is spoken with, line by line. It is not restarted and not timed: whoever speaks with it knows what to expect of it.
import type { ChildProcess } from 'node:child_process'
import { FaultError } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { onCpus } from './cpus.ts'
import { LastLines } from './follow.ts'
import type { Conversation, ConverseCommand } from './host.ts'
import type { Ledger, Ticket } from './ledger.ts'
import { Lines } from './lines.ts'
import { allRead, endGroup, type Environment, exitOf, mustBeExecutable, startChild } from './own.ts'

/** In UTF-16 units, in either direction; the rest of a longer one is thrown away. */
const LONGEST_LINE = 1024 * 1024
/** Bytes that may wait for a child that does not read. */
const MOST_WAITING = 1024 * 1024
/** From the end of its standard input to SIGTERM. */
const POLITE_MS = 500

export class Conversing implements Conversation {
  /** Resolves when it is gone and `onEnd` was called; never for one that cannot be killed. */
  readonly ended: Promise<void>
  readonly #command: ConverseCommand
  readonly #clock: Clock
  readonly #log: Log
  readonly #child: ChildProcess & { pid: number }
  #gone = false
  #closing: Promise<void> | null = null

  /** Throws FaultError TOOL_MISSING, BAD_INPUT (cwd) or COMMAND_FAILED. */
  constructor(command: ConverseCommand, env: Environment, parts: { clock: Clock; log: Log; ledger: Ledger }) {
    this.#command = command
    this.#clock = parts.clock
    this.#log = parts.log
    const argv = onCpus(command.cpus, command.argv)
    const ticket = parts.ledger.begin({ ...command, argv }, 'follow')
    try {
      if (command.cpus !== null) mustBeExecutable({ argv: command.argv, env, cwd: command.cwd })
      this.#child = startChild({ argv, env, cwd: command.cwd, stdin: undefined, keepStdin: true, output: 'pipes', endsWithUs: true })
    } catch (thrown) {
      ticket.end({ outcome: thrown instanceof FaultError && thrown.fault.code === 'TOOL_MISSING' ? 'missing' : 'failed' })
      throw thrown
    }
    ticket.started(this.#child.pid)
    this.ended = this.#read(ticket)
  }

  get pid(): number {
    return this.#child.pid
  }

  send(line: string): boolean {
    const { stdin } = this.#child
    if (this.#gone || !stdin?.writable || line.length > LONGEST_LINE || stdin.writableLength + line.length > MOST_WAITING) return false
    stdin.write(`${line}\n`)
    return true
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    if (this.#gone) return this.ended
    this.#child.stdin?.end()
    const done = new AbortController()
    const went = await Promise.race([exitOf(this.#child).then(() => true), this.#clock.sleep(POLITE_MS, done.signal).then(() => false)])
    done.abort()
    if (!went && (await endGroup(this.#child, this.#clock)) === null) {
      this.#log.warn('a child cannot be killed and is left alone', { program: this.#command.argv[0], pid: this.pid })
      return
    }
    await this.ended
  }

  async #read(ticket: Ticket): Promise<void> {
    const last = new LastLines() // of standard error: what it says on standard output has been taken in
    const out = new Lines((line) => {
      try {
        this.#command.onLine(line)
      } catch (error) {
        this.#log.error('a line could not be taken in', { program: this.#command.argv[0], error }) // a bug of the reader's; the talk goes on
      }
    }, LONGEST_LINE)
    const errors = new Lines((line) => last.add(line))
    this.#child.stdout?.on('data', (chunk: Buffer) => out.push(chunk)).on('error', () => {})
    this.#child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk)).on('error', () => {})
    const exit = await exitOf(this.#child)
    this.#gone = true
    await allRead(this.#child, this.#clock)
    if (out.cut > 0) this.#log.warn('lines were cut', { program: this.#command.argv[0], lines: out.cut })
    if (errors.rest !== '') last.add(errors.rest)
    ticket.end({ outcome: 'ended', ...exit })
    try {
      this.#command.onEnd({ ...exit, lastLines: last.lines })
    } catch (error) {
      this.#log.error('the end of a child could not be taken in', { program: this.#command.argv[0], error }) // as above: `ended` never rejects
    }
  }
}
