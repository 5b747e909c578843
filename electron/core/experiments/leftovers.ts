// At the next start: finishes what the afterlife of a killed Overlap could not do, and starts engines that were set aside.
import { rmSync } from 'node:fs'
import type { Procfs } from '../host/procfs.ts'
import { rests } from './arrangement.ts'
import { Journal, readJournal } from './journal.ts'
import type { Lab } from './lab.ts'
import { journalPath } from './run.ts'
import { undoMachine } from './undoing.ts'
import { until } from './until.ts'

/** The afterlife needs less; one that is stuck is not waited for longer. */
const AFTERLIFE_MS = 15_000
const LOOK_EVERY_MS = 100
/** For the first look at the GPU's MPS daemon, without which it cannot be stopped, nor an engine on MPS started. */
const DAEMON_SEEN_MS = 15_000

/** `closing`: nothing more is waited for; the next start does the rest. */
export async function tidyAfterKill(lab: Lab, procfs: Procfs, closing: AbortSignal): Promise<void> {
  const path = journalPath(lab.stateDirectory)
  const found = readJournal(path)
  if (found === null) return rmSync(path, { force: true })
  lab.log.warn('an experiment was cut short; what it left is taken down', { experiment: found.head.experimentId, things: found.outstanding.length })
  const { afterlife } = found
  for (const untilMs = lab.clock.steady() + AFTERLIFE_MS; afterlife !== null && procfs.isAlive(afterlife) && lab.clock.steady() < untilMs && !closing.aborted;) await lab.clock.sleep(LOOK_EVERY_MS, closing)
  if (closing.aborted) return
  const { host, clock, log } = lab
  await undoMachine(path, { host, procfs, clock, log })
  const left = readJournal(path)?.outstanding ?? []
  const journal = Journal.reopen(path)
  for (const { number, thing } of left) {
    if (closing.aborted) break
    if (thing.kind === 'setAside') await startAgain(thing.id, thing.name, lab, closing)
    else if (thing.kind === 'daemon') await daemonSeen(thing.gpuUuid, lab, closing).then(() => lab.mps.stop(thing.gpuUuid)).catch((error: unknown) => lab.log.warn('the MPS daemon of an experiment could not be stopped', { error: String(error) }))
    else continue
    if (!closing.aborted) journal.undone(number)
  }
  if (readJournal(path)?.outstanding.length === 0) journal.close()
  else journal.leave()
}

async function startAgain(id: string, name: string, lab: Lab, closing: AbortSignal): Promise<void> {
  const engine = lab.engines.list.value.find((candidate) => candidate.id === id)
  if (!engine || !rests(engine)) return
  const { gpuUuid, onMps } = engine.spec
  if (onMps && gpuUuid !== null) await daemonSeen(gpuUuid, lab, closing)
  if (closing.aborted) return
  await lab.engines.start(id).catch((error: unknown) => lab.log.warn('an engine that was set aside could not be started again', { engine: name, error: String(error) }))
}

async function daemonSeen(gpuUuid: string, { daemons, clock }: Lab, closing: AbortSignal): Promise<void> {
  const seen = () => (daemons.value.some((daemon) => daemon.gpuUuid === gpuUuid && daemon.state !== 'unknown') ? true : null)
  await until(daemons, seen, { clock, ms: DAEMON_SEEN_MS, signal: closing }).catch(() => null) // closing
}
