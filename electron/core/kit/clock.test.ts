import { expect, it } from 'vitest'
import { HandClock, systemClock } from './clock.ts'

it('a clock moved by hand calls in order of time, and lets promises run in between', async () => {
  const clock = new HandClock(0)
  const told: string[] = []
  const end = clock.every(100, () => told.push(`tick ${clock.now()}`))
  clock.after(150, () => told.push('after'))
  clock.after(50, () => told.push('cancelled'))()
  void clock.sleep(250).then(() => told.push(`slept ${clock.now()}`))
  await clock.advance(300)
  end()
  await clock.advance(1000)
  expect(told).toEqual(['tick 100', 'after', 'tick 200', 'slept 250', 'tick 300'])
})

it('a sleep ends early when its signal is aborted, also before it began', async () => {
  const over = new AbortController()
  const sleeping = systemClock.sleep(1e6, over.signal)
  over.abort()
  await sleeping
  await systemClock.sleep(1e6, over.signal)
})

it('the real clock ticks without drift, and skips what it missed', async () => {
  const at: number[] = []
  await new Promise<void>((resolve) => {
    const began = performance.now()
    const end = systemClock.every(40, () => {
      at.push(performance.now() - began)
      if (at.length === 2) while (performance.now() - began < 300); // held up
      if (at.length === 4) resolve(end())
    })
  })
  expect(at[0]).toBeGreaterThanOrEqual(39)
  expect(at[2]).toBeGreaterThanOrEqual(300)
  // one late tick, not five at once, and the next one where it belongs
  const period = (time = 0) => Math.floor(time / 40)
  expect(period((at[3] ?? 0) + 1)).toBeGreaterThan(period(at[2])) // timers may fire 1 ms early
})
