import { describe, expect, it } from 'vitest'
import type { Load, LoadResult } from '../../../shared/load.ts'
import { divide } from './divide.ts'
import { growthOf } from './growth.ts'
import { isPlateau, loadTrouble, silentEngines } from './verdict.ts'

const closed: Load = {
  api: 'completions', prompt: { shape: 'fixed', tokens: 8 }, output: { shape: 'fixed', tokens: 8 }, arrivals: { kind: 'closed', concurrency: 10 }, regime: 'equalTotal',
  ignoreEos: true, streamIntervalTokens: null, goodput: null, seed: 1,
}
const open: Load = { ...closed, arrivals: { kind: 'poisson', perSecond: 20 } }
const ttftMs = { count: 1, mean: 1, p50: 1, p90: 1, p95: 1, p99: 1, max: 1 }
const result: LoadResult = {
  windowSeconds: 10, requests: { sent: 100, finished: 100, failed: 0, cutOff: 5 }, failures: [], promptTokens: 800, outputTokens: 800, outputTokensPerSecond: 80, requestsPerSecond: 10,
  goodputPerSecond: null, ttftMs, itlMs: null, tpotMs: null, endToEndMs: null, shortOutputs: 0, countedByUsage: true,
  client: { cpuPercent: 30, lateMsP99: 2, inFlight: 5, inFlightSlope: 0.2, inFlightSlopeLow: -0.1 },
}
const client = (change: Partial<LoadResult['client']>): LoadResult => ({ ...result, client: { ...result.client, ...change } })
const requests = (change: Partial<LoadResult['requests']>): LoadResult => ({ ...result, requests: { ...result.requests, ...change }, failures: ['HTTP 500'] })

describe('silentEngines', () => {
  const engine = (engineName: string, outputTokens: number, change: Partial<LoadResult['requests']> = {}) => ({ engineName, result: { ...requests(change), outputTokens } })
  const idle = { sent: 0, finished: 0, failed: 0, cutOff: 0 }
  it.each<[string, { engineName: string; result: LoadResult }[], string[]]>([
    ['both at work', [engine('a', 5), engine('b', 5)], []],
    ['one that hangs with its requests', [engine('a', 5), engine('b', 0, { ...idle, cutOff: 8 })], ['b']],
    ['one that got none', [engine('a', 5), engine('b', 0, idle)], []],
    ['all of them, which the sum shows', [engine('a', 0), engine('b', 0)], []],
  ])('%s', (_, engines, names) => expect(silentEngines(engines).map(({ sentence }) => sentence.split(' ')[0])).toEqual(names))
})

describe('loadTrouble', () => {
  it.each<[string, LoadResult, Load, string[]]>([
    ['nothing', result, open, []],
    ['a busy process', client({ cpuPercent: 91 }), closed, ['clientBound']],
    ['a late process', client({ lateMsP99: 45 }), closed, ['clientBound']],
    ['lateness that is small beside the latency', { ...client({ lateMsP99: 45 }), ttftMs: { ...ttftMs, p95: 900 } }, closed, []],
    ['lateness that is small beside a whole request of callers who wait', { ...client({ lateMsP99: 45 }), endToEndMs: { ...ttftMs, mean: 1000 } }, closed, []],
    ['the same where requests are due at their time', { ...client({ lateMsP99: 45 }), endToEndMs: { ...ttftMs, mean: 1000 } }, open, ['clientBound']],
    ['streams that pile up', client({ inFlight: 90, inFlightSlope: 9, inFlightSlopeLow: 7 }), open, ['overSaturated']],
    ['the same in a closed loop, which cannot', client({ inFlight: 90, inFlightSlope: 9, inFlightSlopeLow: 7 }), closed, []],
    ['a slope that may be chance', client({ inFlight: 90, inFlightSlope: 9, inFlightSlopeLow: 0.5 }), open, []],
    ['a small pile', client({ inFlight: 300, inFlightSlope: 2, inFlightSlopeLow: 1.5 }), open, []],
    ['requests that could not leave', { ...result, failures: ['not sent: 20000 streams were open (7 times)'] }, open, ['overSaturated']],
    ['failures', requests({ failed: 3, finished: 97 }), closed, ['failures']],
    ['a failure in a thousand', requests({ failed: 1, finished: 999 }), closed, []],
    ['only failures', requests({ failed: 3, finished: 0 }), closed, ['failures']],
    ['short outputs', { ...result, shortOutputs: 4 }, closed, ['shortOutputs']],
    ['short outputs that are wished', { ...result, shortOutputs: 4 }, { ...closed, ignoreEos: false }, []],
  ])('%s', (_, seen, load, names) => {
    const troubles = loadTrouble(seen, load)
    expect(troubles.map(({ name }) => name)).toEqual(names)
    for (const { sentence } of troubles) expect(sentence).toMatch(/^[A-Z0-9].*\.$/)
  })
})

describe('isPlateau', () => {
  const of = (outputTokensPerSecond: number) => ({ ...result, outputTokensPerSecond })
  it.each([
    [1000, 1050, true, '+5 %'], [1000, 900, true, '−10 %'], [1000, 1300, false, '+30 %'], [0, 100, false, 'No tokens'],
  ])('%d and %d at twice the load', (once, twice, plateau, words) => {
    expect(isPlateau(of(once), of(twice))).toEqual({ plateau, sentence: expect.stringContaining(words) })
  })
})

describe('divide', () => {
  it.each([[10, 3, [4, 3, 3]], [256, 2, [128, 128]], [2, 3, [1, 1, 0]], [7, 1, [7]]])('%d callers over %d engines', (concurrency, engines, expected) => {
    const portions = divide({ ...closed, arrivals: { kind: 'closed', concurrency } }, engines)
    expect(portions.map(({ load }) => load.arrivals.kind === 'closed' && load.arrivals.concurrency)).toEqual(expected)
    expect(new Set(portions.map(({ load }) => load.seed)).size).toBe(engines)
  })

  it('deals out one schedule, or gives every engine its own', () => {
    expect(divide(open, 2)).toEqual([{ load: open, turn: { index: 0, of: 2 } }, { load: open, turn: { index: 1, of: 2 } }])
    const each = divide({ ...open, regime: 'equalPerEngine' }, 2)
    expect(each.map(({ load, turn }) => [load.arrivals, turn])).toEqual([[open.arrivals, { index: 0, of: 1 }], [open.arrivals, { index: 0, of: 1 }]])
    expect(each[0]?.load.seed).not.toBe(each[1]?.load.seed)
  })
})

describe('growthOf', () => {
  const line = (slope: number, noise: (at: number) => number) => Array.from({ length: 40 }, (_, at) => ({ seconds: at / 4, value: 5 + (slope * at) / 4 + noise(at) }))
  it('finds the slope and how sure it is', () => {
    expect(growthOf(line(3, () => 0))).toEqual({ slope: expect.closeTo(3), low: expect.closeTo(3) })
    const noisy = growthOf(line(3, (at) => (at % 2 === 0 ? 2 : -2)))
    expect(noisy!.slope).toBeCloseTo(3, 0)
    expect(noisy!.low).toBeLessThan(noisy!.slope - 0.1)
    expect(growthOf(line(0, (at) => (at * 7919) % 13))!.low).toBeLessThan(0)
    expect(growthOf(line(1, () => 0).slice(0, 4))).toBe(null)
  })

  it('uses t and not the normal distribution for few samples', () => {
    // Five samples, three degrees of freedom: t = 3.182. Residuals 1 −1 0 −1 1 about a slope of 0.
    const { slope, low } = growthOf([1, -1, 0, -1, 1].map((value, seconds) => ({ seconds, value })))!
    expect(slope).toBeCloseTo(0)
    expect(-low / Math.sqrt(4 / 3 / 10)).toBeCloseTo(3.182, 1)
  })
})
