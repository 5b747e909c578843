import { expect, it } from 'vitest'
import { changeDomain, changeTicks } from './marks.tsx'

it.each([
  ['a gain begins at zero', [{ change: 0.2, low: 0.18, high: 0.22 }], 0, 0.24],
  ['a loss ends at zero', [{ change: -0.2, low: -0.22, high: -0.18 }], -0.24, 0],
  ['a wild interval is cut off', [{ change: 0.1, low: -0.9, high: 9 }], -0.23, 0.23],
  ['nothing has room', [], 0, 0],
] as const)('%s', (_what, values, low, high) => {
  const domain = changeDomain([...values])
  expect(domain[0]).toBeCloseTo(low, 1)
  expect(domain[1]).toBeCloseTo(high, 1)
})
it('counts round steps and holds zero', () => expect(changeTicks([-0.12, 0.33]).map((tick) => Math.round(tick * 100))).toEqual([-10, 0, 10, 20, 30]))
