// Turns of arms: every arm once a round, there and back, from the seed.
import { expect, it } from 'vitest'
import { againOf, halvesOf, mostMadeUp, orderOf } from './order.ts'

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

it.each([
  ['a valid one is not', 'valid', {}, null],
  ['one without a measurement is', 'failed', {}, 'lost'],
  ['one whose engines died is', 'valid', { lives: false }, 'lost'],
  ['one that a busy host spoilt is', 'invalid', {}, 'madeUp'],
  ['one whose arm is spoilt as a whole is not', 'invalid', { doubts: 1 }, null],
  ['not for ever', 'invalid', { madeUpLeft: 0 }, null],
] as const)('measured once more: %s', (_, validity, seen, why) => {
  expect(againOf({ validity }, { lives: true, doubts: 0, madeUpLeft: 2, ...seen })).toBe(why)
})

it('makes up for a quarter of the blocks of a cell', () => expect([mostMadeUp(18), mostMadeUp(2)]).toEqual([5, 1]))
