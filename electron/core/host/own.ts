// The only place that starts processes. Every child leads its own session and process group, so that it can be ended
// with its children and hears no Ctrl-C meant for Overlap. Nothing here knows the Ledger or the clean environment.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { FaultError } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'

export type Environment = Readonly<Record<string, string>>

export interface Start {
  argv: readonly string[]
  env: Environment
  cwd: string | undefined
  /** Written to standard input, then closed; undefined: /dev/null. */
  stdin: string | undefined
  /** Standard input is a pipe that stays open for the caller to write to; `stdin` is not looked at. */
  keepStdin?: boolean
  /** 'pipes', or a file descriptor that stdout and stderr go to. */
  output: 'pipes' | number
  /**
   * The kernel ends it with Overlap, also after kill -9 of Overlap (where setpriv is installed; elsewhere a child that
   * prints dies by SIGPIPE at its next line, and one that is silent stays). Its own children are not covered.
   */
  endsWithUs: boolean
}

/** Starts a child; its pid is known on return. Throws FaultError TOOL_MISSING, BAD_INPUT (cwd) or COMMAND_FAILED. */
export function startChild(start: Start): ChildProcess & { pid: number } {
  const prefix = start.endsWithUs ? endWithUsPrefix() : []
  if (prefix.length > 0) mustBeExecutable(start)
  const [file, ...rest] = [...prefix, ...start.argv]
  if (file === undefined) throw new FaultError('BAD_INPUT', 'The command is empty.', 'Name a program.')
  let child: ChildProcess
  try {
    child = spawn(file, rest, {
      env: start.env,
      cwd: start.cwd,
      detached: true,
      stdio: [start.stdin === undefined && !start.keepStdin ? 'ignore' : 'pipe', ...(start.output === 'pipes' ? ['pipe', 'pipe'] as const : [start.output, start.output])],
    })
  } catch (thrown) {
    mustBeExecutable(start)
    throw notStarted(start, thrown)
  }
  child.on('error', () => {}) // a failed spawn is found below, a failed kill is of no interest
  if (child.pid === undefined) {
    mustBeExecutable(start)
    throw notStarted(start, null)
  }
  // A child that does not read, or is gone, is no failure of the write: its exit tells.
  child.stdin?.on('error', () => {})
  if (!start.keepStdin) child.stdin?.end(start.stdin)
  return child as ChildProcess & { pid: number }
}

export interface Exit {
  exitCode: number | null
  signal: string | null
}

/** Resolves when the process is gone; its pipes may still hold output, or be held open by its children. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve({ exitCode: child.exitCode, signal: child.signalCode })
    else child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

/** From SIGTERM to SIGKILL. */
const TERM_GRACE_MS = 2000
/** From SIGKILL until a child counts as stuck in the kernel (D state). */
const KILL_GRACE_MS = 1000

/** SIGTERM to the group, SIGKILL 2 s later. Null: it cannot be killed and is abandoned, its pipes closed, not waited for. */
export async function endGroup(child: ChildProcess & { pid: number }, clock: Clock): Promise<Exit | null> {
  const exit = exitOf(child)
  signalGroup(child.pid, 'SIGTERM')
  let end = await within(exit, TERM_GRACE_MS, clock)
  // Also after a polite exit: its children may have ignored the signal. The number cannot have been used again while they live.
  signalGroup(child.pid, 'SIGKILL')
  end ??= await within(exit, KILL_GRACE_MS, clock)
  if (end === null) letGo(child)
  return end
}

/** How long pipes are still read after the exit, when a child of the child keeps them open. */
const PIPE_GRACE_MS = 250

/** The pipes of a child that is gone, read to their end or until the grace is over; then closed. Not just 'close': that waits for every process that inherited them. */
export async function allRead(child: ChildProcess, clock: Clock): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => stream && !stream.closed)
  if (open.length === 0) return
  await new Promise<void>((resolve) => {
    // Two turns of the loop, so that what already lies in the pipe is read even when the loop was late.
    const cancel = clock.after(PIPE_GRACE_MS, () => setImmediate(() => setImmediate(resolve)))
    child.once('close', () => {
      cancel()
      resolve()
    })
  })
  for (const stream of open) stream?.destroy()
}

/** Overlap no longer waits for this child, nor does its own exit. */
export function letGo(child: ChildProcess): void {
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.stdin?.destroy()
  child.unref()
}

/** False: there is no such group (or process, for 'process'), or it is not ours to signal. */
export function signalGroup(pid: number, signal: NodeJS.Signals, whole: 'process' | 'group' = 'group'): boolean {
  try {
    return process.kill(whole === 'group' ? -pid : pid, signal)
  } catch {
    return false
  }
}

async function within<Value>(promise: Promise<Value>, ms: number, clock: Clock): Promise<Value | null> {
  const done = new AbortController()
  const value = await Promise.race([promise, clock.sleep(ms, done.signal).then(() => null)])
  done.abort()
  return value
}

/** The path that a name stands for in this PATH; null: none that can be executed. */
export function findExecutable(name: string, env: Environment, cwd?: string): string | null {
  const places = name.includes('/')
    ? [isAbsolute(name) ? name : resolve(cwd ?? '.', name)]
    : (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).map((directory) => join(resolve(cwd ?? '.', directory), name))
  return places.find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Says what is wrong when a command cannot be started: FaultError TOOL_MISSING or BAD_INPUT (cwd). */
export function mustBeExecutable({ argv, env, cwd }: Pick<Start, 'argv' | 'env' | 'cwd'>): void {
  if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FaultError('BAD_INPUT', `The folder ${cwd} does not exist.`, 'Create it, or choose another working folder.', { field: 'cwd' })
  }
  const name = argv[0] ?? ''
  if (findExecutable(name, env, cwd) !== null) return
  throw new FaultError('TOOL_MISSING', `${name} is not installed, or cannot be executed.`,
    name.includes('/') ? 'Check the path and its permissions.' : 'Install it, or add its folder to PATH and start Overlap again.')
}

function notStarted({ argv }: Start, cause: unknown): FaultError {
  return new FaultError('COMMAND_FAILED', `${argv[0]} could not be started.`,
    'The system may be out of processes, file descriptors or memory, or the program is of another architecture.',
    { cause, detail: cause instanceof Error ? cause.message : undefined })
}

let endWithUs: string[] | undefined

/** setpriv asks the kernel for the signal (PR_SET_PDEATHSIG) and becomes the program: same pid. Empty where it is missing or too old. */
function endWithUsPrefix(): string[] {
  endWithUs ??= probe(['setpriv', '--pdeathsig', 'TERM', 'true']) ? ['setpriv', '--pdeathsig', 'TERM'] : []
  return endWithUs
}

function probe([file, ...rest]: [string, ...string[]]): boolean {
  return spawnSync(file, rest, { stdio: 'ignore', timeout: 2000 }).status === 0
}

/** More open files than Overlap or an engine needs; few enough for tools that reserve memory per possible descriptor. */
const OPEN_FILES = 1_048_576

/**
 * Node raises its soft limit of open files to the hard one, and children inherit it. Where that is 2³⁰ (containers),
 * nvidia-smi reserves tens of GiB and starts in half a minute: bring our own soft limit down, once.
 */
export function tameOpenFiles(softLimit: number | null): boolean {
  if (softLimit === null || softLimit <= OPEN_FILES) return false
  return probe(['prlimit', '--pid', String(process.pid), `--nofile=${OPEN_FILES / 16}:`])
}
