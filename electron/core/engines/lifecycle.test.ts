// Every state × every event, against a table written by hand.
import { describe, expect, it } from 'vitest'
import { ENGINE_STATES, type EngineState } from '../../../shared/engine.ts'
import { FaultError, type Fault } from '../../../shared/fault.ts'
import { backOffMs, newLife, next, RESTART_WINDOW_MS, type Life, type LifeEvent } from './lifecycle.ts'

const FAULT: Fault = { code: 'ENGINE_EXITED', sentence: 'It ended.', hint: 'Look.', field: null, detail: null }
const NOW = 1_000_000
/** The steady clock counts from elsewhere: what is shown is on the one, what is counted on the other. */
const STEADY = 5_000_000
const life = (state: EngineState, change: Partial<Life> = {}): Life => ({ ...newLife(1), state, ...change })
const budget = (restartBudget: number) => ({ nowMs: NOW, steadyMs: STEADY, restartBudget })

const EVENTS = {
  start: { name: 'start' }, stop: { name: 'stop', drainSeconds: 7 }, restart: { name: 'restart', drainSeconds: 7 }, turn: { name: 'turn' },
  refused: { name: 'refused', fault: FAULT }, step: { name: 'step', readiness: 'portOpen' }, ready: { name: 'ready' }, late: { name: 'late', fault: FAULT },
  exited: { name: 'exited', fault: FAULT, curable: true }, drainOver: { name: 'drainOver' }, due: { name: 'due' },
  keeperLost: { name: 'keeperLost', fault: FAULT }, adopted: { name: 'adopted' }, foundDead: { name: 'foundDead', fault: FAULT },
} as const satisfies Record<string, LifeEvent>

// next state and effects; '-': nothing changes; '!': WRONG_STATE
const TABLE: Record<EngineState, Record<keyof typeof EVENTS, string>> = {
  stopped: { start: 'waiting', stop: '!', restart: 'waiting', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: '-', drainOver: '-', due: '-', keeperLost: '-', adopted: 'starting probe', foundDead: 'failed' },
  waiting: { start: '!', stop: 'stopped forget', restart: '!', turn: 'starting launch', refused: 'failed forget', step: '-', ready: '-', late: '-', exited: '-', drainOver: '-', due: '-', keeperLost: '-', adopted: '-', foundDead: '-' },
  starting: { start: '!', stop: 'draining terminate', restart: 'draining terminate', turn: '-', refused: 'failed forget', step: 'starting', ready: 'ready', late: 'stopping terminate', exited: 'failed', drainOver: '-', due: '-', keeperLost: 'unknown', adopted: '-', foundDead: '-' },
  ready: { start: '!', stop: 'draining terminate', restart: 'draining terminate', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: 'failed', drainOver: '-', due: '-', keeperLost: 'unknown', adopted: '-', foundDead: '-' },
  draining: { start: '!', stop: 'stopping kill', restart: 'draining', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: 'stopped forget', drainOver: 'stopping kill', due: '-', keeperLost: '-', adopted: '-', foundDead: '-' },
  stopping: { start: '!', stop: '!', restart: 'stopping', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: 'stopped forget', drainOver: 'stopping kill', due: '-', keeperLost: '-', adopted: '-', foundDead: '-' },
  failed: { start: 'waiting', stop: '!', restart: 'waiting', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: '-', drainOver: '-', due: '-', keeperLost: '-', adopted: '-', foundDead: '-' },
  unknown: { start: '!', stop: 'draining terminate', restart: 'draining terminate', turn: '-', refused: '-', step: '-', ready: '-', late: '-', exited: 'failed', drainOver: '-', due: '-', keeperLost: '-', adopted: '-', foundDead: '-' },
}

describe('next', () => {
  const rows = Object.keys(ENGINE_STATES).flatMap((state) => Object.keys(EVENTS).map((event) => [state as EngineState, event as keyof typeof EVENTS, TABLE[state as EngineState][event as keyof typeof EVENTS]] as const))
  it.each(rows)('%s + %s → %s', (state, event, expected) => {
    const before = life(state)
    if (expected === '!') {
      expect(() => next(before, EVENTS[event], budget(0))).toThrow(FaultError)
      return
    }
    const { life: after, effects } = next(before, EVENTS[event], budget(0))
    if (expected === '-') return expect([after, effects]).toEqual([before, []])
    expect([after.state, ...effects.map((effect) => effect.do)].join(' ')).toBe(expected)
    expect(after.sinceMs).toBe(after.state === state ? 1 : NOW)
  })

  const after = (before: Life, event: LifeEvent, restartBudget = 0) => next(before, event, budget(restartBudget))

  it('starts again after a restart, and not when a stop came in between', () => {
    const draining = after(life('ready'), EVENTS.restart).life
    expect(after(draining, EVENTS.exited).life.state).toBe('waiting')
    const stopping = after(draining, EVENTS.stop).life
    expect(after(stopping, EVENTS.exited).life.state).toBe('stopped')
  })

  it('keeps the fault of an engine that was not ready in time', () => {
    const stopping = after(life('starting'), EVENTS.late).life
    expect(after(stopping, EVENTS.exited, 5).life).toMatchObject({ state: 'failed', fault: FAULT, restartAtMs: null })
  })

  it('never ends an adopted engine for being slow to answer', () => {
    expect(after(life('starting', { adopted: true }), EVENTS.late)).toMatchObject({ life: { state: 'unknown', fault: FAULT }, effects: [] })
  })

  it('takes an adopted engine for ready again that answers late, and not one whose keeper is gone', () => {
    const late = after(life('starting', { adopted: true }), { name: 'late', fault: { ...FAULT, code: 'ENGINE_NOT_READY' } }).life
    expect(after(late, EVENTS.ready)).toMatchObject({ life: { state: 'ready', fault: null }, effects: [] })
    expect(after(after(life('starting'), EVENTS.keeperLost).life, EVENTS.ready).life.state).toBe('unknown')
  })

  it('restarts with growing pauses while the budget of the window lasts', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6].map(backOffMs)
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    const old = STEADY - RESTART_WINDOW_MS
    const crashed = after(life('ready', { restartsAtMs: [old, STEADY - 1] }), EVENTS.exited, 2)
    expect(crashed).toMatchObject({ life: { state: 'failed', restartAtMs: NOW + 2000, restartsAtMs: [STEADY - 1] }, effects: [{ do: 'restartIn', ms: 2000 }] })
    const due = after(crashed.life, EVENTS.due, 2)
    expect(due.life).toMatchObject({ state: 'waiting', restartsAtMs: [STEADY - 1, STEADY], restartAtMs: null })
    const spent = after({ ...due.life, state: 'ready' }, EVENTS.exited, 2)
    expect(spent).toMatchObject({ life: { state: 'failed', fault: { code: 'RESTART_BUDGET_SPENT' }, restartAtMs: null }, effects: [] })
  })

  it('does not restart what another start cannot cure', () => {
    expect(after(life('starting'), { ...EVENTS.exited, curable: false }, 5)).toMatchObject({ life: { state: 'failed', restartAtMs: null }, effects: [] })
  })

  it('calls a pending restart off by a stop, and replaces it by a start', () => {
    const pending = life('failed', { restartAtMs: NOW + 5 })
    expect(after(pending, EVENTS.stop)).toMatchObject({ life: { state: 'stopped', restartAtMs: null }, effects: [{ do: 'cancelRestart' }, { do: 'forget' }] })
    expect(after(pending, EVENTS.start)).toMatchObject({ life: { state: 'waiting', restartAtMs: null }, effects: [{ do: 'cancelRestart' }] })
  })
})
