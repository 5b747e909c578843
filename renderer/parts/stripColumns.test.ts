import { describe, expect, it } from 'vitest'
import { axisTop, middle, newest, rest, sparkPath, stack } from './stripColumns.ts'

describe('middle', () => {
  it('halves a range and keeps readings and gaps', () => {
    expect(middle({ min: [1, null, null], max: [3, 4, null] })).toEqual([2, 4, null])
    expect(middle({ min: null, max: [5, null] })).toEqual([5, null])
  })
})

describe('stack', () => {
  it('adds upwards; an unknown adds nothing and is unknown', () => {
    expect(stack([[1, null, null], [2, 5, null], [3, 1, null]])).toEqual([[1, null, null], [3, 5, null], [6, 6, null]])
  })
  it('is empty for nothing', () => expect(stack([])).toEqual([]))
})

describe('rest', () => {
  it('is what the parts leave, never negative, unknown where the total is', () => {
    expect(rest([10, 3, null], [[4, 4, 1], [null, 1, 1]])).toEqual([6, 0, null])
  })
})

describe('axisTop', () => {
  it.each([[null, 1], [0, 1], [1, 1.5], [7.3, 8], [99, 100], [100, 150], [5100, 6000]])('%s → %s', (value, top) => {
    expect(axisTop(value)).toBeCloseTo(top, 9)
  })
})

describe('newest', () => {
  it('does not reach further back than asked', () => {
    expect(newest([1, null, null], 2)).toBeNull()
    expect(newest([1, null, null], 3)).toBe(1)
  })
})

describe('sparkPath', () => {
  it('breaks at gaps and clips at the top', () => {
    expect(sparkPath([0, 5, null, 20], 30, 10, 10)).toBe('M0.0 10.0L10.0 5.0M30.0 0.0')
  })
})
