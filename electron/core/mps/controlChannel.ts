// One daemon's control channel: one session at a time, every answer proven complete, else asked again for a bounded time.
// The daemon serves one session at a time and answers a second one with an error or with nothing, exit code 0 included.
import type { Clock } from '../kit/clock.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { AbstractLock } from '../host/abstractLock.ts'
import type { Command, Host, Output, Tools } from '../host/host.ts'
import { FaultError } from '../../../shared/fault.ts'
import { sessionEnd, sessionText, type Question, type SessionEnd } from './control.ts'

/** First and longest pause before asking again. */
const PAUSE_MS = { first: 2, longest: 60 } as const
/** A session lasts about 3 ms, but questions about a server wait until it has initialised. */
const SESSION_MS = 20_000

const NEVER = new AbortController().signal

interface ChannelParts {
  host: Host
  tools: Tools
  clock: Clock
  pipeDirectory: string
  /** Of a question asked now: aborted, it is no longer waited for, and its session is left to end by itself. */
  aborted?: () => AbortSignal
  /** Turn lock and sentinel. Off only to show what goes wrong without them. */
  guarded?: boolean
  /** How long an answer is tried for. */
  patienceMs?: number
}

export class ControlChannel {
  readonly #parts: Required<ChannelParts>
  readonly #turns = new Mailbox()
  /** Sessions that had to be repeated, since the start. */
  repeats = 0

  constructor(parts: ChannelParts) {
    this.#parts = { guarded: true, patienceMs: 5_000, aborted: () => NEVER, ...parts }
  }

  /** The command a session runs, also for previews. */
  command(lines: readonly string[], why: string, sentinel = this.#parts.guarded): Command {
    const { tools, pipeDirectory } = this.#parts
    return { argv: tools.mpsControl, env: { ...tools.env, CUDA_MPS_PIPE_DIRECTORY: pipeDirectory }, stdin: sessionText(lines, sentinel), why }
  }

  /**
   * Asks until the answer is whole. Throws MPS_NOT_RUNNING, MPS_BUSY (another session stays open), NO_PERMISSION, TOOL_MISSING,
   * COMMAND_TIMED_OUT. A question can be asked more than once, so it must not matter if it is.
   */
  ask<Answer>(question: Question<Answer>, why: string, ledger: 'kept' | 'brief' = 'brief'): Promise<Answer> {
    const { guarded, host, clock, pipeDirectory } = this.#parts
    return this.#inTurn(async (deadlineMs, aborted) => {
      const command = this.command(question.lines, why)
      for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.longest)) {
        const output = await host.run({ ...command, timeoutMs: SESSION_MS, ledger, aborted, whenAborted: 'leave' }).catch(inPlainWords)
        const end = sessionEnd(output, question.lines.length, guarded)
        if (end.kind === 'notRunning') throw notRunning(pipeDirectory)
        const answer = end.kind === 'answered' ? question.read(end.replies) : undefined
        if (answer !== undefined) return answer
        if (!guarded && end.kind === 'answered') throw unreadable(output)
        this.repeats += 1
        if (aborted.aborted || clock.steady() + pauseMs > deadlineMs) throw busy(end, output)
        await clock.sleep(pauseMs * (0.5 + Math.random()), aborted)
      }
    })
  }

  /** Sends one line that ends the daemon, so nothing can close its answer; whether it worked must be seen elsewhere. */
  tell(line: string, why: string, timeoutMs: number): Promise<Output> {
    return this.#inTurn((_, aborted) => this.#parts.host.run({ ...this.command([line], why, false), timeoutMs, aborted, whenAborted: 'leave' }).catch(inPlainWords))
  }

  #inTurn<Answer>(say: (deadlineMs: number, aborted: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const { clock, guarded, patienceMs, pipeDirectory } = this.#parts
    const aborted = this.#parts.aborted()
    if (!guarded) return say(clock.steady() + patienceMs, aborted)
    return this.#turns.post(async () => {
      const deadlineMs = clock.steady() + patienceMs
      const lock = await AbstractLock.take(`mps-control:${pipeDirectory}`, { timeoutMs: patienceMs, clock, signal: aborted })
      if (lock === null) throw busy(null, null)
      try {
        return await say(deadlineMs, aborted)
      } finally {
        await lock.release()
      }
    })
  }
}

/** The program waits for its daemon: of the two, the daemon is what hangs. */
function inPlainWords(error: unknown): never {
  if (!(error instanceof FaultError) || error.fault.code !== 'COMMAND_TIMED_OUT') throw error
  throw new FaultError('COMMAND_TIMED_OUT', 'The MPS daemon took the command and did not answer in time.', 'It hangs, is paused, or waits for a server that starts slowly. If it stays so, end it by its pid with kill -9, which ends its clients too, and start MPS again.', { detail: error.fault.sentence })
}

const notRunning = (pipeDirectory: string) =>
  new FaultError('MPS_NOT_RUNNING', `No MPS daemon answers at ${pipeDirectory}.`, 'Start MPS on this GPU.')

function busy(end: SessionEnd | null, output: Output | null): FaultError {
  const words = end?.kind === 'lost' ? end.words : (output?.stdout ?? '')
  return new FaultError('MPS_BUSY', 'The MPS daemon is busy with another control session.', 'Close the nvidia-cuda-mps-control that is open in another terminal, then try again.', { detail: words.slice(0, 500) || undefined })
}

const unreadable = (output: Output) =>
  new FaultError('UNREADABLE_OUTPUT', 'The MPS control program gave no answer to what was asked.', 'Try again.', { detail: output.stdout.slice(0, 500) })
