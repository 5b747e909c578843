import { describe, expect, it } from 'vitest'
import type { Load } from '../../../shared/load.ts'
import { Call } from './call.ts'
import { Histogram } from './histogram.ts'
import { sumOf } from './sum.ts'
import { Tally } from './tally.ts'
import { Calibration } from './tokens.ts'

const LOAD: Load = {
  api: 'completions', prompt: { shape: 'fixed', tokens: 8 }, output: { shape: 'fixed', tokens: 10 }, arrivals: { kind: 'closed', concurrency: 1 }, regime: 'equalTotal',
  ignoreEos: true, streamIntervalTokens: null, goodput: { ttftMs: 100, tpotMs: 30, endToEndMs: null }, seed: 1,
}
const open = (calibration = new Calibration()) => new Tally({ window: { startMs: 1000, endMs: 3000 }, load: LOAD, calibration })
const close = (tally: Tally, running: Call[], cpuPercent: number, nowMs = 3000) => {
  tally.endWindow({ inFlight: running.length, cpuPercent })
  return tally.close(running, nowMs)
}
const call = (dueMs: number, cut = false) => new Call({ dueMs, outputTokens: 10, cut })
/** Chunks of so many characters at these times. */
const stream = (tally: Tally, one: Call, times: number[], characters = 4) => times.forEach((atMs) => tally.text(one, characters, atMs))
const usage = (outputTokens: number) => ({ promptTokens: 8, outputTokens })

describe('Tally', () => {
  it('counts what arrived within the window: a straddling request with its part', () => {
    const tally = open()
    const early = call(900)
    stream(tally, early, [950, 980, 1020, 1060])
    tally.finished(early, usage(4), 1060) // 2 of its 4 tokens within
    const within = call(1100)
    stream(tally, within, [1200, 1220, 1240])
    tally.finished(within, usage(3), 1250)
    const late = call(2900)
    stream(tally, late, [2950, 2980, 3001])
    const { result } = close(tally, [late], 12)
    expect(result).toMatchObject({
      windowSeconds: 2, outputTokens: 7, outputTokensPerSecond: 3.5, requestsPerSecond: 1, countedByUsage: true, promptTokens: 16,
      requests: { finished: 2, failed: 0, cutOff: 1 }, client: { cpuPercent: 12, inFlight: 1 },
    })
    expect(result.ttftMs).toMatchObject({ count: 2, p50: expect.closeTo(50, 0), max: expect.closeTo(100, 0) })
    expect(result.itlMs?.count).toBe(2 + 2 + 1)
    expect(result.tpotMs?.count).toBe(2)
    expect(result.endToEndMs).toMatchObject({ count: 2, max: expect.closeTo(160, 0) })
  })

  it('judges a schedule by what was due within the window, however late its first token, and what never came by its wait', () => {
    const tally = new Tally({ window: { startMs: 1000, endMs: 3000 }, load: { ...LOAD, arrivals: { kind: 'constant', perSecond: 2 } }, calibration: new Calibration() })
    const [before, answered, late, never, after] = [call(500), call(1100), call(2800), call(2900), call(3100)]
    tally.text(before, 4, 1500) // due in the warm-up
    tally.text(answered, 4, 1150)
    tally.endWindow({ inFlight: 4, cpuPercent: 1 })
    expect([late, never, after, answered].map((one) => tally.awaits(one))).toEqual([true, true, false, false])
    tally.text(late, 4, 4000)
    tally.finished(late, usage(1), 4010)
    const { result } = tally.close([before, answered, never, after], 5000)
    expect(result.ttftMs).toMatchObject({ count: 3, p50: expect.closeTo(1200, -1), max: expect.closeTo(2100, -1) })
    expect(result).toMatchObject({ outputTokens: 2, requests: { finished: 0, cutOff: 4 } })
  })

  it('counts tokens that gave no text at the end of their request', () => {
    const tally = open()
    tally.finished(call(1000), usage(1), 1100)
    tally.finished(call(2900), usage(1), 3100)
    expect(close(tally, [], 0).result).toMatchObject({ outputTokens: 1, ttftMs: null, requests: { finished: 1 } })
  })

  it('gives each token of a chunk its share of the gap', () => {
    const tally = open()
    const one = call(1000)
    stream(tally, one, [1100, 1200, 1300], 16) // 12 tokens in 3 chunks
    tally.finished(one, usage(12), 1300)
    const { result } = close(tally, [], 0)
    expect(result.itlMs).toMatchObject({ count: 8, p50: expect.closeTo(25, 0), max: expect.closeTo(25, 0) })
    expect(result.tpotMs?.p50).toBeCloseTo(200 / 11, 0)
  })

  it('takes chunks of different lengths as one token each when there are as many', () => {
    const tally = open()
    const one = call(1000)
    ;[1, 9, 2, 7, 1].forEach((characters, at) => tally.text(one, characters, 1100 + 20 * at))
    tally.finished(one, usage(5), 1200)
    expect(close(tally, [], 0).result.itlMs).toMatchObject({ count: 4, p50: expect.closeTo(20, 0), max: expect.closeTo(20, 0) })
  })

  it('goes by chunks without usage, unless earlier requests taught what a character is worth', () => {
    const blind = open()
    const one = call(1000)
    stream(blind, one, [1100, 1200])
    blind.finished(one, null, 1200)
    expect(close(blind, [], 0).result).toMatchObject({ outputTokens: 2, countedByUsage: false, shortOutputs: 0 })

    const calibration = new Calibration()
    calibration.learn(100, { chunks: 10, characters: 200 })
    const taught = open(calibration)
    const two = call(1000)
    stream(taught, two, [1100, 1200], 20)
    expect(taught.takeRecent()).toBe(20)
    expect(taught.takeRecent()).toBe(0)
    expect(close(taught, [two], 0).result).toMatchObject({ outputTokens: 20, countedByUsage: true })
  })

  it('judges goodput by every limit, and leaves cut first requests out of end to end', () => {
    const tally = open()
    const cases = [[50, 20], [150, 20], [50, 40]] as const // TTFT, gap
    for (const [ttft, gap] of cases) {
      const one = call(1000, true)
      stream(tally, one, [1000 + ttft, 1000 + ttft + gap, 1000 + ttft + 2 * gap])
      tally.finished(one, usage(3), 1000 + ttft + 2 * gap)
    }
    tally.finished(call(1000, true), usage(1), 1010) // an answer without any text
    expect(close(tally, [], 0).result).toMatchObject({ goodputPerSecond: 0.5, requestsPerSecond: 2, endToEndMs: null, shortOutputs: 4 })
  })

  it('counts like failures together, and ignores what was outside of the window', () => {
    const tally = open()
    tally.failed(call(0), 'early', 500)
    for (let at = 0; at < 3; at++) tally.failed(call(1000), 'HTTP 500', 1500)
    for (let at = 0; at < 9; at++) tally.failed(call(1000), `other ${at}`, 1500)
    const { result } = close(tally, [], 0)
    expect(result.requests.failed).toBe(12)
    expect(result.failures).toEqual(['HTTP 500 (3 times)', 'other 0', 'other 1', 'other 2', 'other 3'])
  })

  it('keeps no endless list of gaps', () => {
    const tally = open()
    const one = call(1000)
    for (let at = 0; at < 40_000; at++) tally.text(one, 3, 1000 + at / 100)
    expect(one.gapsMs.length).toBeLessThan(16_384)
    expect(close(tally, [one], 0).result.itlMs?.count).toBe(39_999)
  })
})

describe('sumOf', () => {
  it('has percentiles of all requests together', () => {
    const outcome = (ttfts: number[]) => {
      const tally = open()
      for (const ttft of ttfts) {
        const one = call(1000)
        tally.text(one, 4, 1000 + ttft)
        tally.finished(one, usage(1), 1000 + ttft)
      }
      tally.sample(ttfts.length, 1500)
      return close(tally, [], ttfts.length)
    }
    const [fast, slow] = [outcome(Array.from({ length: 97 }, () => 10)), outcome([500, 500, 500])]
    const total = sumOf([fast, slow])
    expect(total.ttftMs).toMatchObject({ count: 100, p50: expect.closeTo(10, 0), p95: expect.closeTo(10, 0), p99: expect.closeTo(500, 0), mean: expect.closeTo(24.7, 0) })
    expect(total).toMatchObject({ windowSeconds: 2, outputTokensPerSecond: 50, requestsPerSecond: 50, client: { cpuPercent: 97, inFlightSlope: null } })
    expect(total.itlMs).toBe(null)
  })
})

describe('Histogram', () => {
  it('is exact to a thousandth over its whole range, also after a journey', () => {
    for (const ms of [0.005, 0.7, 12.345, 999, 65_432, 3_600_000]) {
      const histogram = new Histogram()
      histogram.record(ms, 3)
      const { count, p50, max } = Histogram.decoded(histogram.encoded()).percentiles!
      expect(count).toBe(3)
      for (const value of [p50, max]) expect(Math.abs(value / ms - 1)).toBeLessThan(0.0011)
    }
    const long = new Histogram()
    long.record(9e9)
    expect(long.percentile(99)).toBeCloseTo(3_600_000, -4)
    expect(new Histogram().percentiles).toBe(null)
  })
})
