import { describe, expect, it } from 'vitest'
import { CARDS } from './cards.ts'
import { kvTokens, share, stepOf, type Load, type ShapeName } from './physics.ts'
import { hungUntilMs } from './printer.ts'
import { noise } from './reading.ts'

const load = (pid: number, model: ShapeName, running: number, mpsServerPid: number | null, sharePercent = 100): Load => ({ pid, model, running, contextTokens: 384, mpsServerPid, sharePercent })
const tokensPerSecond = (loads: Load[]) => {
  const { stepSeconds } = share(CARDS.h100, loads)
  return loads.reduce((sum, one) => sum + one.running / (stepSeconds.get(one.pid) ?? Infinity), 0)
}
const pair = (model: ShapeName, running: number, server: number | null) => [load(1, model, running, server), load(2, model, running, server)]

describe('one engine', () => {
  it.each([['0.5b', 64, 50, 65], ['1.5b', 64, 60, 80], ['3b', 64, 70, 85], ['7b', 64, 80, 95]] as const)('%s with %i sequences keeps kernels running %i to %i %% of the time', (model, running, least, most) => {
    const { kernelBusy, smActivity } = share(CARDS.h100, [load(1, model, running, null)])
    expect(kernelBusy * 100).toBeGreaterThan(least)
    expect(kernelBusy * 100).toBeLessThan(most)
    expect(smActivity).toBeLessThan(kernelBusy)
  })

  it('runs at its own period, MPS or not', () => {
    const period = stepOf(CARDS.h100, load(1, '0.5b', 64, null)).periodS
    expect(share(CARDS.h100, [load(1, '0.5b', 64, null)]).stepSeconds.get(1)).toBe(period)
    expect(share(CARDS.h100, [load(1, '0.5b', 64, 9)]).stepSeconds.get(1)).toBe(period)
  })

  it('is slower on a share of the SMs, and the more so the more it computes', () => {
    const slowdown = (running: number) => stepOf(CARDS.h100, load(1, '7b', running, 9, 25)).periodS / stepOf(CARDS.h100, load(1, '7b', running, 9)).periodS
    expect(slowdown(16)).toBeGreaterThan(1.2)
    expect(slowdown(512)).toBeGreaterThan(slowdown(16))
  })

  it('idle, uses nothing', () => {
    expect(share(CARDS.h100, [load(1, '0.5b', 0, null)])).toMatchObject({ kernelBusy: 0, smActivity: 0, dramActivity: 0 })
  })
})

describe('two engines', () => {
  it.each([['0.5b', 64, 10, 60], ['0.5b', 256, 8, 60], ['1.5b', 64, 20, 60], ['3b', 64, 20, 60], ['7b', 64, 5, 40]] as const)('%s × %i: MPS gains %i to %i %% over taking turns', (model, running, least, most) => {
    const gain = 100 * (tokensPerSecond(pair(model, running, 9)) / tokensPerSecond(pair(model, running, null)) - 1)
    expect(gain).toBeGreaterThan(least)
    expect(gain).toBeLessThan(most)
  })

  it('under MPS gain over one engine with all the load when the model is small, and lose when it is large', () => {
    expect(tokensPerSecond(pair('0.5b', 256, 9))).toBeGreaterThan(1.3 * tokensPerSecond([load(1, '0.5b', 512, null)]))
    expect(tokensPerSecond(pair('7b', 64, 9))).toBeLessThan(tokensPerSecond([load(1, '7b', 128, null)]))
  })

  it('raise kernel-busy either way, and SM activity most under MPS', () => {
    const [one, turns, merged] = [[load(1, '0.5b', 64, null)], pair('0.5b', 64, null), pair('0.5b', 64, 9)].map((loads) => share(CARDS.h100, loads))
    expect(turns?.kernelBusy).toBeGreaterThan(0.95)
    expect(merged?.kernelBusy).toBeGreaterThan((one?.kernelBusy ?? 1) + 0.15)
    expect(merged?.smActivity).toBeGreaterThan((turns?.smActivity ?? 1) + 0.05)
    expect(turns?.smActivity).toBeGreaterThan((one?.smActivity ?? 1) + 0.05)
    expect(merged?.dramActivity).toBeGreaterThan(turns?.dramActivity ?? 1)
  })

  it('take turns when they have different servers, or only one has one', () => {
    const plain = tokensPerSecond(pair('0.5b', 64, null))
    expect(tokensPerSecond([load(1, '0.5b', 64, 8), load(2, '0.5b', 64, 9)])).toBeCloseTo(plain)
    expect(tokensPerSecond([load(1, '0.5b', 64, 8), load(2, '0.5b', 64, null)])).toBeCloseTo(plain)
  })

  it('share the kernel time', () => {
    expect(share(CARDS.h100, pair('0.5b', 64, 9)).kernelShare.get(1)).toBeCloseTo(0.5)
  })
})

it('keeps every activity within a whole', () => {
  const many = Array.from({ length: 16 }, (_, index) => load(index, '7b', 256, index % 2 ? 9 : null))
  for (const value of Object.values(share(CARDS.h100, many)).filter((one) => typeof one === 'number')) expect(value).toBeLessThanOrEqual(1)
})

it.each([['0.5b', 32_768, true], ['7b', 16_384, true], ['7b', 8_192, false]] as const)('%s in %i MiB has a KV cache: %s', (model, memoryMiB, some) => {
  expect(kvTokens(model, memoryMiB) > 0).toBe(some)
})

it.each([[0, null], [19_999, null], [20_000, 50_000], [49_999, 50_000], [50_000, null], [120_000, 150_000]] as const)('a driver that hangs: %i ms after opening, until %s', (nowMs, until) => {
  expect(hungUntilMs(0, { afterSeconds: 20, forSeconds: 30, everySeconds: 100 }, nowMs)).toBe(until)
})

it('noise is the same for the same second and spreads over its range', () => {
  const values = Array.from({ length: 200 }, (_, tick) => noise(11, 'busy', tick))
  expect(values[7]).toBe(noise(11, 'busy', 7))
  expect(Math.min(...values)).toBeLessThan(-0.8)
  expect(Math.max(...values)).toBeGreaterThan(0.8)
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / 200)).toBeLessThan(0.15)
})
