import { expect, it } from 'vitest'
import { limitCaution, memoryLimitOf, type MemoryLimit } from './memoryLimit.ts'
import type { DaemonLimits } from './mps.ts'

const limits = (wantedMiB: number | null, told: string | null, server?: string | null): DaemonLimits => ({
  wanted: { sharePercent: null, pinnedMemoryMiB: wantedMiB }, default: { sharePercent: 100, pinnedMemory: told },
  servers: server === undefined ? [] : [{ pid: 1, sharePercent: 100, pinnedMemory: server, changedAtMs: null }],
})

it.each<[string, number | null, DaemonLimits | null, MemoryLimit | null]>([
  ['nothing is limited', null, limits(null, 'none', 'none'), null],
  ['no daemon is known', null, null, null],
  ['its own', 4096, limits(null, 'none', 'none'), { mebibytes: 4096, by: 'engine' }],
  ['the server, whose limit is lower than its own', 9000, limits(null, 'none', '8G'), { mebibytes: 8192, by: 'server' }],
  ['its own, which is lower than the server\'s', 512, limits(null, 'none', '8G'), { mebibytes: 512, by: 'engine' }],
  ['the default of a server that is not there yet', null, limits(6000, null), { mebibytes: 6000, by: 'default' }],
  ['the default, read back in whole GiB', null, limits(6000, '5G', '5G'), { mebibytes: 6000, by: 'default' }],
  ['the default that a foreign daemon tells', null, limits(null, '900M', '900M'), { mebibytes: 900, by: 'default' }],
  ['a server that was raised above the default', null, limits(6000, '5G', '7G'), { mebibytes: 7168, by: 'server' }],
  ['a server without a limit, older than its default', null, limits(6000, '5G', 'none'), null],
  ['a server that has not been asked yet', null, limits(6000, '5G', null), { mebibytes: 6000, by: 'default' }],
])('the limit that counts: %s', (_, own, daemon, limit) => expect(memoryLimitOf(own, daemon)).toEqual(limit))

it('warns of a limit below the need, with where it is raised, and of nothing else', () => {
  const need = { mebibytes: 8089, measured: true }
  expect(limitCaution('alpha', { mebibytes: 4096, by: 'default' }, need)).toBe(
    'Under MPS alpha gets at most 4.0 GiB of GPU memory, by the default memory limit of MPS servers on its GPU, and has used 7.9 GiB before: it is likely to run out of memory. Raise the default memory limit on the MPS screen and restart MPS, then start it again, or give it less KV cache.')
  expect(limitCaution('alpha', { mebibytes: 8089, by: 'engine' }, need)).toBeNull()
  expect(limitCaution('alpha', { mebibytes: 512, by: 'engine' }, null)).toBeNull()
  expect(limitCaution('alpha', null, need)).toBeNull()
})
