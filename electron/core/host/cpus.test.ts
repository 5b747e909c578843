// A machine of two sockets with two threads per core, as a folder; and the list format both ways.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cpuList, cpusNear, parseCpuList } from './cpus.ts'
import { Procfs } from './procfs.ts'

const root = mkdtempSync(join(tmpdir(), 'overlap-cpus-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `${text}\n`)
}
for (let cpu = 0; cpu < 8; cpu += 1) put(`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, `${cpu % 4},${(cpu % 4) + 4}`)
put('sys/devices/system/cpu/online', '0-7')
put('sys/bus/pci/devices/0000:3b:00.0/local_cpulist', '2-3,6-7')

const around = (allowed: string | null, pciBusId: string | null) => {
  const proc = join(root, `proc-${allowed}`)
  if (allowed !== null) put(`proc-${allowed}/self/status`, `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}`)
  return cpusNear(pciBusId, { procfs: new Procfs({ root: proc }), sysRoot: join(root, 'sys') })
}

describe('cpusNear', () => {
  it.each<[string, string | null, string | null, { all: number[]; near: number[] }]>([
    ['the whole machine, threads of a core side by side', '0-7', '00000000:3B:00.0', { all: [0, 4, 1, 5, 2, 6, 3, 7], near: [2, 6, 3, 7] }],
    ['what this process may use of it', '0,2,6', '00000000:3B:00.0', { all: [0, 2, 6], near: [2, 6] }],
    ['nothing near is allowed: all', '0-1', '00000000:3B:00.0', { all: [0, 1], near: [0, 1] }],
    ['a GPU that is not known', '0-1', null, { all: [0, 1], near: [0, 1] }],
    ['a kernel that does not say: what is online', null, '00000000:FF:00.0', { all: [0, 4, 1, 5, 2, 6, 3, 7], near: [0, 4, 1, 5, 2, 6, 3, 7] }],
  ])('%s', (_, allowed, pciBusId, expected) => {
    expect(around(allowed, pciBusId)).toEqual(expected)
  })
  it('finds CPUs on this machine', () => {
    expect(cpusNear(null).all.length).toBeGreaterThan(0)
  })
})

describe('a list of CPUs', () => {
  it.each<[string, number[], string]>([
    ['0-3,8', [0, 1, 2, 3, 8], '0-3,8'], ['5', [5], '5'], ['3,1,2', [1, 2, 3], '1-3'], ['0,2,4', [0, 2, 4], '0,2,4'],
    ['', [], ''], ['3-1', [], ''], ['0-', [], ''], ['a', [], ''], ['0-99999', [], ''],
  ])('%j', (text, cpus, written) => {
    expect(parseCpuList(text)).toEqual(cpus)
    expect(cpuList(cpus)).toBe(written)
  })
})
