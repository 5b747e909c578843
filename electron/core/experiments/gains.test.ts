import { describe, expect, it } from 'vitest'
import type { Arm, Block, Comparison } from '../../../shared/experiment.ts'
import { comparisonsOf as ofAll } from './gains.ts'
import { armOf, resultOf, syntheticReport, THREE_ARMS } from './report.testkit.ts'

const comparisonsOf = (arms: readonly Arm[], blocks: readonly Block[]) => ofAll(arms, blocks, 6)
const brief = (comparisons: readonly Comparison[]) => comparisons.filter((one) => one.measure === 'outputTokensPerSecond').map((one) => `${one.name} ${one.armId}/${one.baselineId} ${one.pairs}`)
const rates = (arms: readonly Arm[], tokensPerSecond: Record<string, number>) =>
  syntheticReport({ arms: [...arms], noise: 0, truth: (arm) => ({ tokensPerSecond: tokensPerSecond[arm.id] ?? 1, ttft: 80, tpot: 12 }) }).blocks

describe('comparisonsOf', () => {
  it('names both gains, the headline first, with latencies and goodput beside them', () => {
    const comparisons = comparisonsOf(THREE_ARMS, rates(THREE_ARMS, { single: 1000, off: 900, mps: 1200 }))
    expect(brief(comparisons)).toEqual(['againstSingle mps/single 6', 'againstTimeSliced mps/off 6', 'againstSingle off/single 6'])
    expect(comparisons.slice(0, 4).map((one) => one.measure)).toEqual(['outputTokensPerSecond', 'goodputPerSecond', 'ttftMsP95', 'tpotMsP95'])
    expect(comparisons[0]?.change).toBeCloseTo(0.2, 12)
    expect(comparisons[4]?.change).toBeCloseTo(1200 / 900 - 1, 12)
    expect(comparisons[0]).not.toHaveProperty('leftOut')
  })

  const plainAndAsync = [armOf('plain', 'single', 1, { asyncScheduling: false }), armOf('async', 'single', 1, { asyncScheduling: true }), armOf('mps', 'mps', 2)]
  it('holds against the best single engine, whichever that is, and shows the single engines apart', () => {
    expect(brief(comparisonsOf(plainAndAsync, rates(plainAndAsync, { plain: 1000, async: 1100, mps: 1300 })))).toEqual(['againstSingle mps/async 6', 'other async/plain 6'])
    expect(brief(comparisonsOf(plainAndAsync, rates(plainAndAsync, { plain: 1200, async: 1100, mps: 1300 })))).toEqual(['againstSingle mps/plain 6', 'other async/plain 6'])
  })

  it('chooses the time-sliced arm of as many engines and the same scheduling', () => {
    const arms = [armOf('off3', 'timeSliced', 3), armOf('off2', 'timeSliced', 2, { asyncScheduling: false }), armOf('off2a', 'timeSliced', 2, { asyncScheduling: true }), armOf('mps2', 'mps', 2, { asyncScheduling: false }), armOf('mps4', 'mps', 4)]
    expect(brief(comparisonsOf(arms, rates(arms, { off2a: 500 })))).toEqual(['againstTimeSliced mps2/off2 6', 'other off2a/off3 6', 'other mps4/off3 6'])
  })

  it('compares an arm with its copy where there is nothing else', () => {
    const arms = [armOf('a', 'single', 1), armOf('b', 'single', 1)]
    expect(brief(comparisonsOf(arms, rates(arms, {})))).toEqual(['other b/a 6'])
  })

  it('pairs within a round and a cell, and counts nothing that is invalid, failed, a control or a probe', () => {
    const blocks = rates(THREE_ARMS, { single: 1000, off: 900, mps: 1200 })
    const change = (round: number, armId: string, fields: Partial<Block>) => (block: Block) => (block.round === round && block.armId === armId ? { ...block, ...fields } : block)
    const spoilt = blocks.map(change(0, 'mps', { validity: 'invalid' })).map(change(1, 'single', { validity: 'failed', total: null })).map(change(2, 'mps', { purpose: 'control' })).map(change(3, 'off', { purpose: 'probe' }))
    expect(brief(comparisonsOf(THREE_ARMS, spoilt))).toEqual(['againstSingle mps/single 3', 'againstTimeSliced mps/off 3', 'againstSingle off/single 4'])
    const elsewhere = blocks.map((block) => (block.armId === 'mps' ? { ...block, cell: 1 } : block))
    expect(brief(comparisonsOf(THREE_ARMS, elsewhere)).filter((text) => text.includes('mps')).map((text) => text.at(-1))).toEqual(['0', '0', '0', '0'])
    const repeated = [...blocks, { ...blocks.find((block) => block.armId === 'mps')!, total: resultOf(2400) }]
    expect(comparisonsOf(THREE_ARMS, repeated)[0]).toMatchObject({ pairs: 6, change: expect.closeTo(1.2 * 2 ** (1 / 6) - 1, 10) })
  })

  it('leaves out measures that nobody gave, and never tokens per second', () => {
    const bare = rates(THREE_ARMS, {}).map((block) => ({ ...block, total: { ...resultOf(1000), goodputPerSecond: null, ttftMs: null } }))
    expect([...new Set(comparisonsOf(THREE_ARMS, bare).map((one) => one.measure))]).toEqual(['outputTokensPerSecond', 'tpotMsP95'])
    const failed = bare.map((block) => ({ ...block, total: null, validity: 'failed' as const }))
    expect(comparisonsOf(THREE_ARMS, failed)).toHaveLength(3)
    expect(comparisonsOf(THREE_ARMS, failed)[0]).toEqual({ cell: 0, name: 'againstSingle', armId: 'mps', baselineId: 'single', measure: 'outputTokensPerSecond', change: null, low: null, high: null, pairs: 0, verdict: 'tooFewBlocks' })
    expect(comparisonsOf(THREE_ARMS, [])).toEqual([])
  })

  it('says nothing before the last planned round of both arms was run, however it came out', () => {
    const blocks = rates(THREE_ARMS, { single: 1000, off: 900, mps: 1200 })
    const verdicts = (rounds: number, some = blocks) => ofAll(THREE_ARMS, some, rounds).filter(({ measure }) => measure === 'outputTokensPerSecond').map(({ verdict }) => verdict)
    expect(verdicts(6)).toEqual(['higher', 'higher', 'lower'])
    expect(verdicts(12)).toEqual(['unfinished', 'unfinished', 'unfinished'])
    expect(verdicts(6, blocks.filter(({ round, armId }) => round < 5 || armId !== 'off'))).toEqual(['higher', 'tooFewBlocks', 'tooFewBlocks'])
    // the last round was run, and does not count
    const spoilt = blocks.map((block) => (block.round === 5 && block.armId === 'mps' ? { ...block, validity: 'invalid' as const } : block))
    expect(verdicts(6, spoilt)).toEqual(['tooFewBlocks', 'tooFewBlocks', 'lower'])
  })
})
