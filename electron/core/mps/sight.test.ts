import { expect, it } from 'vitest'
import type { ProcessTable } from '../host/procfs.ts'
import type { Processes } from './detect.ts'
import { MachineDaemons } from './sight.ts'

it('a daemon that was seen before it listened is found soon after; the table is not read anew at every look', () => {
  let listens = false
  let read = 0
  const stat = { pid: 7, ppid: 1, comm: 'nvidia-cuda-mps', state: 'S', processGroup: 7, session: 7, cpuSeconds: 0, threads: 1, startTicks: 7, residentBytes: 0, readAtMs: 0 }
  const table: ProcessTable = new Map([[7, stat]])
  const processes: Processes = {
    processStat: () => stat,
    processTable: () => table,
    listeningSocket: () => listens,
    lockOwner: () => (listens ? 7 : null),
    environmentOf: () => ({ CUDA_MPS_PIPE_DIRECTORY: '/a' }),
    commandLine: () => ((read += 1), ['nvidia-cuda-mps-control', '-d']),
    uidOf: () => 1000,
  }
  const machine = new MachineDaemons(null)
  const seen = (nowMs: number) => machine.read(processes, table, nowMs).map(({ pid }) => pid)
  expect(seen(0)).toEqual([])
  listens = true
  expect(seen(100)).toEqual([])
  expect(seen(1000)).toEqual([7])
  listens = false
  expect(seen(5000)).toEqual([7])
  listens = true
  expect(read).toBe(2)
  listens = false
  expect(seen(11_000)).toEqual([]) // nothing came or went, and yet it is looked again now and then
})
