import { describe, expect, it } from 'vitest'
import { syntheticReport, THREE_ARMS } from '../electron/core/experiments/report.testkit.ts'
import { headlineOf, headlineSentence, intervalText, signedPercent } from './headline.ts'
import { againstLimit, atLimit, canBeEven, curvesOf, fairness, keptUpTo, gridOf, knee, pointText, readOff, type Curve } from './sweep.ts'

const curveOf = (points: [x: number, tokensPerSecond: number, latencyMs: number | null][], vary: Curve['vary'] = 'concurrency'): Curve => ({
  armId: 'a', armName: 'a', vary, fixed: {},
  points: points.map(([x, tokensPerSecond, endToEndMsP95], cell) => ({ cell, x, tokensPerSecond, low: null, high: null, endToEndMsP95, ttftMsP95: null, tpotMsP95: null, blocks: 6 })),
})

describe('curvesOf', () => {
  const sweep = syntheticReport({
    axes: [{ vary: 'model', values: ['small', 'large'] }, { vary: 'concurrency', values: [64, 8, 16] }], noise: 0,
    truth: (arm, point) => ({ tokensPerSecond: (point.concurrency ?? 0) * (arm.kind === 'mps' ? 120 : 100) * (point.model === 'small' ? 2 : 1), ttft: 50, tpot: 10 }),
  })
  it('draws along the load, one curve per arm and choice of the rest, ascending', () => {
    const curves = curvesOf(sweep)
    expect(curves.map((curve) => `${pointText(curve.fixed)}: ${curve.armId}`)).toEqual(['Model small: single', 'Model small: off', 'Model small: mps', 'Model large: single', 'Model large: off', 'Model large: mps'])
    expect(curves[2]?.points.map(({ x, tokensPerSecond, blocks }) => [x, Math.round(tokensPerSecond), blocks])).toEqual([[8, 1920, 6], [16, 3840, 6], [64, 15360, 6]])
    expect(curves[0]?.points[0]?.endToEndMsP95).toBeCloseTo(1.5 * (50 + 127 * 10), 6)
  })
  it('leaves out what does not count, and says nothing where nothing was varied', () => {
    const partly = { ...sweep, blocks: sweep.blocks.map((block) => (block.cell === 1 && block.armId === 'mps' ? { ...block, validity: 'invalid' as const } : block)) }
    expect(curvesOf(partly)[2]?.points.map((point) => point.x)).toEqual([16, 64])
    expect(curvesOf(syntheticReport())).toEqual([])
  })
})

describe('readOff', () => {
  const rising = curveOf([[8, 1000, 2000], [16, 1800, 4000], [32, 2400, 8000]])
  it.each([[2, 1000], [3, 1400], [6, 2100], [8, 2400], [1.9, null], [8.1, null]])('at %f s: %s', (seconds, expected) => expect(readOff(rising, seconds)).toBe(expected))
  it('takes the last upward crossing, and knows nothing of unknown latencies', () => {
    expect(readOff(curveOf([[1, 100, 1000], [2, 200, 5000], [4, 300, 2000], [8, 500, 6000]]), 4)).toBe(400)
    expect(readOff(curveOf([[1, 100, null], [2, 200, 5000]]), 4)).toBeNull()
  })
})

describe('atLimit', () => {
  const rising = curveOf([[8, 1000, 2000], [16, 1800, 4000], [32, 2400, 8000]])
  it('tells what was read off, the least there is above everything measured, and nothing below it', () => {
    expect(atLimit(rising, 3)).toEqual({ tokensPerSecond: 1400, atLeast: false })
    expect(atLimit(rising, 9)).toEqual({ tokensPerSecond: 2400, atLeast: true })
    expect(atLimit(rising, 1)).toBeNull()
    expect(atLimit(curveOf([[8, 1000, null]]), 9)).toBeNull()
  })
  it('against "at least" nothing is said', () => {
    const [low, high] = [atLimit(rising, 3), atLimit(rising, 9)]
    expect(againstLimit(high, low)).toEqual({ change: 2400 / 1400 - 1, atLeast: true })
    expect(againstLimit(low, high)).toBeNull()
  })
})

describe('keptUpTo', () => {
  const good = (share: Record<number, number>) => {
    const report = syntheticReport({ axes: [{ vary: 'concurrency', values: [8, 16, 32] }], noise: 0, alter: (block) => block })
    const blocks = report.blocks.map((block) => (block.total === null ? block : { ...block, total: { ...block.total, requestsPerSecond: 10, goodputPerSecond: 10 * (share[block.cell] ?? 1) } }))
    return { ...report, blocks }
  }
  it.each<[string, Record<number, number>, { x: number; all: boolean } | null]>([
    ['every load', {}, { x: 32, all: true }], ['up to the second', { 2: 0.94 }, { x: 16, all: false }], ['a gap ends it', { 1: 0.5 }, { x: 8, all: false }], ['just enough', { 2: 0.95 }, { x: 32, all: true }], ['none', { 0: 0 }, null],
  ])('%s', (_, share, kept) => {
    const report = good(share)
    expect(keptUpTo(report, curvesOf(report)[0]!)).toEqual(kept)
  })
  it('without limits nothing is kept', () => {
    const report = good({})
    const without = { ...report, plan: { ...report.plan, file: { ...report.plan.file, load: { ...report.plan.file.load, goodput: null } } } }
    expect(keptUpTo(without, curvesOf(without)[0]!)).toBeNull()
  })
})

describe('canBeEven', () => {
  const { load } = syntheticReport().plan.file
  it.each([[1, false], [2, true], [3, true]])('%i requests at a time over two engines: %s', (concurrency, even) => expect(canBeEven({ load }, { concurrency }, { engines: 2 })).toBe(even))
  it('per engine, and in an open loop', () => {
    expect(canBeEven({ load: { ...load, regime: 'equalPerEngine' } }, { concurrency: 1 }, { engines: 2 })).toBe(true)
    expect(canBeEven({ load: { ...load, arrivals: { kind: 'poisson', perSecond: 1 } } }, {}, { engines: 2 })).toBe(true)
  })
})

describe('knee', () => {
  it.each([
    ['a plateau', [[8, 1000], [16, 1900], [32, 2000], [64, 2010]], 16],
    ['doubling pays to the end', [[8, 1000], [16, 1900], [32, 3600]], null],
    ['nothing at twice the load', [[8, 1000], [12, 1010]], null],
    ['twice the load lies between points', [[10, 1000], [15, 1010], [25, 1030]], 10],
  ] as [string, [number, number][], number | null][])('%s', (_, points, expected) => {
    expect(knee(curveOf(points.map(([x, y]) => [x, y, null])))?.x ?? null).toBe(expected)
  })
  it('is one of load, not of length', () => expect(knee(curveOf([[8, 10, 1], [16, 10, 1]], 'promptTokens'))).toBeNull())
})

describe('fairness', () => {
  const engines = (...rates: number[]) => ({ engines: rates.map((outputTokensPerSecond, i) => ({ engineName: `e${i}`, result: { outputTokensPerSecond } })) }) as Parameters<typeof fairness>[0]
  it.each([[[50, 50], 1], [[100, 0], 0.5], [[75, 25], 0.8], [[1, 1, 1, 0], 0.75]])('of %j is %f', (rates, jain) => expect(fairness(engines(...rates))?.jain).toBeCloseTo(jain, 12))
  it('gives shares, and nothing for one engine or no token', () => {
    expect(fairness(engines(75, 25))?.shares).toEqual([{ engineName: 'e0', share: 0.75 }, { engineName: 'e1', share: 0.25 }])
    expect([fairness(engines(5)), fairness(engines(0, 0)), fairness(engines())]).toEqual([null, null, null])
  })
})

describe('gridOf', () => {
  const report = syntheticReport({
    axes: [{ vary: 'model', values: ['a', 'b'] }, { vary: 'promptTokens', values: [128, 1024, 8192] }], noise: 0,
    truth: (arm, { promptTokens = 0 }) => ({ tokensPerSecond: arm.kind === 'mps' ? 1000 * (1 + 128 / promptTokens) : 1000, ttft: 50, tpot: 10 }),
    alter: (block) => (block.cell === 5 ? { ...block, validity: 'invalid', reasons: ['x'] } : block),
  })
  it('has the first axis down and the second across', () => {
    const grid = gridOf(report, 'againstSingle')
    expect(grid).toMatchObject({ armId: 'mps', y: { vary: 'model', values: ['a', 'b'] }, x: { vary: 'promptTokens', values: [128, 1024, 8192] } })
    expect(grid?.rows.map((row) => row.map((cell) => cell?.change?.toFixed(3) ?? cell?.verdict))).toEqual([['1.000', '0.125', '0.016'], ['1.000', '0.125', 'tooFewBlocks']])
    expect(gridOf({ ...report, comparisons: report.comparisons.filter((one) => one.cell !== 0) }, 'againstSingle')?.rows[0]?.[0]).toBeNull()
    expect(gridOf(report, 'againstTimeSliced', 'single')).toBeNull()
    expect(gridOf(syntheticReport(), 'againstSingle')).toBeNull()
  })
})

describe('headline', () => {
  const base = { cell: 0, name: 'againstSingle', armId: 'mps', baselineId: 'single', measure: 'outputTokensPerSecond', change: 0.231, low: 0.21, high: 0.253, pairs: 6, verdict: 'higher' } as const
  it.each([
    [base, '2 engines under MPS against the best single engine: +23.1 % output tokens/s (95 % interval +21.0 … +25.3 %, 6 paired blocks)'],
    [{ ...base, name: 'againstTimeSliced', change: -0.012, low: -0.03, high: 0.006, verdict: 'noDifference' } as const, '2 engines under MPS against the same engines time-sliced: no difference shown; −1.2 % output tokens/s (95 % interval −3.0 … +0.6 %, 6 paired blocks)'],
    [{ ...base, measure: 'ttftMsP95', pairs: 2, verdict: 'tooFewBlocks' } as const, '2 engines under MPS against the best single engine: too few blocks; so far +23.1 % TTFT p95 (95 % interval +21.0 … +25.3 %, 2 paired blocks)'],
    [{ ...base, name: 'other', change: null, low: null, high: null, pairs: 1, verdict: 'tooFewBlocks' } as const, '2 engines under MPS against One engine: too few blocks (1 paired block)'],
  ])('reads %#', (comparison, sentence) => expect(headlineSentence(comparison, THREE_ARMS)).toBe(sentence))
  it('is the first MPS arm of the file, whichever did best', () => {
    const report = syntheticReport()
    expect(headlineOf(report)).toMatchObject({ name: 'againstSingle', armId: 'mps', measure: 'outputTokensPerSecond' })
    expect(headlineOf({ ...report, comparisons: [] })).toBeNull()
  })
  it.each([[0.5, '+50.0 %'], [-0.0004, '0.0 %'], [-0.02, '−2.0 %'], [null, '—'], [12, '+1,200.0 %']])('%s is %s', (ratio, text) => expect(signedPercent(ratio)).toBe(text))
  it.each([[-0.88, 0.253, '−88.0 … +25.3 %'], [-0.99, 78.7, '−99.0 … > +999 %'], [null, 0.2, '—']])('of %s and %s makes %s', (low, high, text) => expect(intervalText({ low, high })).toBe(text))
})
