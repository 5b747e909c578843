// From nothing to an ACTIVE server, each step proven before the next. Exit codes are not proof.
import type { Clock } from '../kit/clock.ts'
import type { Host, Tools } from '../host/host.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { ForeignDaemon, MpsLimits } from '../../../shared/mps.ts'
import { startServer } from './control.ts'
import { isLimited, setDefaultsOf } from './limits.ts'
import type { MpsIntent } from './lifecycle.ts'
import type { Asking, Seen } from './sight.ts'
import { daemonCommand, makeDirectories, mustBeOurs, refusal, refuseForeign, setLogsAside, type Target } from './target.ts'

export interface Work {
  host: Host
  tools: Tools
  clock: Clock
  gpu: { uuid: string; memoryTotalMiB: number | null }
  uid: number
  target: Target
  /** The user's, for every server that Overlap's own daemon starts. */
  limits: MpsLimits
  foreign(): readonly ForeignDaemon[]
  /** The user no longer waits: Overlap ends. `look` then throws. */
  aborted: AbortSignal
  /** What is about to be done, for the state. */
  intend(intent: MpsIntent): void
  /** Looks, and publishes what was seen. */
  look(asking: Asking): Promise<Seen>
}

/** From `-d` to the first answer. */
const DAEMON_MS = 5_000
/** From start_server to ACTIVE; the driver initialises slowly where no nvidia-persistenced keeps it loaded. */
const SERVER_MS = 60_000
/** From start_server to any sign of it, in the list or in the log. */
const SIGN_MS = 5_000

export const isUp = (seen: Seen): boolean => seen.life !== 'gone' && seen.answers === true

export async function bringUp(work: Work): Promise<void> {
  if (work.target.ownership === 'overlap') mustBeOurs(work.target.pipeDirectory)
  const seen = await work.look('now')
  await bringUpServer(work, isUp(seen) ? seen : await bringUpDaemon(work, seen))
}

async function bringUpDaemon(work: Work, seen: Seen): Promise<Seen> {
  const { target, host, tools, gpu } = work
  if (seen.life === 'alive') throw silent(seen)
  refuseForeign(work.foreign())
  if (target.ownership === 'used') {
    throw new FaultError('WRONG_STATE', `The MPS daemon at ${target.pipeDirectory} is gone; Overlap did not start it and does not start it again.`, 'Stop using it; then Overlap can start one of its own.')
  }
  makeDirectories(target)
  if (seen.life === 'gone') setLogsAside(target)
  work.intend('start')
  const output = await host.run({ ...daemonCommand(target, tools, gpu.uuid), timeoutMs: 30_000, aborted: work.aborted, whenAborted: 'leave' })
  const refused = refusal(output)
  if (refused) throw refused
  const words = `${output.stdout}\n${output.stderr}`.trim()
  return until(work, DAEMON_MS, isUp, () => noProof('The MPS daemon was started and yet nothing answers.', words || null))
}

async function bringUpServer(work: Work, before: Seen): Promise<void> {
  const { target, uid } = work
  if (hasActive(before)) return
  if (before.servers.some((server) => server.status === 'FAULT')) throw before.fault ? FaultError.of(before.fault) : noProof('The MPS server is in FAULT.', null)
  if (before.servers.length === 0) {
    if (target.ownership === 'overlap' && isLimited(work.limits)) await setDefaultsOf(target, work.limits)
    const { objection } = await target.channel.ask(startServer(uid), 'start an MPS server for this user', 'kept')
    if (objection && !objection.includes('already exists')) {
      throw new FaultError('COMMAND_FAILED', 'The MPS daemon did not start a server.', 'Its own words are below.', { detail: objection })
    }
  }
  const { clock } = work
  const startedAtMs = clock.steady()
  const started = (seen: Seen) => {
    const signs = seen.servers.length > 0 || seen.lastStart?.id !== before.lastStart?.id
    if (seen.life === 'gone') throw noProof('The MPS daemon ended while its server started.', null)
    if (signs && seen.servers.length === 0 && seen.fault) throw FaultError.of(seen.fault)
    if (!signs && clock.steady() - startedAtMs > SIGN_MS) throw noProof(target.logDirectory === null ? 'No MPS server appeared, and the log that would say why is not ours to read.' : 'The MPS daemon took the order to start a server and did nothing.', null)
    return hasActive(seen)
  }
  await until(work, SERVER_MS, started, () => noProof('The MPS server did not become ACTIVE in a minute.', null))
}

const hasActive = (seen: Seen) => seen.servers.some((server) => server.status === 'ACTIVE')

/** Looks again and again, more slowly with time, until it is so. */
export async function until(work: Pick<Work, 'look' | 'clock' | 'aborted'>, withinMs: number, isSo: (seen: Seen) => boolean, late: () => FaultError): Promise<Seen> {
  const deadlineMs = work.clock.steady() + withinMs
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    const seen = await work.look('now')
    if (isSo(seen)) return seen
    if (work.clock.steady() + pauseMs > deadlineMs) throw late()
    await work.clock.sleep(pauseMs, work.aborted)
  }
}

/** It runs and does not answer: why, where that is known. */
export const silent = ({ fault }: Seen): FaultError => (fault ? FaultError.of(fault) : noProof('The MPS daemon runs and does not answer.', null))

export const noProof = (sentence: string, words: string | null) =>
  new FaultError('MPS_NO_PROOF', sentence, 'Read control.log on the MPS screen, then try again.', { detail: words?.slice(0, 1000) })
