// Starts engines again that an experiment had set aside when its Overlap was killed: one after another, without a workstation. As soon as
// another Overlap has the state folder it leaves off, and that one does the rest.
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { launchRun, type Relaunch } from '../engines/launch.ts'
import { doorsOf } from '../engines/recipes/recipes.ts'
import { RunFolder, stillRuns, type StartedRun } from '../engines/runFolder.ts'
import { AbstractLock, stateLock } from '../host/abstractLock.ts'
import type { Host } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { isDaemonAt } from '../mps/detect.ts'
import { Journal, readJournal } from './journal.ts'

export interface AgainParts {
  host: Host
  procfs: Procfs
  clock: Clock
  log: Log
}

const LOOK_EVERY_MS = 250
const ANSWER_MS = 1_000
/** One that was asked to end when Overlap died ends within this time, or was not asked yet and goes on. */
const DRAINED_MS = 15_000

/** `path`: the journal, of which nothing but set-aside engines is left. What cannot be started here stays in it. */
export async function startAgain(path: string, parts: AgainParts): Promise<void> {
  const left = (readJournal(path)?.outstanding ?? []).reverse()
  for (const [at, { number, thing }] of left.entries()) {
    if (thing.kind !== 'setAside' || thing.again === null) continue
    const last = at === left.length - 1
    const { again, name } = thing
    try {
      const came = await drained(again, parts, path) && await alone(path, () => launched(again, parts))
      if (came === false) return // another Overlap is there
      if (came === null) continue
      markUndone(path, number)
      if (!last && !(await served(again, came, parts, path))) return
    } catch (error) {
      parts.log.warn('an engine that was set aside could not be started again', { engine: name, error: String(error) })
    }
  }
}

/** Null: it needs what is not there. */
async function launched({ plan, folder, keeperPath, toolsEnv }: Relaunch, { host, procfs, clock }: AgainParts): Promise<StartedRun | null> {
  const at = new RunFolder(folder)
  const run = await at.run()
  if (run !== null && stillRuns(run, procfs)) return run // nobody had asked it to end
  if (plan.mps !== null && (plan.mps.daemonPid === null || !isDaemonAt(procfs, plan.mps.pipeDirectory, plan.mps.daemonPid))) return null
  return await launchRun({ plan: { ...plan, runId: randomUUID() }, folder: at, host, procfs, clock, keeperPath, toolsEnv })
}

/** With the state folder to ourselves. False: another Overlap has it. */
async function alone<Answer>(path: string, work: () => Promise<Answer>): Promise<Answer | false> {
  const lock = await AbstractLock.take(stateLock(dirname(path)), { timeoutMs: 0 })
  if (lock === null) return false
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

const isAlone = async (path: string): Promise<boolean> => await alone(path, async () => true)

/** It ended, or goes on. False: another Overlap came. */
async function drained({ folder }: Relaunch, { procfs, clock }: AgainParts, path: string): Promise<boolean> {
  const run = await new RunFolder(folder).run()
  for (const untilMs = clock.steady() + DRAINED_MS; run !== null && stillRuns(run, procfs) && clock.steady() < untilMs; await clock.sleep(LOOK_EVERY_MS)) if (!(await isAlone(path))) return false
  return true
}

/** Until it answers, or is beyond hope: only then may the next one load. False: another Overlap came. */
async function served({ plan }: Relaunch, run: StartedRun, { procfs, clock }: AgainParts, path: string): Promise<boolean> {
  const { healthPath } = doorsOf(plan.spec)
  const answers = () => fetch(`http://127.0.0.1:${plan.port}${healthPath ?? '/'}`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(({ ok }) => ok || healthPath === null, () => false)
  for (const untilMs = clock.steady() + plan.spec.readyWithinSeconds * 1000; clock.steady() < untilMs && procfs.isAlive(run.engine) && !(await answers()); await clock.sleep(LOOK_EVERY_MS)) if (!(await isAlone(path))) return false
  return true
}

function markUndone(path: string, number: number): void {
  const journal = Journal.reopen(path)
  journal.undone(number)
  if (readJournal(path)?.outstanding.length === 0) journal.close()
  else journal.leave()
}
