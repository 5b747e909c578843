// The small process that outlives Overlap and holds one engine: starts it, waits for its end, writes both down. An entry of its own:
//   node keeper.ts <folder> [--run-as-node] -- <program> <argument>…
// It prints nothing of its own and forwards nothing. Standard output and error, an O_APPEND log, are handed on to the engine.
// A program of its own: its time is the machine's. Killed with SIGKILL, it leaves the engine running: then nobody learns the exit status.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, copyFileSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessId } from './host.ts'
import { Procfs } from './procfs.ts'

/** plan.json, written by Overlap before: what this start is for. The keeper copies it and looks at no more of it than this. */
export interface Plan {
  version: 1
  runId: string
  /** `env`: for the engine only, not for the keeper, whose Node a NODE_OPTIONS or LD_PRELOAD of the user's would break. */
  spec: { env: Record<string, string> }
}

/** run.json */
export interface Run<Planned extends Plan = Plan> {
  version: 1
  runId: string
  plan: Planned
  argv: string[]
  /** Of the whole environment. Values stand only in plan.spec.env, which may hold secrets: the file is its owner's alone (0600). */
  envNames: string[]
  cwd: string
  /** null: it was started outside Overlap, and nobody keeps it. A keeper writes itself. */
  keeper: ProcessId | null
  engine: ProcessId
  startedAtMs: number
  /** The boot that both start times count from; null: could not be read. */
  bootId: string | null
}

/** exit.json; written when no process of the engine's group is left. */
export interface RunExit {
  version: 1
  runId: string
  code: number | null
  signal: string | null
  /** ENOENT, EACCES …: it never ran. */
  spawnError: string | null
  atMs: number
}

const LOG_LIMIT_BYTES = 64 * 1024 * 1024
const LOG_LOOK_MS = 2_000
/** Processes that an ended engine left in its group: asked to end, then ended. */
const LEFTOVER_GRACE_MS = 5_000
const LEFTOVER_LOOK_MS = 100

const [folder = '.', ...words] = process.argv.slice(2)
const argv = words.slice(words.indexOf('--') + 1)
const runAsNode = words[0] === '--run-as-node'

// whoever ends everything around it still finds out how the engine ended
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE'] as const) process.on(signal, () => {})
keep(JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan)

function keep(plan: Plan): void {
  const environment = { ...process.env }
  if (!runAsNode) delete environment['ELECTRON_RUN_AS_NODE'] // was for the keeper
  Object.assign(environment, plan.spec.env)
  const engine = spawn(argv[0] ?? '', argv.slice(1), { env: environment, detached: true, stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = (code: number | null, signal: string | null, spawnError: string | null): RunExit =>
    ({ version: 1, runId: plan.runId, code, signal, spawnError, atMs: Date.now() })
  engine.once('error', (error: NodeJS.ErrnoException) => end(exit(null, null, error.code ?? error.message)))
  if (engine.pid === undefined) return
  record(runOf(plan, engine, environment, engine.pid))
  const guard = setInterval(() => cutLog(1), LOG_LOOK_MS)
  engine.once('exit', (code, signal) => {
    clearInterval(guard)
    endLeftovers(engine.pid ?? 0, () => end(exit(code, signal, null)))
  })
}

function runOf(plan: Plan, engine: ChildProcess, environment: NodeJS.ProcessEnv, pid: number): Run {
  return {
    version: 1,
    runId: plan.runId,
    plan,
    argv: engine.spawnargs,
    envNames: Object.keys(environment).sort(),
    cwd: process.cwd(),
    keeper: processId(process.pid),
    engine: processId(pid),
    startedAtMs: Date.now(),
    bootId: new Procfs().bootId(),
  }
}

/** A pid whose start time cannot be read is never taken for alive again. */
function processId(pid: number): ProcessId {
  return { pid, startTicks: new Procfs().processStat(pid)?.startTicks ?? 0 }
}

/** An engine that nobody could find again must not go on: a full disk ends it. */
function record(run: Run): void {
  try {
    writeWhole('run.json', run)
  } catch (error) {
    process.kill(-run.engine.pid, 'SIGKILL')
    throw error
  }
}

function end(exit: RunExit): void {
  writeWhole('exit.json', exit)
  process.exit(0)
}

/** Asked once: a second SIGTERM means "at once" to some. */
function endLeftovers(group: number, then: () => void): void {
  const startedAt = performance.now()
  let signal: NodeJS.Signals | 0 = 'SIGTERM'
  look()
  function look(): void {
    const sinceMs = performance.now() - startedAt
    try {
      process.kill(-group, sinceMs < LEFTOVER_GRACE_MS ? signal : 'SIGKILL')
    } catch {
      return then() // the group is empty
    }
    signal = 0
    if (sinceMs > 2 * LEFTOVER_GRACE_MS) return then() // cannot be ended: not waited for
    setTimeout(look, LEFTOVER_LOOK_MS)
  }
}

/** A log beyond the limit is copied to engine.log.1 and begun anew in place: the engine's own descriptor appends, so it goes on at the new end. */
function cutLog(descriptor: number): void {
  try {
    if (fstatSync(descriptor).size < LOG_LIMIT_BYTES) return
    copyFileSync(join(folder, 'engine.log'), join(folder, 'engine.log.1'))
    ftruncateSync(descriptor, 0)
  } catch {
    // a terminal or a log that was taken away: nothing to cut
  }
}

function writeWhole(name: string, content: object): void {
  const path = join(folder, name)
  const descriptor = openSync(`${path}.new`, 'w', 0o600)
  writeFileSync(descriptor, `${JSON.stringify(content, null, 2)}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${path}.new`, path)
}
