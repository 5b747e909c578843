import { expect, it } from 'vitest'
import { joined, logTicks } from './curveRows.ts'

const curve = (id: string, ...points: [number, number][]) => ({ id, label: id, colour: 'red', knee: null, points: points.map(([x, y]) => ({ x, y, low: null, high: null, note: '' })) })

it('joins curves by x and leaves out what one does not have', () => {
  const rows = joined([curve('a', [4, 40], [1, 10]), curve('b', [4, 44], [2, 20])])
  expect(rows.map((row) => row.x)).toEqual([1, 2, 4])
  expect(rows[2]).toEqual({ x: 4, a: 40, b: 44 })
  expect(rows[1]).not.toHaveProperty('a')
})
it.each([
  [[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]],
  [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 6, 8]],
  [[10, 11], [10, 11]],
  [[5], [5]],
])('labels %j with %j', (xs, ticks) => expect(logTicks(xs)).toEqual(ticks))
