// A Host for tests: follows nothing, lets the test say what each nvidia-smi prints and how it ends. Not for the product.
import type { LedgerEntry, Routine } from '../../../shared/command.ts'
import type { FollowCommand, Followed, FollowState, Host, Output, RunCommand } from '../host/host.ts'
import { Feed, Topic } from '../kit/topic.ts'

export class ScriptedFollow implements Followed {
  readonly command: FollowCommand
  readonly pid: number
  retries = 0
  closed = false

  constructor(command: FollowCommand, pid: number) {
    this.command = command
    this.pid = pid
  }

  get args(): string {
    return this.command.argv.slice(1).join(' ')
  }

  /** Which of them put off the silence. */
  print(...lines: string[]): boolean[] {
    return lines.map((line) => this.command.onLine(line))
  }

  state(state: FollowState): void {
    this.command.onState(state)
  }

  /** Ends as the real door would: asks whether it is worth restarting. */
  end(exitCode: number | null, ...lastLines: string[]): void {
    for (const line of lastLines) this.command.onLine(line)
    const again = this.command.worthRestarting?.({ exitCode, signal: null, lastLines }) ?? true
    this.state({ name: 'ended', exitCode, signal: null, lastLines, again })
  }

  retry(): void {
    this.retries += 1
    this.state({ name: 'starting' })
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}

export class ScriptedHost implements Host {
  readonly ledger = new Feed<LedgerEntry>(10)
  readonly routine = new Topic<Routine[]>([])
  readonly environment = {}
  readonly followed: ScriptedFollow[] = []
  readonly ran: string[] = []
  /** What `run` answers. */
  answer: (argv: readonly string[]) => Promise<Output> = () => Promise.reject(new Error('nothing is scripted'))

  /** The one that runs now for a kind of command: the newest that is not closed. */
  now(kind: '--query-gpu' | 'pmon' | 'dmon'): ScriptedFollow {
    const found = this.followed.findLast((follow) => !follow.closed && follow.args.startsWith(kind))
    if (!found) throw new Error(`no ${kind} is followed`)
    return found
  }

  open(kind: string): ScriptedFollow[] {
    return this.followed.filter((follow) => !follow.closed && follow.args.startsWith(kind))
  }

  follow(command: FollowCommand): Followed {
    const follow = new ScriptedFollow(command, 1000 + this.followed.length)
    this.followed.push(follow)
    queueMicrotask(() => follow.state({ name: 'starting' }))
    return follow
  }

  run(command: RunCommand): Promise<Output> {
    this.ran.push(command.argv.slice(1).join(' '))
    return this.answer(command.argv)
  }

  converse(): never {
    throw new Error('the sampler speaks with nothing')
  }

  launch(): never {
    throw new Error('the sampler launches nothing')
  }

  signal(): never {
    throw new Error('the sampler signals nothing')
  }

  preview(): never {
    throw new Error('the sampler previews nothing')
  }
}
