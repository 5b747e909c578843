// Claims of a publication against reports out of thin air: what meets, misses, and cannot say.
import { describe, expect, it } from 'vitest'
import { syntheticReport, type Synthesis } from '../electron/core/experiments/report.testkit.ts'
import type { Claim } from './claim.ts'
import { claimsCounted, claimsHeld, strayClaim, withoutStrays } from './held.ts'

const AXES: Synthesis['axes'] = [{ vary: 'model', values: ['small', 'large'] }, { vary: 'promptTokens', values: [128, 512, 2048] }]
/** Gain of the MPS arm over the single one, in cells of model × prompt. */
const GAINS = { small: { 128: 0.6, 512: 0.3, 2048: 0.12 }, large: { 128: 0.05, 512: 0.06, 2048: -0.1 } } as Record<string, Record<number, number>>
const swept = (noise = 0.001, more: Synthesis = {}) => syntheticReport({
  axes: AXES, noise, truth: (arm, { model = '', promptTokens = 0 }) => ({ tokensPerSecond: 10_000 * (arm.kind === 'mps' ? 1 + (GAINS[model]?.[promptTokens] ?? 0) : 1), ttft: 80, tpot: 12 }), ...more,
})
const claim = (is: Claim['is'], at: Claim['at'] = {}, armId = 'mps'): Claim => ({ says: 'so', armId, at, is })
const resultOf = (report: ReturnType<typeof swept>, one: Claim) => {
  report.plan.file.claims = [one]
  return claimsHeld(report)[0]
}

it('counts every result, also those that nothing has', () => {
  const report = swept()
  report.plan.file.claims = [claim({ how: 'above', gain: 0.5 }, { model: ['small'], promptTokens: [128] }), claim({ how: 'above', gain: 0.25 }, { model: ['small'] }), claim({ how: 'below', gain: 0.1 })]
  expect(claimsCounted(claimsHeld(report))).toBe('1 met, 2 MISSED, 0 not settled, 0 not measured')
})

describe('claimsHeld', () => {
  it.each<[string, Claim, string]>([
    ['above, in every cell that is named', claim({ how: 'above', gain: 0.25 }, { model: ['small'], promptTokens: [128, 512] }), 'met'],
    ['above, where one cell is below', claim({ how: 'above', gain: 0.25 }, { model: ['small'] }), 'missed'],
    ['below', claim({ how: 'below', gain: 0.1 }, { model: ['large'] }), 'met'],
    ['below, at another model', claim({ how: 'below', gain: 0.1 }), 'missed'],
    ['a fall along the prompt', claim({ how: 'falls', along: 'promptTokens' }, { model: ['small'] }), 'met'],
    ['a fall that rises on its way', claim({ how: 'falls', along: 'promptTokens' }, { model: ['large'] }), 'missed'],
    ['a fall from model to model', claim({ how: 'falls', along: 'model' }), 'met'],
    ['an arm that was not compared', claim({ how: 'above', gain: 0 }, {}, 'single'), 'notMeasured'],
  ])('%s', (_, one, result) => expect(resultOf(swept(), one)?.result).toBe(result))

  it('settles nothing that the intervals do not, nor with too few blocks', () => {
    expect(resultOf(swept(0.2), claim({ how: 'above', gain: 0.25 }, { model: ['small'], promptTokens: [512] }))?.result).toBe('notSettled')
    expect(resultOf(swept(0.2), claim({ how: 'falls', along: 'model' }, { promptTokens: [2048] }))?.result).toBe('notSettled')
    const few = resultOf(swept(0.001, { rounds: 3 }), claim({ how: 'above', gain: 0.25 }, { model: ['small'], promptTokens: [128] }))
    expect(few).toMatchObject({ result: 'notSettled', found: [expect.stringMatching(/^Model small, prompt tokens 128: \+(59|60)\.\d % \(too few blocks\)$/)] })
  })

  it('of cells that are not done, says so; one that is missed stays missed', () => {
    const partly = swept()
    partly.comparisons = partly.comparisons.filter(({ cell }) => cell < 3)
    expect(resultOf(partly, claim({ how: 'falls', along: 'model' }))?.result).toBe('notMeasured')
    expect(resultOf(partly, claim({ how: 'below', gain: 0.1 }))?.result).toBe('missed')
  })

  it('reads off at the limit of the file', () => {
    const report = syntheticReport({
      axes: [{ vary: 'concurrency', values: [8, 16, 32, 64] }], noise: 0.001, truth: (arm, { concurrency = 0 }) => ({ tokensPerSecond: (arm.kind === 'mps' ? 135 : 100) * concurrency, ttft: 20, tpot: concurrency }),
    })
    const one = claim({ how: 'readOff', againstId: 'single', gain: 0.35, within: 0.05 })
    expect(resultOf(report, one)?.result).toBe('notMeasured')
    report.plan.file.readOffAtLatencySeconds = 5
    expect(resultOf(report, one)).toMatchObject({ result: 'met', found: [expect.stringMatching(/^\+3[45]\.\d %$/)] })
    expect(resultOf(report, claim({ how: 'readOff', againstId: 'single', gain: 0.2, within: 0.05 }))?.result).toBe('missed')
  })
})

it.each<[string, Claim, string | null]>([
  ['all is there', claim({ how: 'falls', along: 'model' }, { promptTokens: [128] }), null],
  ['another arm', claim({ how: 'above', gain: 0 }, {}, 'nobody'), 'an arm nobody'],
  ['another axis', claim({ how: 'falls', along: 'concurrency' }), 'concurrency, which is not varied'],
  ['another value', claim({ how: 'above', gain: 0 }, { promptTokens: [129] }), '129, which is no value'],
  ['no limit to read off at', claim({ how: 'readOff', againstId: 'single', gain: 0, within: 1 }), 'readOffAtLatencySeconds is missing'],
])('a claim about what the file has: %s', (_, one, said) => {
  const { file } = swept().plan
  const stray = strayClaim(one, file)
  if (said === null) expect(stray).toBeNull()
  else expect(stray).toContain(said)
  expect(withoutStrays({ ...file, claims: [one] }).claims).toEqual(said === null ? [one] : [])
})
