// A command that finishes: its output is captured up to a cap, its time is limited.
import type { ChildProcess } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { FaultError } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import type { Output, RunCommand } from './host.ts'
import type { Ledger } from './ledger.ts'
import { allRead, endGroup, type Environment, exitOf, letGo, startChild } from './own.ts'

const TIMEOUT_MS = 10_000
const OUTPUT_BYTES = 1024 * 1024

/** Resolves whatever the exit code. Throws FaultError TOOL_MISSING, BAD_INPUT (cwd), COMMAND_FAILED (no process) or COMMAND_TIMED_OUT. */
export async function run(command: RunCommand, env: Environment, parts: { clock: Clock; ledger: Ledger }): Promise<Output> {
  const { clock, ledger } = parts
  const startedAt = clock.steady()
  const ticket = ledger.begin(command, 'run', command.ledger === 'brief')
  const child = startOrEnd()
  ticket.started(child.pid)
  const stdout = new Capture(child.stdout, command.maxOutputBytes ?? OUTPUT_BYTES)
  const stderr = new Capture(child.stderr, command.maxOutputBytes ?? OUTPUT_BYTES)
  const timeoutMs = command.timeoutMs ?? TIMEOUT_MS
  const inTime = await exitWithin(child, timeoutMs, clock, command.aborted)
  const left = !inTime && command.whenAborted === 'leave' && command.aborted?.aborted === true
  const end = inTime ?? (left ? null : await endGroup(child, clock))
  if (end) await allRead(child, clock)
  letGo(child)
  const output: Output = {
    exitCode: end?.exitCode ?? null, signal: end?.signal ?? null, stdout: stdout.text, stderr: stderr.text,
    truncated: stdout.truncated || stderr.truncated, durationMs: Math.round(clock.steady() - startedAt),
  }
  ticket.end({
    outcome: !inTime ? 'timedOut' : end?.exitCode === 0 ? 'ok' : 'failed',
    exitCode: output.exitCode, signal: output.signal, output: [output.stdout, output.stderr].filter(Boolean).join('\n'),
  })
  if (left) throw new FaultError('COMMAND_TIMED_OUT', `${command.argv[0]} was not waited for.`, 'It goes on by itself; look at what became of it before trying again.')
  if (!inTime) throw timedOut(command, timeoutMs, end === null, ledger.shown(output.stdout + output.stderr))
  return output

  function startOrEnd() {
    try {
      return startChild({ argv: command.argv, env, cwd: command.cwd, stdin: command.stdin, output: 'pipes', endsWithUs: false })
    } catch (thrown) {
      ticket.end({ outcome: thrown instanceof FaultError && thrown.fault.code === 'TOOL_MISSING' ? 'missing' : 'failed' })
      throw thrown
    }
  }
}

function timedOut(command: RunCommand, timeoutMs: number, stuck: boolean, printed: string): FaultError {
  const seconds = Math.round(timeoutMs / 100) / 10
  return new FaultError('COMMAND_TIMED_OUT', `${command.argv[0]} did not answer within ${seconds} s.`,
    stuck ? 'It cannot be ended: the driver may hang. Look into the kernel log; the machine may need a restart.' : 'It was ended. Try again; if it happens again, run the command by hand.',
    { detail: printed || undefined })
}

async function exitWithin(child: ChildProcess, ms: number, clock: Clock, aborted?: AbortSignal) {
  const done = new AbortController()
  const over = AbortSignal.any([done.signal, ...(aborted ? [aborted] : [])])
  const exit = await Promise.race([exitOf(child), clock.sleep(ms, over).then(() => null)])
  done.abort()
  return exit
}

/** Keeps the first `most` bytes; reads on, so that the child never blocks on a full pipe. */
class Capture {
  truncated = false
  #chunks: Buffer[] = []
  #room: number

  constructor(stream: ChildProcess['stdout'], most: number) {
    this.#room = most
    stream?.on('error', () => {})
    stream?.on('data', (chunk: Buffer) => {
      if (chunk.length > this.#room) this.truncated = true
      const kept = chunk.subarray(0, this.#room)
      this.#room -= kept.length
      // A copy: a slice would hold the whole chunk in memory.
      if (kept.length > 0) this.#chunks.push(kept.length === chunk.length ? kept : Buffer.from(kept))
    })
  }

  get text(): string {
    const bytes = Buffer.concat(this.#chunks)
    return this.truncated ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8') // no half character where it was cut
  }
}
