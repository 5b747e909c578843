// The one door to commands. Everything Overlap runs goes through a Host, is remembered in its Ledger and can be shown.
// This file is the door's shape; localHost.ts is the door.
import type { CommandPreview, LedgerEntry, Routine } from '../../../shared/command.ts'
import type { Feed, Topic } from '../kit/topic.ts'

export interface Command {
  /** Program and arguments. Never a shell string. */
  argv: readonly string[]
  /** Added to, or set over, the host's clean environment. */
  env?: Record<string, string>
  cwd?: string
  /** Written to standard input, which is then closed. Without it, standard input is /dev/null. */
  stdin?: string
  /** One clause for the Ledger: `read the list of MPS servers`. */
  why: string
}

export interface RunCommand extends Command {
  /** Default 10 s. Then SIGTERM, and SIGKILL 2 s later; a child in D state is abandoned, not waited for. */
  timeoutMs?: number
  /** Ends it early, as if its time were up. */
  aborted?: AbortSignal
  /** When aborted: 'leave' lets it run on by itself and only stops waiting for it. Default 'end'. */
  whenAborted?: 'end' | 'leave'
  /** Kept of stdout and of stderr each; default 1 MiB, more is read and thrown away. */
  maxOutputBytes?: number
  /** Routine reads every few seconds would drown the rest: 'brief' entries are folded into one row of their kind once they ended well. Default 'kept'. */
  ledger?: 'kept' | 'brief'
}

export interface Output {
  exitCode: number | null
  signal: string | null
  stdout: string
  stderr: string
  /** More than maxOutputBytes was printed. */
  truncated: boolean
  durationMs: number
}

export interface FollowCommand extends Command {
  /** Whether this was a line to wait for: only such lines put off the silence. */
  onLine(line: string): boolean
  /** Why there are no lines now, or that there are again. */
  onState(state: FollowState): void
  /** No line to wait for in this time: 'silent', then ended and started again. The first one: firstLineMs. */
  silentAfterMs: number
  firstLineMs: number
  /** Restarts in ten minutes before 'gaveUp'. */
  restartBudget: number
  /** Called when the child ended: text it printed last (at most 4 KiB) decides whether trying again makes sense. */
  worthRestarting?(end: { exitCode: number | null; signal: string | null; lastLines: readonly string[] }): boolean
}

export type FollowState =
  | { name: 'starting' } //   a child is being started
  | { name: 'live' } //       lines arrive
  | { name: 'silent' } //     alive, and nothing to wait for within silentAfterMs
  | { name: 'ended'; exitCode: number | null; signal: string | null; lastLines: readonly string[]; again: boolean } // again: a restart is due
  | { name: 'missing' } //    no such executable
  | { name: 'gaveUp' }

export interface Followed {
  /** Process id of the child that runs now. */
  readonly pid: number | null
  /** Starts anew with a fresh budget, once the present child is gone; one that cannot be ended gets no second beside it. */
  retry(): void
  /** SIGTERM, then SIGKILL; resolves when it is gone or abandoned. */
  close(): Promise<void>
}

export interface LaunchCommand extends Command {
  /** Appended to by the child itself (O_APPEND), both stdout and stderr; never a pipe. */
  logPath: string
}

export interface ConverseCommand extends Omit<Command, 'stdin'> {
  onLine(line: string): void
  /** Once, when it has ended; also after close. */
  onEnd(end: { exitCode: number | null; signal: string | null; lastLines: readonly string[] }): void
  /** CPUs it may run on, as taskset writes them; null: all. */
  cpus: string | null
}

/** A child that is spoken with, line by line, for as long as it is needed. It ends with Overlap, however Overlap ends. */
export interface Conversation {
  readonly pid: number
  /** False: it is gone, or does not read (more than 1 MiB waits for it). */
  send(line: string): boolean
  /** Closes its standard input, then SIGTERM, then SIGKILL; resolves when it is gone. */
  close(): Promise<void>
}

/** A process is a pid and a start time: numbers are used again. */
export interface ProcessId {
  pid: number
  /** Field 22 of /proc/<pid>/stat, clock ticks since boot. */
  startTicks: number
}

export interface Host {
  /** Resolves with the output whatever the exit code. Throws FaultError TOOL_MISSING or COMMAND_TIMED_OUT. */
  run(command: RunCommand): Promise<Output>
  /** A long-lived child, read line by line, watched and restarted within a budget. */
  follow(command: FollowCommand): Followed
  /** A child with lines in both directions, not restarted. Throws FaultError TOOL_MISSING. */
  converse(command: ConverseCommand): Conversation
  /** A process that outlives Overlap: own session and, where there is one, own systemd user unit. */
  launch(command: LaunchCommand): Promise<ProcessId>
  /** SIGTERM or SIGKILL to a process group or process, only if it still is that process. False: it is gone. */
  signal(process: ProcessId, signal: NodeJS.Signals, whole: 'process' | 'group'): boolean
  /** What the Ledger would show for it, without running anything. */
  preview(command: Command): CommandPreview
  readonly ledger: Feed<LedgerEntry>
  readonly routine: Topic<Routine[]>
  /** The environment that children start from: the login environment without npm's, Electron's and AppImage's variables. */
  readonly environment: Readonly<Record<string, string>>
}

/** Where the tools are: real ones by name, or the simulated workstation's. Each is an argv prefix. */
export interface Tools {
  nvidiaSmi: readonly string[]
  mpsControl: readonly string[]
  /** Added to the environment of every tool, daemon and engine (the simulated workstation's folder). */
  env: Record<string, string>
}

export const REAL_TOOLS: Tools = { nvidiaSmi: ['nvidia-smi'], mpsControl: ['nvidia-cuda-mps-control'], env: {} }
