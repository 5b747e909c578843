// From a daemon to none, with the consent of whoever would be hurt, and seen to be gone. Only for daemons that are ours.
import { FaultError } from '../../../shared/fault.ts'
import type { MpsClient } from '../../../shared/mps.ts'
import { noProof, silent, type Work } from './bringUp.ts'
import { quitLine } from './control.ts'
import type { Seen } from './sight.ts'
import { refuseForeign } from './target.ts'

export interface Leave {
  /** Clients get errors when it is over; null: only without clients. */
  forceAfterSeconds: number | null
  nameOf(pid: number): string | null
  /** Engines that were started for this daemon and are not attached yet: they would run without MPS, or fail. */
  onTheirWay(): readonly string[]
}

/** A daemon without clients is gone within milliseconds of `quit`. */
const QUIT_MS = 10_000
/** After a quit that came back: was it heard? */
const HEARD_MS = 500

/** Throws NEEDS_CONSENT, MPS_FOREIGN, WRONG_STATE, NO_PERMISSION, MPS_BUSY, MPS_NO_PROOF. */
export async function takeDown(work: Work, leave: Leave): Promise<void> {
  const { target } = work
  if (target.ownership === 'used') {
    throw new FaultError('WRONG_STATE', 'Overlap uses this MPS daemon but did not start it, so it does not stop it.', 'Stop it where it was started, or stop using it.')
  }
  // with consent, a daemon that the kernel shows alive need not be asked first: a session is what a stop costs
  const inSight = await work.look('never')
  const seen = leave.forceAfterSeconds !== null && inSight.life === 'alive' ? inSight : await work.look('now')
  if (isGone(seen)) return refuseForeign(work.foreign())
  // Without an answer nobody knows who would be hurt.
  if (seen.answers !== true && leave.forceAfterSeconds === null) throw silent(seen)
  if (leave.forceAfterSeconds === null) askForConsent(seen.clients, leave)
  work.intend(seen.clients.length > 0 ? 'drain' : 'stop')
  await quit(work, leave.forceAfterSeconds)
}

/** A quit can be lost like any line, and its exit code says nothing: sent until the daemon is seen to be gone. */
async function quit(work: Work, forceAfterSeconds: number | null): Promise<void> {
  const { target, clock } = work
  const allowedMs = (forceAfterSeconds ?? 0) * 1000 + QUIT_MS
  const deadlineMs = clock.steady() + allowedMs
  for (let tries = 1; ; tries += 1) {
    const output = await target.channel.tell(quitLine(forceAfterSeconds), 'stop the MPS control daemon', allowedMs)
    const words = `${output.stderr}\n${output.stdout}`.trim()
    if (/Not enough privilege|Insufficient privileges/.test(words)) {
      throw new FaultError('NO_PERMISSION', 'The MPS daemon belongs to another user and refuses to stop.', 'Stop it as that user or as root.', { detail: words })
    }
    if (await seenGone(work)) return
    if (clock.steady() < deadlineMs || tries === 1) continue
    if (words.includes('Cannot send command')) throw new FaultError('MPS_BUSY', 'The MPS daemon is busy with another control session.', 'Close the nvidia-cuda-mps-control that is open in another terminal, then try again.', { detail: words })
    throw noProof('The MPS daemon was told to quit and still runs.', words || null)
  }
}

async function seenGone({ look, clock, aborted }: Work): Promise<boolean> {
  const deadlineMs = clock.steady() + HEARD_MS
  for (let pauseMs = 5; ; pauseMs *= 2) {
    if (isGone(await look('never'))) return true
    if (clock.steady() + pauseMs > deadlineMs) return isGone(await look('now'))
    await clock.sleep(pauseMs, aborted)
  }
}

/** Where the kernel shows nothing, a daemon that cannot be found by its own program is gone. */
const isGone = (seen: Seen) => seen.life === 'gone' || (seen.life === 'unclear' && seen.answers === false && seen.fault === null)

/** Throws NEEDS_CONSENT, by name. */
function askForConsent(clients: readonly MpsClient[], { nameOf, onTheirWay }: Leave): void {
  const pids = [...new Set(clients.map((client) => client.pid))]
  const attached = [...new Set(pids.map((pid) => nameOf(pid) ?? clients.find((client) => client.pid === pid)?.command ?? `pid ${pid}`))]
  const starting = onTheirWay().filter((name) => !attached.includes(name))
  if (attached.length + starting.length === 0) return
  const sentences = [
    attached.length === 0 ? null : `Attached to MPS on this GPU: ${listed(attached)}.`,
    starting.length === 0 ? null : `Being started under MPS: ${listed(starting)}.`,
  ].filter((sentence) => sentence !== null)
  throw new FaultError('NEEDS_CONSENT', sentences.join(' '), 'Stop them first, or stop with forceAfterSeconds: they then get errors when that time is over.', { field: 'forceAfterSeconds' })
}

const listed = (names: readonly string[]): string => names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')
