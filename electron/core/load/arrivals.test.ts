import { describe, expect, it } from 'vitest'
import { dueTimes, type OpenArrivals } from './arrivals.ts'
import { firstLengthOf, lengthOf } from './lengths.ts'
import { promptOf } from './prompts.ts'
import { seedOf } from './random.ts'

function gapsOf(arrivals: OpenArrivals, seed: number, count = 40_000): number[] {
  const next = dueTimes(arrivals, seed)
  let last = 0
  return Array.from({ length: count }, () => {
    const due = next()
    const gap = due - last
    last = due
    return gap
  })
}
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const variation = (values: number[]) => {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2))) / centre
}

describe('arrivals', () => {
  it('constant: evenly, the first at once', () => {
    const next = dueTimes({ kind: 'constant', perSecond: 4 }, 1)
    expect([next(), next(), next()]).toEqual([0, 0.25, 0.5])
  })

  it.each([
    ['poisson', { kind: 'poisson', perSecond: 20 }, 1],
    ['gamma of shape 1 is Poisson', { kind: 'bursty', perSecond: 20, burstiness: 1 }, 1],
    ['bursts', { kind: 'bursty', perSecond: 20, burstiness: 0.25 }, 2],
    ['strong bursts', { kind: 'bursty', perSecond: 20, burstiness: 0.1 }, Math.sqrt(10)],
  ] as const)('%s: the rate and the variation of the gaps', (_, arrivals, expected) => {
    for (const seed of [1, 2, 3]) {
      const gaps = gapsOf(arrivals, seed)
      expect(Math.abs(mean(gaps) * 20 - 1)).toBeLessThan(0.06)
      expect(Math.abs(variation(gaps) / expected - 1)).toBeLessThan(0.06)
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0)
    }
  })

  it('comes out the same for the same seed, and differently for another', () => {
    const arrivals: OpenArrivals = { kind: 'poisson', perSecond: 3 }
    expect(gapsOf(arrivals, 5, 50)).toEqual(gapsOf(arrivals, 5, 50))
    expect(gapsOf(arrivals, 5, 50)).not.toEqual(gapsOf(arrivals, 6, 50))
  })
})

describe('lengths', () => {
  const drawn = (lengths: Parameters<typeof lengthOf>[0]) => Array.from({ length: 20_000 }, (_, nth) => lengthOf(lengths, seedOf(9, nth)))

  it('have the shape that was asked for', () => {
    const uniform = drawn({ shape: 'uniform', min: 10, max: 19 })
    expect(new Set(uniform)).toEqual(new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]))
    expect(mean(uniform)).toBeCloseTo(14.5, 1)
    const normal = drawn({ shape: 'normal', mean: 200, stdev: 20, min: 150, max: 1000 })
    expect(Math.abs(mean(normal) - 200)).toBeLessThan(1)
    expect(Math.abs(variation(normal) * 200 - 20)).toBeLessThan(1)
    expect(Math.min(...normal)).toBe(150)
    expect(new Set(drawn({ shape: 'fixed', tokens: 7 }))).toEqual(new Set([7]))
  })

  it('of the first requests end evenly spread', () => {
    expect([0, 1, 2, 3].map((caller) => firstLengthOf(100, caller, 4))).toEqual([25, 50, 75, 100])
    expect(firstLengthOf(1, 0, 8)).toBe(1)
  })
})

describe('prompts', () => {
  it('have a word per token, and begin differently for every seed', () => {
    for (const tokens of [1, 2, 16, 1000]) expect(promptOf(tokens, 3).split(' ')).toHaveLength(tokens)
    const beginnings = Array.from({ length: 10_000 }, (_, nth) => promptOf(16, seedOf(1, nth)))
    expect(new Set(beginnings).size).toBe(10_000)
  })
})
