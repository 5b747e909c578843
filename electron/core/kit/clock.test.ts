import { expect, it, vi } from 'vitest'
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

it('the real clock ticks without drift, also from timers that are late or early; what it missed is skipped', () => {
  let now = 0
  let timer = { atMs: 0, call: () => {} }
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  vi.stubGlobal('setTimeout', (call: () => void, ms: number) => void (timer = { atMs: now + ms, call }))
  const at: number[] = []
  systemClock.every(40, () => {
    at.push(now)
    if (at.length === 2) now = 300 // held up
  })
  for (const lateMs of [0, 3, 0, -0.5, 2, 0]) {
    now = Math.max(now, timer.atMs + lateMs)
    timer.call()
  }
  expect(at).toEqual([40, 83, 300, 319.5, 362, 400])
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})
