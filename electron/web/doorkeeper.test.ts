// How often somebody may call, and try a token, on a clock moved by hand.
import { expect, it } from 'vitest'
import type { FaultError } from '../../shared/fault.ts'
import { HandClock } from '../core/kit/clock.ts'
import { Doorkeeper, Pace } from './doorkeeper.ts'

const HOUR_MS = 3_600_000

it.each([-HOUR_MS, 0, HOUR_MS])('calls come in at their pace, also when the wall clock is set by %s ms', async (byMs) => {
  const clock = new HandClock()
  const pace = new Pace(clock, 10)
  const taken = () => {
    let count = 0
    while (pace.take()) count += 1
    return count
  }
  expect(taken()).toBe(20)
  clock.setWall(byMs)
  expect(taken()).toBe(0)
  await clock.advance(500)
  expect(taken()).toBe(5)
})

it.each([-HOUR_MS, 0, HOUR_MS])('wrong tokens are looked at again after a minute, also when the wall clock is set by %s ms', async (byMs) => {
  const clock = new HandClock()
  const door = new Doorkeeper({ token: 'the-right-token-0', clock })
  const code = () => {
    try {
      door.checkToken('a-wrong-token-000')
    } catch (error) {
      return (error as FaultError).fault.code
    }
  }
  expect(Array.from({ length: 21 }, code)).toEqual([...Array.from({ length: 20 }, () => 'NO_TOKEN'), 'TOO_MANY'])
  clock.setWall(byMs)
  expect(code()).toBe('TOO_MANY')
  await clock.advance(60_000)
  expect(code()).toBe('NO_TOKEN')
  expect(door.checkToken('the-right-token-0')).toBeUndefined()
})
