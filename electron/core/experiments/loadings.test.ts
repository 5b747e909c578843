// Two loadings of cold arms: seldom a false alarm, and found where loading itself makes the difference.
import { expect, it } from 'vitest'
import type { Block } from '../../../shared/experiment.ts'
import { loadingsChecks } from './loadings.ts'
import { armOf, mulberry, normal } from './report.testkit.ts'

const arms = [armOf('single', 'single', 1), armOf('mps', 'mps', 2)]
/** `ofLoading`, `ofBlock`: standard deviations of logarithms. */
function blocks(seed: number, { rounds = 6, ofLoading = 0, ofBlock = 0.02 } = {}): Block[] {
  const random = mulberry(seed)
  return arms.flatMap(({ id }) => {
    const loadings = [ofLoading * normal(random), ofLoading * normal(random)]
    return Array.from({ length: rounds }, (_, round): Block => ({ armId: id, round, validity: 'valid', total: { outputTokensPerSecond: 1000 * Math.exp(loadings[round < rounds / 2 ? 0 : 1]! + ofBlock * normal(random)) } } as Block))
  })
}
const failing = (how: Parameters<typeof blocks>[1]) => Array.from({ length: 500 }, (_, at) => loadingsChecks(arms, blocks(7919 * (at + 1), how), how?.rounds ?? 6)[0]).filter((check) => check?.result === 'failed').length / 500

it('warns in one of twenty where loadings are alike, and mostly where they differ by far more than blocks', () => {
  expect(failing({})).toBeGreaterThan(0.02)
  expect(failing({})).toBeLessThan(0.08)
  expect(failing({ ofLoading: 0.1 })).toBeGreaterThan(0.7)
})

it('says what each loading came to', () => {
  const two = blocks(1, { ofBlock: 0.0001 }).map((block) => (block.armId === 'mps' && block.round >= 3 ? { ...block, total: { outputTokensPerSecond: 1200 } } as Block : block))
  const [check] = loadingsChecks(arms, two, 6)
  expect(check).toMatchObject({ name: 'loadings/mps', weight: 'warns', result: 'failed', evidence: ['first loading 0.0 %, second +20.0 %, in 3 and 3 rounds'] })
})

it('claims nothing of a loading with less than two rounds that count', () => {
  const spoilt = blocks(1).map((block) => (block.round > 3 ? { ...block, validity: 'invalid' as const } : block))
  expect(loadingsChecks(arms, spoilt, 6)).toMatchObject([{ result: 'notChecked' }])
  expect(loadingsChecks(arms, [], 1)).toMatchObject([{ result: 'notChecked' }])
  expect(loadingsChecks([], [], 6)).toEqual([])
})
