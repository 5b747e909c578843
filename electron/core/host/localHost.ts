// The door to commands on this machine. What may be run and why is its callers' business.
import { join } from 'node:path'
import type { CommandPreview, LedgerEntry, Routine } from '../../../shared/command.ts'
import { type Clock, systemClock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Feed, Topic } from '../kit/topic.ts'
import { Conversing } from './converse.ts'
import { cleanEnvironment } from './environment.ts'
import { Following } from './follow.ts'
import type { Command, Conversation, ConverseCommand, FollowCommand, Followed, Host, LaunchCommand, Output, ProcessId, RunCommand } from './host.ts'
import { Launcher } from './launch.ts'
import { Ledger } from './ledger.ts'
import { signalGroup, tameOpenFiles } from './own.ts'
import { Procfs } from './procfs.ts'
import { run } from './run.ts'

interface LocalHostParts {
  log: Log
  clock?: Clock
  /** What children inherit before it is cleaned; default process.env. */
  environment?: Readonly<Record<string, string | undefined>>
  /** Where the Ledger is kept; without it, only in memory. */
  stateDirectory?: string
  procfs?: Procfs
  /** Default: as systemd-logind and the kernel say. See Launcher. */
  managerStays?: () => boolean
}

export class LocalHost implements Host {
  readonly environment: Readonly<Record<string, string>>
  readonly #clock: Clock
  readonly #log: Log
  readonly #ledger: Ledger
  readonly #procfs: Procfs
  readonly #launcher: Launcher
  #followed = new Set<Following>()
  #conversing = new Set<Conversing>()

  constructor({ log, clock = systemClock, environment = process.env, stateDirectory, procfs = new Procfs({ clock }), managerStays }: LocalHostParts) {
    this.#clock = clock
    this.#log = log
    this.#procfs = procfs
    this.#ledger = new Ledger({ clock, log, path: stateDirectory === undefined ? null : join(stateDirectory, 'ledger.jsonl') })
    this.#ledger.secrets.addFrom(environment)
    const clean = cleanEnvironment(environment)
    this.environment = clean.environment
    if (clean.removed.length > 0) log.info('children do not inherit these variables', { removed: clean.removed })
    if (tameOpenFiles(procfs.ownOpenFileLimit())) log.info('lowered the soft limit of open files, which was giant')
    this.#launcher = new Launcher({ clock, ledger: this.#ledger, procfs, managerStays })
  }

  get ledger(): Feed<LedgerEntry> {
    return this.#ledger.feed
  }

  get routine(): Topic<Routine[]> {
    return this.#ledger.routine
  }

  run(command: RunCommand): Promise<Output> {
    return run(command, this.#environmentFor(command), { clock: this.#clock, ledger: this.#ledger })
  }

  follow(command: FollowCommand): Followed {
    const following = new Following(command, this.#environmentFor(command), { clock: this.#clock, log: this.#log, ledger: this.#ledger })
    this.#followed.add(following)
    return {
      get pid() {
        return following.pid
      },
      retry: () => following.retry(),
      close: async () => {
        await following.close()
        this.#followed.delete(following)
      },
    }
  }

  converse(command: ConverseCommand): Conversation {
    const conversing = new Conversing(command, this.#environmentFor(command), { clock: this.#clock, log: this.#log, ledger: this.#ledger })
    this.#conversing.add(conversing)
    void conversing.ended.then(() => this.#conversing.delete(conversing))
    return conversing
  }

  launch(command: LaunchCommand): Promise<ProcessId> {
    return this.#launcher.launch(command, this.#environmentFor(command))
  }

  signal(process: ProcessId, signal: NodeJS.Signals, whole: 'process' | 'group'): boolean {
    return this.#procfs.isAlive(process) && signalGroup(process.pid, signal, whole)
  }

  preview(command: Command): CommandPreview {
    return this.#ledger.preview(command)
  }

  /** Ends what is followed or spoken with. Launched processes live on. */
  async close(): Promise<void> {
    await Promise.all([...this.#followed, ...this.#conversing].map((open) => open.close()))
    this.#followed.clear()
  }

  #environmentFor(command: Command): Record<string, string> {
    return { ...this.environment, ...command.env }
  }
}
