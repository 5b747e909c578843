// Waits end with what was looked for, with their time, or with the cancel; and leave nobody subscribed.
import { expect, it } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { Topic } from '../kit/topic.ts'
import { Cancelled, pause, until } from './until.ts'

const found = (value: number) => (value > 2 ? `${value}` : null)

it('finds the present value, a later one, or gives up', async () => {
  const clock = new HandClock()
  const topic = new Topic(3)
  expect(await until(topic, found, { clock, ms: 10 })).toBe('3')
  topic.set(0)
  const later = until(topic, found, { clock, ms: 10 })
  topic.set(2)
  topic.set(5)
  expect(await later).toBe('5')
  topic.set(0)
  const never = until(topic, found, { clock, ms: 10 })
  await clock.advance(10)
  expect(await never).toBeNull()
  expect(topic.readers).toBe(0)
})

it('throws Cancelled as soon as it is cancelled, also before it began', async () => {
  const clock = new HandClock()
  const topic = new Topic(0)
  const abort = new AbortController()
  const waiting = until(topic, found, { clock, ms: 10, signal: abort.signal })
  const pausing = pause(1000, clock, abort.signal)
  abort.abort()
  await expect(waiting).rejects.toBeInstanceOf(Cancelled)
  await expect(pausing).rejects.toBeInstanceOf(Cancelled)
  await expect(until(new Topic(3), found, { clock, ms: 10, signal: abort.signal })).rejects.toBeInstanceOf(Cancelled)
  expect(topic.readers).toBe(0)
})
