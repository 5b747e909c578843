import { describe, expect, it } from 'vitest'
import { axisTop, highest, middle, nearest, newest, rest, sparkPath, splitsTo, stack, sumAt, thinned } from './stripColumns.ts'

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

describe('sumAt', () => {
  const columns = { atMs: [1, 2, 3], bucketMs: null, series: [{ min: null, max: [1, null, 3] }, { min: [10, 10, null], max: [30, 30, null] }] }
  it.each([
    ['at a moment', [{}, {}], 0, 21], ['unknown while one line is', [{}, {}], 1, null], ['now', [{}, {}], null, null],
    ['without an optional line that is unknown', [{ optional: true }, {}], 1, 20], ['now, without it', [{}, { optional: true }], null, 3],
  ])('%s', (_name, lines, at, sum) => expect(sumAt(columns, lines, at)).toBe(sum))
  it('is unknown, not 0, where every optional line is', () => expect(sumAt({ atMs: [1], bucketMs: null, series: [{ min: null, max: [null] }] }, [{ optional: true }], null)).toBeNull())
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

describe('splitsTo', () => {
  const GIB = [1, 2, 5, 10, 20, 50].map((one) => one * 1024)
  it.each([
    ['percents', 100, 5, undefined, [0, 20, 40, 60, 80, 100]], ['few', 100, 2, undefined, [0, 50, 100]], ['one', 100, 1, undefined, [0, 100]], ['quarters', 100, 4, undefined, [0, 25, 50, 75, 100]], ['even steps before small ones', 50_000, 4, undefined, [0, 25_000, 50_000]],
    ['an uneven top takes the place of its neighbour', 450, 5, undefined, [0, 100, 200, 300, 450]], ['a card', 81559, 4, GIB, [0, 20480, 40960, 61440, 81559]],
    ['nothing to divide by', 81559, 1, GIB, [0, 81559]],
  ] as const)('%s', (_name, top, most, steps, splits) => expect(splitsTo(top, most, steps)).toEqual(splits))
})

describe('thinned', () => {
  it('means neighbours and keeps gaps', () => expect(thinned([1, 3, null, null, 5, null, 7], 4)).toEqual([2, null, 5, 7]))
  it('leaves short columns alone', () => expect(thinned([1, null], 4)).toEqual([1, null]))
})

describe('nearest', () => {
  const away = (from: number) => (one: number) => Math.abs(one - from)
  it('takes the closest within reach', () => expect(nearest([1, 8, 10], away(9.4), 2)).toBe(10))
  it('takes none beyond it', () => expect(nearest([1, 8], away(12), 2)).toBeNull())
})

describe('highest', () => {
  it('knows none', () => expect(highest([null])).toBeNull())
  it('finds it', () => expect(highest([1, null, -2])).toBe(1))
})
