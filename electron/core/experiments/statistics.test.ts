import { describe, expect, it } from 'vitest'
import { pairedChange, type Pair } from './statistics.ts'
import { mulberry, normal } from './report.testkit.ts'

const RUNS = 1000

interface Noise {
  /** Of one block, as a standard deviation of logarithms. */
  block: number
  /** Drift from the first block to the last, as a logarithm. */
  drift?: number
  /** A slow wander shared by neighbouring blocks: AR(1) with this correlation and this standard deviation. */
  wander?: { correlation: number; sigma: number }
  /** AB AB instead of AB BA. */
  inTurn?: boolean
}

/** Blocks in the order in which they run, two arms, ABBA unless told otherwise; the arm is `1 + effect` times the baseline. */
function runOf(seed: number, pairs: number, effect: number, noise: Noise): Pair[] {
  const random = mulberry(seed)
  const wander = noise.wander ?? { correlation: 0, sigma: 0 }
  let slow = wander.sigma * normal(random)
  return Array.from({ length: pairs }, (_, round) => {
    const values = [0, 1].map((place) => {
      const logarithm = noise.block * normal(random) + ((noise.drift ?? 0) * (2 * round + place)) / (2 * pairs - 1) + slow
      slow = wander.correlation * slow + Math.sqrt(1 - wander.correlation ** 2) * wander.sigma * normal(random)
      return 1000 * Math.exp(logarithm)
    })
    const baselineFirst = noise.inTurn === true || round % 2 === 0
    const [baseline, arm] = baselineFirst ? [values[0]!, values[1]!] : [values[1]!, values[0]!]
    return { baseline, arm: arm * (1 + effect) }
  })
}

const seeds = (runs: number) => Array.from({ length: runs }, (_, i) => 7919 * (i + 1))
const shareOf = (runs: number, test: (seed: number) => boolean) => seeds(runs).filter(test).length / runs
const claims = (pairs: readonly Pair[]) => ['higher', 'lower'].includes(pairedChange(pairs).verdict)

describe('pairedChange', () => {
  it('is worked by hand', () => {
    // log ratios ln 1.1 and ln 1.3: mean 0.178838, deviation 0.118127, t(1) 12.7062
    const { change, low, high, pairs, verdict } = pairedChange([{ baseline: 100, arm: 110 }, { baseline: 10, arm: 13 }])
    expect(change).toBeCloseTo(Math.sqrt(1.1 * 1.3) - 1, 12)
    expect(low).toBeCloseTo(Math.exp(0.178838 - 12.7062 * 0.0835271) - 1, 4)
    expect(high).toBeCloseTo(Math.exp(0.178838 + 12.7062 * 0.0835271) - 1, 3)
    expect([pairs, verdict]).toEqual([2, 'tooFewBlocks'])
  })

  const six = (ratios: number[]) => pairedChange(ratios.map((ratio) => ({ baseline: 50, arm: 50 * ratio }))).verdict
  it.each([
    ['no pair', [], 'tooFewBlocks'], ['one', [1.2], 'tooFewBlocks'], ['five that agree', [1.2, 1.21, 1.2, 1.19, 1.2], 'tooFewBlocks'],
    ['six that agree', [1.2, 1.21, 1.2, 1.19, 1.2, 1.2], 'higher'], ['six that agree on less', [0.8, 0.81, 0.8, 0.79, 0.8, 0.8], 'lower'],
    ['six around one', [1.02, 0.98, 1.01, 0.99, 1.03, 0.97], 'noDifference'], ['six of the same', [1, 1, 1, 1, 1, 1], 'noDifference'],
  ])('%s', (_, ratios, verdict) => expect(six(ratios)).toBe(verdict))

  it('leaves out what has no logarithm, and counts it', () => {
    const good = Array.from({ length: 6 }, (_, i) => ({ baseline: 100, arm: 120 + i }))
    const odd = [{ baseline: 0, arm: 5 }, { baseline: 5, arm: 0 }, { baseline: -1, arm: -1 }, { baseline: Number.NaN, arm: 1 }, { baseline: 1, arm: Infinity }]
    expect(pairedChange([...odd, ...good])).toEqual({ ...pairedChange(good), leftOut: 5 })
    expect(pairedChange(odd)).toMatchObject({ change: null, low: null, high: null, pairs: 0, leftOut: 5 })
  })

  it('turns round with its arms', () => {
    const pairs = runOf(3, 8, 0.2, { block: 0.05 })
    const there = pairedChange(pairs)
    const back = pairedChange(pairs.map(({ baseline, arm }) => ({ baseline: arm, arm: baseline })))
    expect((1 + there.change!) * (1 + back.change!)).toBeCloseTo(1, 12)
    expect((1 + there.low!) * (1 + back.high!)).toBeCloseTo(1, 12)
  })
})

describe('1,000 seeded runs of one arm against itself', () => {
  const noises: [string, Noise][] = [
    ['noise of 2 %', { block: 0.02 }],
    ['noise of 10 %', { block: 0.1 }],
    ['noise of 5 %, 10 % drift over the run', { block: 0.05, drift: 0.1 }],
    ['noise of 2 %, 10 % drift over the run', { block: 0.02, drift: -0.1 }],
    ['noise of 4 % and a slow wander of 4 %', { block: 0.04, wander: { correlation: 0.9, sigma: 0.04 } }],
    ['all of it', { block: 0.03, drift: 0.05, wander: { correlation: 0.9, sigma: 0.03 } }],
  ]
  it.each(noises.flatMap(([name, noise]) => [6, 8, 12].map((pairs) => [name, pairs, noise] as const)))('%s, %i pairs: 3 to 7 % false positives', (name, pairs, noise) => {
    const share = shareOf(RUNS, (seed) => claims(runOf(seed, pairs, 0, noise)))
    console.log(`false positives, ${name}, ${pairs} pairs: ${(100 * share).toFixed(1)} %`)
    expect(share).toBeGreaterThanOrEqual(0.03)
    expect(share).toBeLessThanOrEqual(0.07)
  })

  it('taking turns is what absorbs the drift', () => {
    const steep = { block: 0.02, drift: 0.3 }
    expect(shareOf(RUNS, (seed) => claims(runOf(seed, 6, 0, steep)))).toBeLessThan(0.05)
    expect(shareOf(RUNS, (seed) => claims(runOf(seed, 6, 0, { ...steep, inTurn: true })))).toBeGreaterThan(0.3)
  })

  // Neighbours of equal sign sit next to each other in ABBA; the worst correlation for that is a half. The limit of the method, stated.
  it.each([6, 8, 12])('at the worst correlation between blocks, %i pairs, false positives stay below one in ten', (pairs) => {
    const share = shareOf(RUNS, (seed) => claims(runOf(seed, pairs, 0, { block: 0, wander: { correlation: 0.5, sigma: 0.05 } })))
    console.log(`false positives, blocks correlated by a half, ${pairs} pairs: ${(100 * share).toFixed(1)} %`)
    expect(share).toBeLessThan(0.1)
  })
})

describe('a planted change', () => {
  it('of 20 % is found; the table says how often', () => {
    const noises = [0.02, 0.05, 0.08, 0.1]
    const found = (pairs: number, effect: number, block: number) => shareOf(RUNS, (seed) => pairedChange(runOf(seed, pairs, effect, { block })).verdict === (effect > 0 ? 'higher' : 'lower'))
    const row = (pairs: number, effect: number) => noises.map((block) => found(pairs, effect, block))
    console.log(`found in 1,000 runs, block noise ${noises.map((noise) => `${100 * noise} %`).join(' · ')}`)
    for (const effect of [-0.2, 0.05, 0.1, 0.2]) {
      for (const pairs of [6, 8, 12]) console.log(`${String(100 * effect).padStart(4)} %, ${String(pairs).padStart(2)} pairs: ${row(pairs, effect).map((share) => `${(100 * share).toFixed(1)} %`).join(' · ')}`)
    }
    expect(Math.min(...[6, 8, 12].flatMap((pairs) => [found(pairs, 0.2, 0.05), found(pairs, -0.2, 0.05)]))).toBeGreaterThan(0.98)
  })

  it.each([6, 8, 12].flatMap((pairs) => [0.02, 0.05, 0.1].map((block) => [pairs, block] as const)))('%i pairs, noise %f: the interval covers the truth in 93 to 97 %', (pairs, block) => {
    const share = shareOf(RUNS, (seed) => {
      const { low, high } = pairedChange(runOf(seed, pairs, 0.2, { block }))
      return low! <= 0.2 && 0.2 <= high!
    })
    expect(share).toBeGreaterThanOrEqual(0.93)
    expect(share).toBeLessThanOrEqual(0.97)
  })
})
