// Undoes what a dead Overlap's journal still names: processes by pid and start time, the daemon, folders. Needs no workstation, so that
// the afterlife and the next start can both do it. Engines that were set aside are again.ts's.
import { readFileSync, rmSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Host, ProcessId } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Journal, readJournal, type DaemonThing, type EngineThing, type Journaled } from './journal.ts'

export interface UndoingParts {
  host: Pick<Host, 'run' | 'signal'>
  procfs: Procfs
  clock: Clock
  log: Log
}

/** From SIGTERM to SIGKILL of an engine's group. */
const TERM_GRACE_MS = 3_000
const KILL_GRACE_MS = 2_000
/** A keeper that was just launched writes its record this much later at most. */
const LATE_RECORD_MS = 3_000
const QUIT_MS = 4_000
/** A daemon that was being started listens this much later at most. */
const LATE_DAEMON_MS = 1_500
const LOOK_EVERY_MS = 50

/** All but set-aside engines, engines first. True: nothing of it is left. Throws nothing: what fails is logged and stays in the journal. */
export async function undoMachine(path: string, parts: UndoingParts): Promise<boolean> {
  const journaled = readJournal(path)
  if (journaled === null) return true
  const sameBoot = journaled.head.bootId === parts.procfs.bootId()
  const journal = Journal.reopen(path)
  const undo = async (number: number, what: string, work: () => Promise<boolean>) => {
    const done = await work().catch((error: unknown) => (parts.log.error(`${what} could not be undone`, { error }), false))
    if (done) journal.undone(number)
    return done
  }
  try {
    const engines = of(journaled, 'engine').map(({ number, thing }) => undo(number, 'an engine of an experiment', () => endEngine(thing, sameBoot, parts)))
    const ended = await Promise.all(engines)
    const daemons = of(journaled, 'daemon').map(({ number, thing }) => undo(number, 'the MPS daemon of an experiment', () => endDaemon(thing, sameBoot, parts)))
    return [...ended, ...(await Promise.all(daemons))].every(Boolean)
  } finally {
    journal.leave()
  }
}

const of = <Kind extends 'engine' | 'daemon'>(journaled: Journaled, kind: Kind) =>
  journaled.outstanding.flatMap(({ number, thing }) => (thing.kind === kind ? [{ number, thing: thing as Extract<EngineThing | DaemonThing, { kind: Kind }> }] : [])).reverse()

async function endEngine(thing: EngineThing, sameBoot: boolean, parts: UndoingParts): Promise<boolean> {
  if (sameBoot) {
    const run = await recordOf(thing, parts)
    if (run.engine && !(await endProcess(run.engine, 'group', parts))) return false
    // the keeper ends by itself once it has written the exit down
    if (run.keeper && !(await gone(run.keeper, KILL_GRACE_MS, parts))) parts.host.signal(run.keeper, 'SIGKILL', 'process')
  }
  rmSync(thing.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  return true
}

/** The keeper's own record is believed first: it was written before the journal could be amended. */
async function recordOf(thing: EngineThing, { clock }: UndoingParts): Promise<{ engine: ProcessId | null; keeper: ProcessId | null }> {
  const planned = () => existsSync(join(thing.folder, 'plan.json'))
  for (const untilMs = clock.steady() + LATE_RECORD_MS; ; await clock.sleep(LOOK_EVERY_MS)) {
    const run = readRun(join(thing.folder, 'run.json'))
    if (run !== null || thing.engine !== null || !planned() || clock.steady() >= untilMs) return run ?? { engine: thing.engine, keeper: thing.keeper }
  }
}

function readRun(path: string): { engine: ProcessId; keeper: ProcessId } | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { engine: ProcessId; keeper: ProcessId }
  } catch {
    return null
  }
}

/** With the daemon gone its server goes too. Asked first; a daemon that does not leave is ended, which leaves only stale files. */
async function endDaemon({ quit }: DaemonThing, sameBoot: boolean, parts: UndoingParts): Promise<boolean> {
  if (quit === null) return false
  if (!sameBoot || (quit.daemon !== null && !parts.procfs.isAlive(quit.daemon))) return true
  const ask = () => parts.host.run({ argv: quit.argv, env: quit.env, stdin: quit.stdin, timeoutMs: QUIT_MS, why: 'stop the MPS control daemon of an experiment that was killed' }).catch((error: unknown) => parts.log.warn('the MPS daemon could not be asked to quit', { error: String(error) }))
  await ask()
  if (quit.daemon === null) {
    await parts.clock.sleep(LATE_DAEMON_MS)
    await ask()
    return true
  }
  return (await gone(quit.daemon, 500, parts)) || (await endProcess(quit.daemon, 'process', parts))
}

async function endProcess(process: ProcessId, whole: 'group' | 'process', parts: UndoingParts): Promise<boolean> {
  if (!parts.host.signal(process, 'SIGTERM', whole)) return true
  if (await gone(process, TERM_GRACE_MS, parts)) return true
  parts.host.signal(process, 'SIGKILL', whole)
  return gone(process, KILL_GRACE_MS, parts)
}

async function gone(process: ProcessId, withinMs: number, { procfs, clock }: UndoingParts): Promise<boolean> {
  for (const untilMs = clock.steady() + withinMs; procfs.isAlive(process); await clock.sleep(LOOK_EVERY_MS)) if (clock.steady() >= untilMs) return false
  return true
}
