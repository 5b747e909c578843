// Turns of arms: every arm once a round, there and back, from the seed.
import { expect, it } from 'vitest'
import { halvesOf, orderOf } from './order.ts'

it.each([
  [['a', 'b', 'c'], 4, 0, ['abc', 'cba', 'abc', 'cba']],
  [['a', 'b', 'c'], 3, 1, ['bca', 'acb', 'bca']],
  [['a', 'b', 'c'], 2, 2, ['cab', 'bac']],
  [['a', 'b'], 2, 2 ** 31 - 1, ['ba', 'ab']],
  [['a'], 2, 7, ['a', 'a']],
  [[], 1, 3, ['']],
])('%j over %i rounds with seed %i', (arms, rounds, seed, expected) => {
  expect(orderOf(arms, rounds, seed).map((round) => round.join(''))).toEqual(expected)
})

it('gives every arm the same mean place over an even number of rounds, so that a steady drift weighs on all alike', () => {
  const places = orderOf(['a', 'b', 'c', 'd'], 6, 3).flat()
  const mean = (arm: string) => places.flatMap((one, at) => (one === arm ? [at] : [])).reduce((sum, at) => sum + at, 0) / 6
  expect(new Set(['a', 'b', 'c', 'd'].map(mean))).toEqual(new Set([11.5]))
})

it.each([[1, [[0]]], [2, [[0], [1]]], [5, [[0, 1, 2], [3, 4]]]])('halves of %i rounds', (rounds, halves) => {
  expect(halvesOf(rounds)).toEqual(halves)
})
