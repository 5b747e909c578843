import { describe, expect, it } from 'vitest'
import { intervalOf, placeIn, tQuantile } from './interval.ts'

describe('tQuantile', () => {
  // Printed tables of Student's t, 0.95, 0.975 and 0.995.
  it.each([
    [1, 6.314, 12.706, 63.657], [2, 2.92, 4.303, 9.925], [3, 2.353, 3.182, 5.841], [4, 2.132, 2.776, 4.604], [5, 2.015, 2.571, 4.032], [6, 1.943, 2.447, 3.707],
    [7, 1.895, 2.365, 3.499], [8, 1.86, 2.306, 3.355], [9, 1.833, 2.262, 3.25], [10, 1.812, 2.228, 3.169], [11, 1.796, 2.201, 3.106], [12, 1.782, 2.179, 3.055],
    [15, 1.753, 2.131, 2.947], [20, 1.725, 2.086, 2.845], [25, 1.708, 2.06, 2.787], [30, 1.697, 2.042, 2.75], [40, 1.684, 2.021, 2.704], [60, 1.671, 2, 2.66], [120, 1.658, 1.98, 2.617],
  ])('with %i degrees of freedom', (degrees, p95, p975, p995) => {
    expect([0.95, 0.975, 0.995].map((p) => Number(tQuantile(p, degrees).toFixed(3)))).toEqual([p95, p975, p995])
  })
  it('nears the normal distribution and falls with every degree', () => {
    expect(tQuantile(0.975, 100_000)).toBeCloseTo(1.95996, 4)
    for (let degrees = 1; degrees < 120; degrees++) expect(tQuantile(0.975, degrees)).toBeGreaterThan(tQuantile(0.975, degrees + 1))
  })
})

describe('intervalOf', () => {
  it('is worked by hand', () => {
    // 2, 4, 6: mean 4, deviation 2, 4.3027 × 2 / √3
    const interval = intervalOf([2, 4, 6])
    expect(interval?.mean).toBe(4)
    expect(interval?.low).toBeCloseTo(4 - 4.96828, 4)
    expect(interval?.high).toBeCloseTo(4 + 4.96828, 4)
  })
  it('knows no interval of one value, and no mean of none', () => {
    expect(intervalOf([3])).toEqual({ mean: 3, low: null, high: null })
    expect(intervalOf([])).toBeNull()
  })
})

it.each([[0.3, 0.25, 0.35, 'above'], [0.21, 0.15, 0.26, 'partly within'], [0.1, 0.05, 0.15, 'within'], [-0.2, -0.3, -0.1, 'below'], [0.1, null, null, 'within'], [0.3, null, null, 'above']] as const)('an interval around %d lies %s to %s: %s', (mean, low, high, place) => {
  expect(placeIn({ low: 0, high: 0.2 }, { mean, low, high })).toBe(place)
})
