// Colours of engines that Overlap did not start: none that one of its own has.
import { expect, it } from 'vitest'
import { coloursOfFound } from './foundEngines.ts'

it.each([
  [[], [], []],
  [['a', 'b'], [], [0, 1]],
  [['a', 'b'], [0, 2], [1, 3]],
  [['a'], [1, 2], [0]],
])('found %j beside colours %j', (ids, taken, expected) => {
  const colours = coloursOfFound(ids.map((id) => ({ id })), taken.map((colour) => ({ colour })))
  expect(ids.map((id) => colours.get(id))).toEqual(expected)
})
