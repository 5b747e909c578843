// The states of one engine and every way between them. Pure: what is to be done comes back as effects.
import { ENGINE_STATES, type EngineState, type Readiness } from '../../../shared/engine.ts'
import { FaultError, type Fault } from '../../../shared/fault.ts'

/** The window in which restarts are counted. */
export const RESTART_WINDOW_MS = 10 * 60 * 1000

/** An engine that did not become ready is given this long to end politely. */
const LATE_DRAIN_SECONDS = 3

export interface Life {
  state: EngineState
  sinceMs: number
  /** How far its start has come; null unless starting. */
  readiness: Readiness | null
  /** A start follows as soon as it has ended. */
  again: boolean
  /** Why it is being ended although nobody asked. */
  failing: Fault | null
  /** Found alive from an earlier run of Overlap. */
  adopted: boolean
  /** Automatic restarts within the window, oldest first, on the steady clock. */
  restartsAtMs: readonly number[]
  /** When the next automatic restart is due, epoch ms, to be shown; null: none is. */
  restartAtMs: number | null
  fault: Fault | null
}

export type LifeEvent =
  | { name: 'start' }
  | { name: 'stop' | 'restart'; drainSeconds: number }
  | { name: 'turn' } //                        no other engine on its GPU is loading or ending
  | { name: 'refused'; fault: Fault } //       it could not be launched
  | { name: 'step'; readiness: Readiness }
  | { name: 'ready' }
  | { name: 'late'; fault: Fault } //          not ready in its time
  | { name: 'exited'; fault: Fault; curable: boolean } // gone; curable: another start may end better
  | { name: 'drainOver' }
  | { name: 'due' } //                         the automatic restart
  | { name: 'keeperLost'; fault: Fault } //    the process lives, its keeper does not
  | { name: 'adopted' }
  | { name: 'foundDead'; fault: Fault } //     ended while no Overlap was running

export type Effect =
  | { do: 'launch' }
  | { do: 'probe' }
  | { do: 'terminate'; drainSeconds: number }
  | { do: 'kill' }
  | { do: 'forget' } //                        an intended end: its record is not needed at the next opening
  | { do: 'restartIn'; ms: number }
  | { do: 'cancelRestart' }

export interface Next {
  life: Life
  effects: Effect[]
}

export function newLife(nowMs: number): Life {
  return { state: 'stopped', sinceMs: nowMs, readiness: null, again: false, failing: null, adopted: false, restartsAtMs: [], restartAtMs: null, fault: null }
}

/** 1, 2, 4 … 30 s. */
export const backOffMs = (restartsUsed: number): number => Math.min(1000 * 2 ** restartsUsed, 30_000)

export const restartsWithin = (life: Life, steadyMs: number): number[] => life.restartsAtMs.filter((at) => steadyMs - at < RESTART_WINDOW_MS)

interface Present {
  nowMs: number
  steadyMs: number
  restartBudget: number
}

/** Throws FaultError WRONG_STATE when a user asks for what this state does not allow; every other event that does not fit is ignored. */
export function next(life: Life, event: LifeEvent, { nowMs, steadyMs, restartBudget }: Present): Next {
  const to = (state: EngineState, change: Partial<Life>, ...effects: Effect[]): Next => ({
    life: { ...life, readiness: null, ...change, state, sinceMs: state === life.state ? life.sinceMs : nowMs },
    effects,
  })
  const stay: Next = { life, effects: [] }
  const is = (...states: EngineState[]) => states.includes(life.state)
  switch (event.name) {
    case 'start':
      return is('stopped', 'failed') ? queue(life, to) : refuse('started', life)
    case 'restart':
      if (is('stopped', 'failed')) return queue(life, to)
      if (is('waiting')) return refuse('restarted', life)
      return is('draining', 'stopping') ? to(life.state, { again: true }) : to('draining', { again: true }, { do: 'terminate', drainSeconds: event.drainSeconds })
    case 'stop':
      return stop(life, event.drainSeconds, to)
    case 'turn':
      return is('waiting') ? to('starting', { adopted: false, failing: null, again: false, fault: null }, { do: 'launch' }) : stay
    case 'refused':
      return is('waiting', 'starting') ? to('failed', { fault: event.fault }, { do: 'forget' }) : stay
    case 'step':
      return is('starting') ? to('starting', { readiness: event.readiness }) : stay
    case 'ready':
      // an adopted engine that was late may come round; one without its keeper stays unknown
      return is('starting') || (is('unknown') && life.fault?.code === 'ENGINE_NOT_READY') ? to('ready', { fault: null }) : stay
    case 'late':
      if (!is('starting')) return stay
      // an adopted engine may serve somebody: it is shown, not ended
      return life.adopted ? to('unknown', { fault: event.fault }) : to('stopping', { failing: event.fault }, { do: 'terminate', drainSeconds: LATE_DRAIN_SECONDS })
    case 'drainOver':
      return is('draining', 'stopping') ? to('stopping', {}, { do: 'kill' }) : stay
    case 'keeperLost':
      return is('starting', 'ready') ? to('unknown', { fault: event.fault }) : stay
    case 'due':
      return is('failed') && life.restartAtMs !== null ? to('waiting', { restartAtMs: null, restartsAtMs: [...restartsWithin(life, steadyMs), steadyMs] }) : stay
    case 'adopted':
      return is('stopped') ? to('starting', { adopted: true }, { do: 'probe' }) : stay
    case 'foundDead':
      return is('stopped') ? to('failed', { fault: event.fault }) : stay
    case 'exited':
      return exited(life, event, to, { nowMs, steadyMs, restartBudget })
  }
}

type To = (state: EngineState, change: Partial<Life>, ...effects: Effect[]) => Next

/** A start by hand: what was before no longer counts. */
const queue = (life: Life, to: To): Next =>
  to('waiting', { fault: null, restartAtMs: null }, ...(life.restartAtMs === null ? [] : [{ do: 'cancelRestart' } as const]))

function stop(life: Life, drainSeconds: number, to: To): Next {
  if (life.state === 'waiting') return to('stopped', {}, { do: 'forget' })
  if (['starting', 'ready', 'unknown'].includes(life.state)) return to('draining', { again: false, fault: null }, { do: 'terminate', drainSeconds })
  if (life.state === 'draining') return to('stopping', { again: false }, { do: 'kill' })
  if (life.state === 'failed' && life.restartAtMs !== null) return to('stopped', { restartAtMs: null }, { do: 'cancelRestart' }, { do: 'forget' })
  if (life.state === 'stopping' && (life.again || life.failing)) return to('stopping', { again: false, failing: null })
  return refuse('stopped', life)
}

function exited(life: Life, event: { fault: Fault; curable: boolean }, to: To, { nowMs, steadyMs, restartBudget }: Present): Next {
  if (['draining', 'stopping'].includes(life.state)) {
    if (life.again) return to('waiting', { again: false, failing: null, fault: null })
    if (life.failing) return to('failed', { failing: null, fault: life.failing })
    return to('stopped', { fault: null }, { do: 'forget' })
  }
  if (!['starting', 'ready', 'unknown'].includes(life.state)) return { life, effects: [] }
  const used = restartsWithin(life, steadyMs)
  if (restartBudget === 0 || !event.curable) return to('failed', { fault: event.fault, restartsAtMs: used })
  if (used.length >= restartBudget) return to('failed', { fault: budgetSpent(event.fault, used.length), restartsAtMs: used })
  const ms = backOffMs(used.length)
  return to('failed', { fault: event.fault, restartsAtMs: used, restartAtMs: nowMs + ms }, { do: 'restartIn', ms })
}

const budgetSpent = (fault: Fault, used: number): Fault => ({
  code: 'RESTART_BUDGET_SPENT',
  sentence: `${fault.sentence} It was restarted ${used === 1 ? 'once' : `${used} times`} in ten minutes and is not restarted again.`,
  hint: `${fault.hint} Then start it by hand.`,
  field: null,
  detail: fault.detail,
})

function refuse(what: 'started' | 'stopped' | 'restarted', life: Life): never {
  throw new FaultError('WRONG_STATE', `The engine cannot be ${what} now: it is ${life.state}. ${ENGINE_STATES[life.state]}`, 'Look at its state and wait until it has settled.')
}
