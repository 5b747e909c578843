// What a load or a sweep may ask for.
import { expect, it } from 'vitest'
import { Arm, Axis } from './experiment.ts'
import { Arrivals, Lengths } from './load.ts'

it.each<[string, { safeParse(value: unknown): { success: boolean } }, unknown, boolean]>([
  ['a range', Lengths, { shape: 'uniform', min: 5, max: 5 }, true],
  ['a range that runs backwards', Lengths, { shape: 'uniform', min: 6, max: 5 }, false],
  ['a bell that is cut the wrong way round', Lengths, { shape: 'normal', mean: 5, stdev: 1, min: 6, max: 5 }, false],
  ['a million tokens', Axis, { vary: 'promptTokens', values: [1_000_000] }, true],
  ['more', Axis, { vary: 'outputTokens', values: [1, 1_000_001] }, false],
  ['as many at a time as a load may have', Axis, { vary: 'concurrency', values: [20_000] }, true],
  ['more in a sweep', Axis, { vary: 'concurrency', values: [20_001] }, false],
  ['more in a load', Arrivals, { kind: 'closed', concurrency: 20_001 }, false],
  ['a rate that nobody can send', Axis, { vary: 'perSecond', values: [100_001] }, false],
  ['an arm whose name stands whole in those of its engines', Arm, { id: 'a'.repeat(30), name: 'A', kind: 'mps', engines: 2 }, true],
  ['a longer one', Arm, { id: 'a'.repeat(31), name: 'A', kind: 'mps', engines: 2 }, false],
])('%s', (_, schema, value, taken) => expect(schema.safeParse(value).success).toBe(taken))
