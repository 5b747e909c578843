// Waits for a daemon, on a clock moved by hand: somebody sets the wall clock meanwhile.
import { expect, it } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { noProof, until } from './bringUp.ts'
import type { Seen } from './sight.ts'

const DAY_MS = 86_400_000

it.each([-DAY_MS, 0, DAY_MS])('a wait is over at its time and not before, also when the wall clock is set by %s ms', async (byMs) => {
  const clock = new HandClock()
  let over = ''
  const wait = until({ clock, aborted: new AbortController().signal, look: async () => ({}) as Seen }, 10_000, () => false, () => noProof('Nothing came.', null)).catch((error: Error) => (over = error.message))
  await clock.advance(1_000)
  clock.setWall(byMs)
  await clock.advance(8_000)
  expect(over).toBe('')
  await clock.advance(1_000)
  await wait
  expect(over).toBe('Nothing came.')
})
