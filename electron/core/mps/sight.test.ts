import { expect, it } from 'vitest'
import type { ProcessTable } from '../host/processTable.ts'
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
    lockOwner: () => ((read += 1), listens ? 7 : null),
    environmentOf: () => ({ CUDA_MPS_PIPE_DIRECTORY: '/a' }),
    commandLine: () => ['nvidia-cuda-mps-control', '-d'],
    uidOf: () => 1000,
  }
  const machine = new MachineDaemons(null)
  const seen = (steadyMs: number) => machine.read(processes, table, steadyMs).map(({ pid }) => pid)
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

it('a session of our own is no news; one of somebody else is', () => {
  let read = 0
  const stat = { pid: 7, ppid: 1, comm: 'nvidia-cuda-mps', state: 'S', processGroup: 7, session: 7, cpuSeconds: 0, threads: 1, startTicks: 7, residentBytes: 0, readAtMs: 0 }
  const tableWith = (ppid: number | null): ProcessTable => new Map([[7, stat], ...(ppid === null ? [] : [[8, { ...stat, pid: 8, ppid }] as const])])
  const processes: Processes = {
    processStat: () => stat, processTable: () => tableWith(null), listeningSocket: () => true, lockOwner: () => 7, uidOf: () => ((read += 1), 1000),
    environmentOf: () => ({ CUDA_MPS_PIPE_DIRECTORY: '/a' }),
    commandLine: (pid) => ['nvidia-cuda-mps-control', ...(pid === 7 ? ['-d'] : [])],
  }
  const machine = new MachineDaemons(null)
  for (const atMs of [0, 1_000, 2_000, 3_500]) machine.read(processes, tableWith(null), atMs)
  const settled = read
  machine.read(processes, tableWith(process.pid), 4_000)
  expect(read).toBe(settled)
  machine.read(processes, tableWith(1), 4_500)
  expect(read).toBe(settled + 1)
})
