// The state of MPS on one GPU from what was seen and what is intended. Pure: nothing is asked or changed here.
import type { Fault } from '../../../shared/fault.ts'
import { MPS_STATES, type ForeignDaemon, type MpsDaemon, type MpsServer, type MpsState } from '../../../shared/mps.ts'

/** What Overlap is about to do; null: nothing. */
export type MpsIntent = 'start' | 'drain' | 'stop' | null

/** alive and gone are proofs; unclear: this host shows neither, or they disagree. */
export type Life = 'alive' | 'gone' | 'unclear'

export interface MpsFacts {
  intent: MpsIntent
  life: Life
  /** The last control command was answered; null: not asked since the daemon started. */
  answers: boolean | null
  ownership: MpsDaemon['ownership']
  servers: readonly MpsServer[]
  clients: number
  /** Daemons that Overlap did not start and that serve, or may serve, this GPU. */
  foreign: readonly ForeignDaemon[]
  fault: Fault | null
  /** When a client last met a fatal GPU error, if that is worth telling still. */
  gpuFaultAtMs: number | null
}

export function mpsState(facts: MpsFacts): MpsState {
  const { intent, life, answers } = facts
  const alive = life === 'alive' || (life === 'unclear' && answers === true)
  if (!alive) {
    if (intent === 'start') return 'starting'
    if (life === 'unclear' && answers === null) return 'unknown'
    return facts.foreign.length > 0 ? 'foreign' : 'stopped'
  }
  if (intent === 'drain') return 'draining'
  if (intent === 'stop') return 'stopping'
  if (answers !== true) return intent === 'start' ? 'starting' : 'unknown'
  if (facts.servers.some((server) => server.status === 'FAULT')) return 'faulted'
  return facts.servers.some((server) => server.status === 'ACTIVE') ? 'running' : 'noServer'
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

/** The state in plain words, with what is special now. */
export function mpsSentence(state: MpsState, facts: MpsFacts): string {
  return [MPS_STATES[state], special(state, facts), neighbours(state, facts)].filter((part) => part !== null).join(' ')
}

function special(state: MpsState, facts: MpsFacts): string | null {
  if (facts.fault !== null && state !== 'running') return facts.fault.sentence
  if (state === 'running') return `${facts.clients === 0 ? 'No client is attached yet.' : `${count(facts.clients, 'client')} attached.`}${pastFault(facts)}`
  if (state === 'draining') return `${count(facts.clients, 'client')} still attached.`
  if (state === 'noServer' && facts.servers.some((server) => server.status === 'INITIALIZING')) return 'A server is initialising.'
  if (state === 'stopped' && facts.ownership === 'used') return 'The daemon you chose to use is gone.'
  return null
}

const pastFault = ({ gpuFaultAtMs }: MpsFacts) =>
  gpuFaultAtMs === null ? '' : ` A fatal GPU error at ${new Date(gpuFaultAtMs).toTimeString().slice(0, 8)} reached every client of that moment; which one caused it is not known.`

/** Two servers on one GPU take turns instead of overlapping. */
function neighbours(state: MpsState, { foreign, ownership }: MpsFacts): string | null {
  if (state === 'foreign' || foreign.length === 0 || state === 'stopped') {
    return state === 'foreign' && foreign.every((daemon) => daemon.gpuUuids === null) ? 'It may serve every GPU of this machine.' : null
  }
  const other = ownership === 'used' ? 'Another daemon' : 'A daemon that Overlap did not start'
  return `${other} serves this GPU too: clients of different daemons take turns instead of overlapping.`
}

/** What the last transition failed with. */
export interface Failure {
  fault: Fault
  /** On the steady clock. */
  atMs: number
}

/** Back to the user; no state of the daemon. A used daemon that refuses our orders starts a server when its first client comes. */
export const isQuestion = ({ code }: Fault, ownership: MpsDaemon['ownership']): boolean =>
  ['NEEDS_CONSENT', 'BAD_INPUT', 'NOT_FOUND', 'WRONG_STATE', 'MPS_FOREIGN'].includes(code) || (code === 'NO_PERMISSION' && ownership === 'used')

/** A server is ACTIVE; or a daemon that was busy or silent has answered since. */
export const isOver = ({ fault, atMs }: Failure, seen: { servers: readonly MpsServer[]; answeredAtMs: number | null }): boolean =>
  seen.servers.some((server) => server.status === 'ACTIVE') || (['MPS_BUSY', 'COMMAND_TIMED_OUT'].includes(fault.code) && (seen.answeredAtMs ?? 0) > atMs)
