// A process that outlives Overlap: own session, no pipe to us, output appended to a file. Where the user has a systemd
// manager that outlives a logout (linger), or that Overlap itself belongs to, it gets its own scope, so that stopping Overlap's unit
// or login session does not take it along. A manager that ends with the last login would take it along: there it is only detached.
// Without a manager (containers) it is only detached: it then dies with the container or the login's cgroup, not before.
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { FaultError } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import type { LaunchCommand, ProcessId } from './host.ts'
import type { Ledger } from './ledger.ts'
import { type Environment, exitOf, findExecutable, mustBeExecutable, startChild } from './own.ts'
import type { Procfs } from './procfs.ts'
import { run } from './run.ts'

/** systemd-logind keeps one file for each user whose manager stays when nobody is logged in. */
const LINGERS = '/var/lib/systemd/linger'
const SCOPE = ['systemd-run', '--user', '--scope', '--quiet', '--collect', '--']

export class Launcher {
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #procfs: Procfs
  readonly #managerStays: () => boolean
  #scope: Promise<readonly string[]> | null = null

  /** `managerStays`: whether the user's systemd manager lives at least as long as Overlap and its login. */
  constructor(parts: { clock: Clock; ledger: Ledger; procfs: Procfs; managerStays?: (() => boolean) | undefined }) {
    this.#managerStays = parts.managerStays ?? (() => parts.procfs.inUserManager() || lingers())
    this.#clock = parts.clock
    this.#ledger = parts.ledger
    this.#procfs = parts.procfs
  }

  /** Throws FaultError TOOL_MISSING, BAD_INPUT (cwd), NO_PERMISSION (log) or COMMAND_FAILED. */
  async launch(command: LaunchCommand, env: Environment): Promise<ProcessId> {
    const scope = await (this.#scope ??= this.#scopePrefix(env))
    const ticket = this.#ledger.begin(command, 'launch')
    const start = { argv: command.argv, env, cwd: command.cwd, stdin: command.stdin, endsWithUs: false }
    let log: number | null = null
    try {
      if (scope.length > 0) mustBeExecutable(start)
      log = openLogFile(command.logPath)
      // systemd-run --scope moves itself and becomes the program: the pid and the open files stay.
      const child = startChild({ ...start, argv: [...scope, ...command.argv], output: log })
      const stat = this.#procfs.processStat(child.pid) // it cannot be reaped before the next turn of the loop
      child.unref()
      ticket.started(child.pid)
      void exitOf(child).then((exit) => ticket.end({ outcome: 'ended', ...exit }))
      if (stat === null) throw new FaultError('NOT_PERMITTED_HERE', `Process ${child.pid} was started but cannot be seen in /proc.`, 'Mount /proc in this container.')
      return { pid: child.pid, startTicks: stat.startTicks }
    } catch (thrown) {
      ticket.end({ outcome: thrown instanceof FaultError && thrown.fault.code === 'TOOL_MISSING' ? 'missing' : 'failed' })
      throw thrown
    } finally {
      if (log !== null) closeSync(log)
    }
  }

  /** Proven by a scope that runs `true`: a socket that exists may belong to a manager that refuses. */
  async #scopePrefix(env: Environment): Promise<readonly string[]> {
    const runtime = env['XDG_RUNTIME_DIR']
    if (!runtime || !existsSync(join(runtime, 'systemd/private')) || findExecutable('systemd-run', env) === null || !this.#managerStays()) return []
    try {
      const trial = await run({ argv: [...SCOPE, 'true'], why: 'see whether engines can have their own systemd scope', timeoutMs: 5000, ledger: 'brief' }, env,
        { clock: this.#clock, ledger: this.#ledger })
      return trial.exitCode === 0 ? SCOPE : []
    } catch {
      return []
    }
  }
}

function lingers(): boolean {
  try {
    return existsSync(join(LINGERS, userInfo().username))
  } catch {
    return false // a user without a name
  }
}

function openLogFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new FaultError('NO_PERMISSION', `The log file ${path} cannot be written.`, 'Check the folder, its permissions and the free space.',
      { cause, detail: cause instanceof Error ? cause.message : undefined })
  }
}
