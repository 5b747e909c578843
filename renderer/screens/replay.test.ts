import { describe, expect, it } from 'vitest'
import { blocksOf, demoReport, THREE_ARMS } from '../gallery/experiments.ts'
import { blockAt, replayAt, replayLengthMs } from './replay.ts'

const report = demoReport()
const BLOCK_MS = 7000
const headline = (elapsedMs: number) => replayAt(report, elapsedMs).comparisons.find((one) => one.name === 'againstSingle' && one.armId === 'mps-2' && one.measure === 'outputTokensPerSecond')!

describe('replayAt', () => {
  it('is as long as its measuring windows', () => expect(replayLengthMs(report)).toBe(18 * BLOCK_MS))
  it('plays one block at a time, on its arm only, and counts it when it is over', () => {
    const first = replayAt(report, 3000)
    expect(first.arms.map(({ state }) => state)).toEqual(['measuring', 'waiting', 'waiting'])
    expect(first.arms[0]).toMatchObject({ tokensPerSecondNow: report.blocks[0]!.total!.outputTokensPerSecond, tokensPerSecond: null, blocks: { valid: 0 } })
    const second = replayAt(report, BLOCK_MS)
    expect(second.block).toBe(1)
    expect(second.arms[0]).toMatchObject({ state: 'ready', tokensPerSecondNow: null, tokensPerSecond: report.blocks[0]!.total!.outputTokensPerSecond, blocks: { valid: 1 } })
  })
  it('has no gain before two pairs, an interval from then on, and claims nothing below six', () => {
    expect(headline(5 * BLOCK_MS)).toMatchObject({ change: null, low: null, pairs: 1 })
    const two = headline(6 * BLOCK_MS)
    expect(two).toMatchObject({ pairs: 2, verdict: 'tooFewBlocks' })
    expect(two.low!).toBeLessThan(two.change!)
    expect(two.high!).toBeGreaterThan(two.change!)
    expect(headline(17 * BLOCK_MS).verdict).toBe('tooFewBlocks')
  })
  it('ends with the comparisons of the report itself', () => {
    const end = replayAt(report, 18 * BLOCK_MS)
    expect(end).toMatchObject({ phase: 'done', block: null, reportId: report.id, comparisons: report.comparisons })
    expect(blockAt(report, 18 * BLOCK_MS)).toBeNull()
  })
  it('calls only what did not reach its last cell cancelled, and that at its end', () => {
    const partial = { ...report, outcome: 'partial' as const }
    expect(replayAt(partial, 1e9).cancelled).toBe(false)
    expect(replayAt({ ...partial, cellsDone: [] }, 1e9).cancelled).toBe(true)
    expect(replayAt({ ...partial, cellsDone: [] }, 0).cancelled).toBe(false)
  })
  it('leaves invalid blocks out of the mean and counts them', () => {
    const { armId } = report.blocks.find((block) => block.validity === 'invalid')!
    const arm = replayAt(report, 1e9).arms.find((one) => one.armId === armId)!
    const valid = report.blocks.filter((block) => block.armId === armId && block.validity === 'valid').map((block) => block.total!.outputTokensPerSecond)
    expect(arm.blocks).toEqual({ valid: 5, invalid: 1, failed: 0 })
    expect(arm.tokensPerSecond).toBeCloseTo(valid.reduce((sum, value) => sum + value, 0) / 5, 6)
  })
  it('names an arm that never worked, with its reason', () => {
    const broken = replayAt(demoReport({ blocks: blocksOf(THREE_ARMS, { failing: 'mps-2' }) }), 1e9).arms[2]!
    expect(broken).toMatchObject({ state: 'failed', tokensPerSecond: null, fault: { code: 'EXPERIMENT_FAILED' } })
    expect(broken.fault!.sentence).toMatch(/not an MPS client/)
  })
  it('of a report without blocks is over at once and knows nothing', () => {
    const empty = replayAt(demoReport({ blocks: [], comparisons: [] }), 0)
    expect(empty.phase).toBe('done')
    expect(empty.arms.every((arm) => arm.tokensPerSecond === null && arm.gpu === null)).toBe(true)
  })
})
