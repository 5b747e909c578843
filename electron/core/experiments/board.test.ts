// The time that is left, as it is told while an experiment runs.
import { expect, it } from 'vitest'
import type { ExperimentNow, Plan } from '../../../shared/experiment.ts'
import { HandClock } from '../kit/clock.ts'
import { Topic } from '../kit/topic.ts'
import { Board } from './board.ts'
import { syntheticReport } from './report.testkit.ts'

const report = syntheticReport({ axes: [{ vary: 'promptTokens', values: [128, 256, 512, 1024] }] })
/** 4 cells × 3 arms × 6 rounds of 10 s; 5 engines that load in 20 s, per half of a cell when cold. */
const planOf = (residency: Plan['residency']): Plan => ({ ...report.plan, residency, estimate: { loadingSeconds: residency === 'cold' ? 4 * 2 * 5 * 20 : 5 * 20, measuringSeconds: 4 * 18 * 10, gpuMemoryMiB: null } })
const boardOf = (residency: Plan['residency']) => {
  const clock = new HandClock()
  const now = new Topic<ExperimentNow | null>(null)
  const board = new Board(now, clock, { id: 'x1', plan: planOf(residency) })
  return { board, clock, now, secondsLeft: () => Math.round(((board.now.endsAtMs ?? 0) - clock.now()) / 1000) }
}

it.each([['cold', 800 + 720, 400 + 360], ['hot', 100 + 720, 100 + 360]] as const)('%s: of a report that is gone on with, what is done is not awaited again', (residency, whole, half) => {
  const { board, secondsLeft } = boardOf(residency)
  board.cell(0, 0)
  expect(secondsLeft()).toBe(whole)
  board.cell(2, 2)
  expect(secondsLeft()).toBe(half)
})

it('an engine that loads faster than guessed shortens what is left', () => {
  const { board, secondsLeft } = boardOf('hot')
  board.cell(0, 0)
  board.loaded(5_000)
  board.phase('proving')
  expect(secondsLeft()).toBe(4 * 5 + 720)
})

it.each([-3_600_000, 3_600_000])('goes on being shown when the wall clock is set by %s ms', async (byMs) => {
  const { board, clock, now } = boardOf('hot')
  board.phase('measuring')
  clock.setWall(byMs)
  board.block(1, 'Measures.')
  await clock.advance(1_000)
  expect(now.value?.block).toBe(1)
})
