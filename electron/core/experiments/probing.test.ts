// Parity, plateau and idle cost: when something is only told, and when it takes an arm its validity.
import { expect, it } from 'vitest'
import type { Arm, Block } from '../../../shared/experiment.ts'
import type { LoadResult } from '../../../shared/load.ts'
import type { Capacity } from '../engines/capacity.ts'
import { parityOf } from './parity.ts'
import { idleCheck, keepsUpCheck, plateauCheck } from './probing.ts'
import type { Residents } from './residents.ts'
import { TINY } from './workstation.testkit.ts'

const [single, , mps] = TINY.arms as [Arm, Arm, Arm]
const capacity = (kvCacheTokens: number | null, maxSequences: number | null = 8): Capacity => ({ kvCacheTokens, kvCacheMiB: null, maxSequences, version: null })
const block = (outputTokensPerSecond: number | null): Block => ({ total: outputTokensPerSecond === null ? null : ({ outputTokensPerSecond, outputTokens: 2 * outputTokensPerSecond, windowSeconds: 2, requests: { sent: 9, finished: 9, failed: 0, cutOff: 0 } } as LoadResult), reasons: ['lost'], engines: [] } as unknown as Block)

it.each([
  ['equal, and the single has the sum', [1000, 1000], 2000, 2, 'passed', 'invalidates'],
  ['within one percent', [1000, 1005], 1990, 2, 'passed', 'invalidates'],
  ['replicas that differ', [1000, 900], 1900, 2, 'failed', 'invalidates'],
  ['a single with less than the sum', [1000, 1000], 1900, 2, 'failed', 'invalidates'],
  ['fewer engines than the single stands for', [1000, 1000], 4000, 4, 'failed', 'warns'],
  ['one that does not say', [1000, null], 2000, 2, 'notChecked', 'warns'],
] as const)('KV parity: %s', (_, replicas, whole, largest, result, weight) => {
  const [kv] = parityOf({ arm: mps, capacities: replicas.map((tokens) => capacity(tokens)), cpus: [] }, { arm: single, capacities: [capacity(whole)], cpus: [] }, largest)
  expect(kv).toMatchObject({ name: 'kvParity/mps', result, weight })
  expect(kv?.evidence).toHaveLength(3)
})

it.each([
  ['the single engine has the sum', [[0, 1], [2, 3]], [0, 1, 2, 3], 2, 'passed', 'invalidates', 'none shared, and the single engine has their sum'],
  ['one has more', [[0, 1], [2]], [0, 1, 2], 2, 'failed', 'invalidates', 'do not have the same number'],
  ['two share one', [[0, 1], [1, 2]], [0, 1, 2, 3], 2, 'failed', 'invalidates', 'share some with each other'],
  ['the single engine has too few', [[0, 1], [2, 3]], [0, 1], 2, 'failed', 'invalidates', 'the single engine has 2, the engines of Two under MPS together 4'],
  ['fewer engines than the single stands for', [[0, 1], [2, 3]], [0, 1, 2, 3, 4, 5], 3, 'failed', 'warns', 'the single engine has 6'],
  ['nobody is bound', [[0, 1], [0, 1]], [0, 1], 2, 'passed', 'warns', 'all share the same'],
  ['only the single engine is bound', [[0, 1], [0, 1]], [0], 2, 'failed', 'invalidates', 'the single engine has others'],
  ['no single engine', [[0], [1]], null, 2, 'passed', 'invalidates', 'no single engine to compare with'],
  ['one cannot be told', [[0], null], [0, 1], 2, 'notChecked', 'warns', 'could not be read'],
] as const)('cores: %s', (_, cpus, whole, replicas, result, weight, words) => {
  const cores = parityOf({ arm: mps, capacities: [], cpus }, whole && { arm: single, capacities: [], cpus: [whole] }, replicas)[2]
  expect(cores).toMatchObject({ name: 'coresParity/mps', result, weight, sentence: expect.stringContaining(words) })
  expect(cores?.evidence).toHaveLength(whole === null ? 2 : 3)
})

it.each([
  ['at its plateau', 1000, 1050, 8, 'passed', 'warns'],
  ['below it, its engines full', 1000, 1900, 8, 'failed', 'warns'],
  ['far below it, with room for more', 1000, 1900, 256, 'failed', 'invalidates'],
  ['a little below it, with room for more', 1000, 1200, 256, 'failed', 'warns'],
  ['below it, nobody knows the room', 1000, 1900, null, 'failed', 'warns'],
  ['not measured', null, 1000, 8, 'notChecked', 'warns'],
  ['no token in time', 0, 1000, 256, 'notChecked', 'warns'],
] as const)('plateau: %s', (_, atLoad, atTwice, room, result, weight) => {
  const residents = { arm: mps, engines: [{ capacity: capacity(1, room) }, { capacity: capacity(1, room) }] } as unknown as Residents
  expect(plateauCheck(residents, TINY.load, block(atLoad), block(atTwice))).toMatchObject({ name: 'plateau/mps', result, weight })
})

it('an open loop that is kept up with says so; a closed loop, and blocks that do not count, say nothing', () => {
  const counted = (validity: Block['validity']) => ({ validity, total: { requestsPerSecond: 9.5 } } as Block)
  const load = { ...TINY.load, regime: 'equalPerEngine' as const, arrivals: { kind: 'poisson' as const, perSecond: 5 } }
  expect(keepsUpCheck(mps, load, [counted('valid'), counted('invalid')])).toMatchObject([{ name: 'keepsUp/mps', weight: 'warns', result: 'failed', evidence: ['9.5 of 10 requests/s ended within the window'] }])
  expect(keepsUpCheck(mps, load, [counted('invalid')])).toEqual([])
  expect(keepsUpCheck(mps, TINY.load, [counted('valid')])).toEqual([])
})

it.each([
  [[100, 100], [99, 97], 'passed', false],
  [[100, 100], [95, 93], 'failed', true],
  [[100, null], [120], 'passed', false],
  [[null], [100], 'notChecked', true],
] as const)('idle residents: %j alone, %j beside', (before, after, result, cost) => {
  expect(idleCheck(before.map(block), after.map(block))).toMatchObject({ cost, check: { result, weight: 'warns' } })
})
