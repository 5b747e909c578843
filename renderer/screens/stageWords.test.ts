import { describe, expect, it } from 'vitest'
import type { Comparison, ExperimentNow } from '../../shared/experiment.ts'
import { demoPlan, demoReport, runningAt } from '../gallery/experiments.ts'
import { barScale, gainDomain, gainSentence, headlineGain, namedGains, stageInterval, timeLeft, toldByGpm, verdictOf } from './stageWords.ts'

const plan = demoPlan()
const comparison = (more: Partial<Comparison> = {}): Comparison => ({ cell: 0, name: 'againstSingle', armId: 'mps-2', baselineId: 'single', measure: 'outputTokensPerSecond', change: 0.231, low: 0.21, high: 0.252, pairs: 6, verdict: 'higher', ...more })
const gain = (more: Partial<Comparison> = {}) => ({ name: more.name === 'againstTimeSliced' ? more.name : 'againstSingle' as const, armId: 'mps-2', throughput: comparison(more), ttft: null, tpot: null })

describe('gainSentence', () => {
  it.each<[Partial<Comparison>, string]>([
    [{}, '2 engines under MPS make 23 % more tokens/s than the best single engine (21 … 25 %)'],
    [{ name: 'againstTimeSliced' }, '2 engines under MPS make 23 % more tokens/s than the same engines time-sliced (21 … 25 %)'],
    [{ change: -0.081, low: -0.09, high: -0.072, verdict: 'lower' }, '2 engines under MPS make 8.1 % fewer tokens/s than the best single engine (7.2 … 9.0 %)'],
    [{ change: 0.004, low: -0.006, high: 0.012, verdict: 'noDifference' }, 'No difference shown between 2 engines under MPS and the best single engine (−0.6 … +1.2 %)'],
    [{ pairs: 3, verdict: 'tooFewBlocks' }, 'Too few blocks to say (3 of 6): 2 engines under MPS against the best single engine'],
    [{ change: null, low: null, high: null, pairs: 0, verdict: 'tooFewBlocks' }, 'Too few blocks to say (0 of 6): 2 engines under MPS against the best single engine'],
  ])('%o', (more, said) => expect(gainSentence(plan, gain(more))).toBe(said))
  it('of an unknown interval there is none', () => expect(stageInterval({ change: 0.2, low: null, high: null })).toBeNull())
})

describe('namedGains', () => {
  const other = comparison({ armId: 'sliced-2', change: 0.5 })
  it('speak of MPS arms, with the latencies beside them, in this cell', () => {
    const gains = namedGains(plan, [other, comparison(), comparison({ measure: 'ttftMsP95', change: 0.02 }), comparison({ cell: 1 }), comparison({ name: 'againstTimeSliced', baselineId: 'sliced-2' })], 0)
    expect(gains.map(({ name, armId }) => `${name} ${armId}`)).toEqual(['againstSingle mps-2', 'againstTimeSliced mps-2'])
    expect(gains[0]!.ttft?.change).toBe(0.02)
    expect(gains[1]!.ttft).toBeNull()
  })
  it('speak of all arms where none is on MPS', () => {
    const without = { ...plan, file: { ...plan.file, arms: plan.file.arms.slice(0, 2) } }
    expect(namedGains(without, [other], 0).map(({ armId }) => armId)).toEqual(['sliced-2'])
  })
  it('the headline is against the single engine, of the first MPS arm, not of the best', () => {
    const two = { ...plan, file: { ...plan.file, arms: [...plan.file.arms, { ...plan.file.arms[2]!, id: 'mps-b' }] } }
    const gains = namedGains(two, [comparison({ name: 'againstTimeSliced', change: 0.9 }), comparison({ armId: 'mps-b', change: 0.4 }), comparison({ change: 0.1 })], 0)
    expect(headlineGain(gains)?.throughput.change).toBe(0.1)
  })
})

describe('verdictOf', () => {
  const done = runningAt(demoReport(), 1e9)
  const fault = { code: 'EXPERIMENT_FAILED', sentence: 'x', hint: 'y', field: null, detail: null } as const
  it('a gain is good, and time-slicing comes second', () => {
    const verdict = verdictOf({ ...done, comparisons: [comparison(), comparison({ name: 'againstTimeSliced', change: 0.3, low: 0.28, high: 0.34 })] })
    expect(verdict).toEqual({ tone: 'good', holds: null, sentence: '2 engines under MPS make 23 % more tokens/s than the best single engine (21 … 25 %)', second: '2 engines under MPS make 30 % more tokens/s than the same engines time-sliced (28 … 34 %)' })
  })
  it('below a plateau, the load belongs to the verdict', () => {
    const checks: ExperimentNow['checks'] = [{ name: `plateau/${comparison().armId}`, result: 'failed', weight: 'warns', sentence: '', evidence: [] }]
    expect(verdictOf({ ...done, checks, comparisons: [comparison()] }).holds?.where).toMatch(/^at this load, below the plateau of .*MPS/)
    expect(verdictOf({ ...done, checks, comparisons: [comparison(), comparison({ name: 'againstTimeSliced' })] }).second).toMatch(/\), at this load, below the plateau of .*MPS/)
    expect(verdictOf({ ...done, checks, comparisons: [comparison()], cancelled: true }).holds).toBeNull()
  })
  it('a fault and a cancel are no result, whatever was measured', () => {
    expect(verdictOf({ ...done, fault }).sentence).toBe('It ended without a result')
    expect(verdictOf({ ...done, cancelled: true }).tone).toBe('idle')
    expect(verdictOf({ ...done, comparisons: [] }).tone).toBe('bad')
  })
})

it.each([[null, 'time left not known'], [500, 'about to end'], [6000, 'a few seconds left'], [31_200, 'about 31 s left'], [80_000, 'about 1 min 20 s left'], [-9000, 'about to end']])('timeLeft %s', (ms, said) => expect(timeLeft(ms === null ? null : 1e6 + ms, 1e6)).toBe(said))

it.each<[(number | null)[], [number, number]]>([
  [[], [-0.02, 0.1]], [[0.23, 0.25, null], [-0.1, 0.5]], [[0.2], [-0.05, 0.25]], [[-0.3, 0.05], [-0.5, 0.1]], [[-0.03, 0.2], [-0.1, 0.25]],
])('gainDomain %o', (values, domain) => {
  expect(gainDomain(values)[0]).toBeCloseTo(domain[0], 9)
  expect(gainDomain(values)[1]).toBeCloseTo(domain[1], 9)
})

it.each<[(number | null)[], number | null, number]>([
  [[null], null, 1.25], [[9800, 12_050, null], 99_000, 15_000], [[9300], null, 10_000], [[9900], null, 12_500], [[null, null], 7000, 8000], [[0], null, 1.25],
])('barScale of means %o, live %s', (means, live, scale) => expect(barScale(means.map((tokensPerSecond) => ({ tokensPerSecond, tokensPerSecondNow: live })))).toBeCloseTo(scale, 6))

it('tells apart what is not measured yet and what this GPU cannot tell', () => {
  const now = runningAt(demoReport(), 20_000)
  expect(toldByGpm({ arms: now.arms.map((arm) => ({ ...arm, gpu: null })) })).toBe(true)
  expect(toldByGpm({ arms: now.arms.map((arm) => (arm.gpu === null ? arm : { ...arm, gpu: { ...arm.gpu, smActivityPercent: null } })) })).toBe(false)
})
