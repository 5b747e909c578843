import { expect, it } from 'vitest'
import { LimitsChange, readBackMiB, shareCeiling } from './mps.ts'

it.each([[50, 30, 30], [20, 30, 20], [null, 30, 30], [50, 100, 50], [null, 100, 100], [50, null, null]])('share %s under a server of %s: at most %s', (own, server, ceiling) => {
  expect(shareCeiling(own, server)).toBe(ceiling)
})

it.each([['8G', 8192], ['900M', 900], ['none', null], [null, null], ['8', null], ['1.5G', null]])('%s is %s MiB', (text, mebibytes) => {
  expect(readBackMiB(text)).toBe(mebibytes)
})

it.each([[{ sharePercent: 0 }], [{ sharePercent: 100.1 }], [{ sharePercent: Number.NaN }], [{ pinnedMemoryMiB: 0 }], [{ pinnedMemoryMiB: 511 }], [{ pinnedMemoryMiB: 1.5 }], [{ pinnedMemoryMiB: -1 }], [{ of: 'client' }], [{ pinnedMemoryMiB: '8G' }]])('%j is out of range', (change) => {
  const good = { of: 'default', sharePercent: 50, pinnedMemoryMiB: 8192 }
  expect(LimitsChange.safeParse(good).success).toBe(true)
  expect(LimitsChange.safeParse({ ...good, ...change }).success).toBe(false)
})
