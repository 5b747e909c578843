import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CARDS } from './cards.ts'
import { noise, unrest } from './noise.ts'
import { share, stepOf, type Load } from './physics.ts'
import { hungUntilMs } from './printer.ts'
import { ACTIVATIONS_MIB, CONTEXT_MIB, KV_BLOCK_TOKENS, kvBlocks, shapeOf, weightsMiB, type ShapeName } from './shapes.ts'

const load = (pid: number, model: ShapeName, running: number, mpsServerPid: number | null, sharePercent = 100, more: Partial<Load> = {}): Load =>
  ({ pid, model, running, contextTokens: 384, mpsServerPid, sharePercent, prefillTokens: 0, asyncScheduling: false, clientPriority: 0, ...more })
const rate = (loads: Load[], tokens: (one: Load) => number) => {
  const { stepSeconds } = share(CARDS.h100, loads)
  return loads.reduce((sum, one) => sum + tokens(one) / (stepSeconds.get(one.pid) ?? Infinity), 0)
}
const tokensPerSecond = (loads: Load[]) => rate(loads, ({ running }) => running)
const pair = (model: ShapeName, running: number, server: number | null, more: Partial<Load> = {}) => [load(1, model, running, server, 100, more), load(2, model, running, server, 100, more)]

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

  it('wait according to their priorities under one server, and only there; together they make about the same', () => {
    const of = (server: number | null, priorities: (0 | 1)[]) => priorities.map((clientPriority, index) => load(index + 1, '3b', 256, server, 100, { clientPriority }))
    const speeds = (loads: Load[]) => loads.map(({ pid }) => 1 / (share(CARDS.h100, loads).stepSeconds.get(pid) ?? NaN))
    const [normal = 0, below = 0] = speeds(of(9, [0, 1]))
    const [alike = 0, same = 0] = speeds(of(9, [1, 1]))
    expect(normal).toBeGreaterThan(1.1 * alike)
    expect(below).toBeLessThan(0.95 * alike)
    expect(same).toBe(alike)
    expect(normal + below).toBeGreaterThan(0.9 * 2 * alike)
    expect(normal + below).toBeLessThan(1.2 * 2 * alike)
    expect(new Set(speeds(of(null, [0, 1]))).size).toBe(1)
  })

  it('slow each other by long prompts', () => {
    const step = (prefillTokens: number) => share(CARDS.h100, [load(1, '3b', 64, 9), load(2, '3b', 64, 9, 100, { prefillTokens })]).stepSeconds.get(1) ?? NaN
    expect(step(2048)).toBeGreaterThan(1.15 * step(0))
    expect(step(16)).toBeLessThan(1.05 * step(0))
  })
})

describe('asynchronous scheduling', () => {
  it('hides the shorter of host and GPU, so it leaves less for MPS to win', () => {
    const asynchronous = { asyncScheduling: true }
    const one = tokensPerSecond([load(1, '0.5b', 512, null)])
    expect(tokensPerSecond([load(1, '0.5b', 512, null, 100, asynchronous)])).toBeGreaterThan(1.3 * one)
    const gain = (more: Partial<Load>) => tokensPerSecond(pair('3b', 256, 9, more)) / tokensPerSecond([load(1, '3b', 512, null, 100, more)])
    expect(gain({})).toBeGreaterThan(gain(asynchronous) + 0.05)
  })
})

/** The study's rows as this workstation gives them, and as the comment on top of physics.ts has them. */
describe('the study', () => {
  const comment = readFileSync(join(import.meta.dirname, 'physics.ts'), 'utf8').split('\n').filter((line) => line.startsWith('//'))
  const written = (row: string) => new RegExp(` ${row}:((?: +-?\\d+)+)(?: {2,}|$)`).exec(comment.find((line) => line.includes(` ${row}: `)) ?? '')?.[1]?.trim().split(/ +/).map(Number)
  const percent = (now: number, before: number) => Math.round(100 * (now / before - 1))
  const contexts = [128, 512, 1024, 2048]
  /** Two engines with the KV cache that fits twice beside the weights; the single one has both caches. */
  const decodeGain = (model: ShapeName, contextTokens: number) => {
    const kvMiB = (0.92 * CARDS.h100.memoryTotalMiB) / 2 - weightsMiB(model) - ACTIVATIONS_MIB - CONTEXT_MIB
    const each = Math.min(512, Math.floor((kvBlocks(model, kvMiB) * KV_BLOCK_TOKENS) / contextTokens))
    return percent(tokensPerSecond(pair(model, each, 9, { contextTokens })), tokensPerSecond([load(1, model, 2 * each, null, 100, { contextTokens })]))
  }
  const sizes = ['0.5b', '1.5b', '3b', '7b'] as const
  const decode = sizes.map((model) => contexts.map((context) => decodeGain(model, context)))

  it('decode: the gain falls with size, and from 512 tokens on with context', () => {
    console.log(['decode, 1024 sequences   context ' + contexts.join(' '), ...sizes.map((model, at) => `${model}: ${decode[at]?.join(' ')} %`)].join('\n'))
    for (const [at] of contexts.entries()) expect(decode.map((row) => row[at] ?? NaN)).toEqual(decode.map((row) => row[at] ?? NaN).sort((one, other) => other - one))
    for (const row of decode) expect(row.slice(1)).toEqual(row.slice(1).sort((one, other) => other - one))
    expect(decode[0]?.[0]).toBeGreaterThan(50)
    expect(Math.max(...(decode[3] ?? []))).toBeLessThan(10)
    expect(decode[3]?.at(-1)).toBeLessThan(0)
    for (const [at, model] of sizes.entries()) expect(written(model)).toEqual(decode[at])
  })

  it('prompts only: most of another engine below 3B, little at 3B, none above', () => {
    const gains = sizes.map((model) => percent(rate(pair(model, 8, 9, { prefillTokens: 2048 }), (one) => one.prefillTokens), rate([load(1, model, 16, null, 100, { prefillTokens: 2048 })], (one) => one.prefillTokens)))
    expect(gains).toEqual([...gains].sort((one, other) => other - one))
    expect(gains[1]).toBeGreaterThan(50)
    expect(gains[2]).toBeLessThan(20)
    expect(gains[3]).toBeLessThan(5)
    expect(written('gain')).toEqual(gains)
  })

  it('gemma: asynchronous scheduling and two engines under MPS win about the same', () => {
    const context = { contextTokens: 512 }
    const one = tokensPerSecond([load(1, 'gemma-3-4b', 512, null, 100, context)])
    const gains = [percent(tokensPerSecond([load(1, 'gemma-3-4b', 512, null, 100, { ...context, asyncScheduling: true })]), one), percent(tokensPerSecond(pair('gemma-3-4b', 256, 9, context)), one)]
    for (const gain of gains) expect(Math.abs(gain - 33)).toBeLessThan(8)
    expect([written('async')?.[0], written('mps')?.[0]]).toEqual(gains)
  })
})

it('keeps every activity within a whole', () => {
  const many = Array.from({ length: 16 }, (_, index) => load(index, '7b', 256, index % 2 ? 9 : null))
  for (const value of Object.values(share(CARDS.h100, many)).filter((one) => typeof one === 'number')) expect(value).toBeLessThanOrEqual(1)
})

it.each([[0, null], [19_999, null], [20_000, 50_000], [49_999, 50_000], [50_000, null], [120_000, 150_000]] as const)('a driver that hangs: %i ms after opening, until %s', (nowMs, until) => {
  expect(hungUntilMs(0, { afterSeconds: 20, forSeconds: 30, everySeconds: 100 }, nowMs)).toBe(until)
})

it.each([
  ['Qwen/Qwen2.5-0.5B-Instruct', '0.5b'], ['qwen2.5-7b', '7b'], ['google/gemma-3-4b-it', 'gemma-3-4b'], ['3b', '3b'], ['Qwen/Qwen2.5-14B', null], ['constructor', null], ['', null],
] as const)('the model %s is %s', (name, shape) => expect(shapeOf(name)).toBe(shape))

it.each([['0.5b', 5632, 480_592], ['7b', 8192, 149_792], ['7b', 0, 0], ['7b', -100, 0]] as const)('%s in %i MiB of KV cache: %i tokens', (model, kvMiB, tokens) => {
  expect(kvBlocks(model, kvMiB) * KV_BLOCK_TOKENS).toBe(tokens)
})

it('unrest is small, has no jumps, has no bias, and is another for every engine', () => {
  const values = Array.from({ length: 4000 }, (_, at) => unrest(11, 'gpu', '8001', at * 500))
  expect(Math.max(...values)).toBeLessThanOrEqual(1.02)
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0.98)
  expect(Math.max(...values.map((value, at) => Math.abs(value - (values[at - 1] ?? value))))).toBeLessThan(0.002)
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / values.length - 1)).toBeLessThan(0.003)
  expect(unrest(11, 'gpu', '8002', 3500)).not.toBe(unrest(11, 'gpu', '8001', 3500))
})

it('noise is the same for the same second and spreads over its range', () => {
  const values = Array.from({ length: 200 }, (_, tick) => noise(11, 'busy', tick))
  expect(values[7]).toBe(noise(11, 'busy', 7))
  expect(Math.min(...values)).toBeLessThan(-0.8)
  expect(Math.max(...values)).toBeGreaterThan(0.8)
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / 200)).toBeLessThan(0.15)
})
