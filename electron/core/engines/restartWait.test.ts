// A clock moved by hand: when a due restart happens.
import { expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import { HandClock } from '../kit/clock.ts'
import { GPU, noMps, standIn } from './fixtures/workbench.ts'
import { restartWhenPossible } from './restartWait.ts'

const MINUTE_MS = 60_000

function waiting(change: { held?: boolean; mps?: boolean; onMps?: boolean }) {
  const clock = new HandClock()
  const now = { held: change.held ?? false, mps: change.mps ?? true, due: 0 }
  const spec: EngineSpec = standIn('one', [], { gpuUuid: GPU, onMps: change.onMps ?? false })
  const surroundings = { ...noMps, mayRestart: () => !now.held, mpsEnvironment: () => (now.mps ? { pipeDirectory: '/pipe', daemonPid: 1 } : null) }
  const cancel = restartWhenPossible({ clock, surroundings, spec: () => spec, afterMs: 2_000, due: () => (now.due += 1) })
  return { clock, now, cancel }
}

it.each<[string, Parameters<typeof waiting>[0], number, number]>([
  ['not before its time', {}, 1_999, 0],
  ['at its time', {}, 2_000, 1],
  ['once', {}, 10 * MINUTE_MS, 1],
  ['not while held, however long', { held: true }, 300 * MINUTE_MS, 0],
  ['not without MPS', { mps: false, onMps: true }, 5 * MINUTE_MS, 0],
  ['in the end without MPS, to be refused in plain words', { mps: false, onMps: true }, 11 * MINUTE_MS, 1],
  ['without MPS when it does not want it', { mps: false }, 2_000, 1],
])('a restart happens %s', async (_, change, afterMs, due) => {
  const { clock, now } = waiting(change)
  await clock.advance(afterMs)
  expect(now.due).toBe(due)
})

it.each([-1, 1])('a wall clock that is set by %s day neither ends nor prolongs the wait for MPS', async (days) => {
  const { clock, now } = waiting({ mps: false, onMps: true })
  await clock.advance(MINUTE_MS)
  clock.setWall(days * 24 * 60 * MINUTE_MS)
  await clock.advance(8 * MINUTE_MS)
  expect(now.due).toBe(0)
  await clock.advance(2 * MINUTE_MS)
  expect(now.due).toBe(1)
})

it('follows within a second of what it waited for, counts the wait for MPS anew after a hold, and can be called off', async () => {
  const { clock, now } = waiting({ held: true, mps: false, onMps: true })
  await clock.advance(30 * MINUTE_MS)
  now.held = false
  await clock.advance(9 * MINUTE_MS)
  expect(now.due).toBe(0)
  now.mps = true
  await clock.advance(1_000)
  expect(now.due).toBe(1)
  const other = waiting({ held: true })
  await other.clock.advance(5_000)
  other.cancel()
  other.now.held = false
  await other.clock.advance(MINUTE_MS)
  expect(other.now.due).toBe(0)
})
