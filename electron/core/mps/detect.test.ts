import { describe, expect, it } from 'vitest'
import type { ProcessStat } from '../host/processStat.ts'
import type { ProcessTable } from '../host/processTable.ts'
import { daemonEvidence, daemonsOnMachine, DEFAULT_PIPE_DIRECTORY, isDaemonAt, lifeOf, mayServe, type Processes, serverChildren, servedGpus } from './detect.ts'

interface Made {
  pid: number
  argv: string[]
  env?: Record<string, string> | null
  state?: string
  ppid?: number
  comm?: string
}

/** A machine with these processes, listening sockets and lock owners. */
function machine(made: Made[], listening: string[] | null = [], locks: Record<string, number> = {}): { processes: Processes; table: ProcessTable } {
  const stat = ({ pid, ppid = 1, comm = 'nvidia-cuda-mps', state = 'S' }: Made): ProcessStat & { readAtMs: number } => ({
    pid, ppid, comm, state, processGroup: pid, session: pid, cpuSeconds: 0, threads: 1, startTicks: pid, residentBytes: 0, readAtMs: 0,
  })
  const table: ProcessTable = new Map(made.map((one) => [one.pid, stat(one)]))
  const find = (pid: number) => made.find((one) => one.pid === pid)
  const processes: Processes = {
    processStat: (pid) => table.get(pid) ?? null,
    processTable: () => table,
    listeningSocket: (path) => listening && listening.includes(path),
    lockOwner: (path) => locks[path] ?? null,
    environmentOf: (pid) => { const env = find(pid)?.env; return env === undefined ? {} : env },
    commandLine: (pid) => find(pid)?.argv ?? null,
    uidOf: () => 1000,
  }
  return { processes, table }
}

const CONTROL = '/usr/bin/nvidia-cuda-mps-control'
const at = (folder: string) => ({ CUDA_MPS_PIPE_DIRECTORY: folder })

describe('whether a daemon lives', () => {
  it.each<[boolean | null, number | null, string]>([
    [true, 7, 'alive'], [true, null, 'alive'], // its lock may be hidden
    [false, null, 'gone'], [false, 7, 'unclear'], // another network namespace, or not listening yet
    [null, 7, 'alive'], [null, null, 'unclear'],
  ])('listening %s, lock owner %s: %s', (listening, owner, life) => expect(lifeOf(listening, owner)).toBe(life))

  it.each<[string, Partial<Made>, number | null]>([
    ['the daemon', {}, 7],
    ['a zombie', { state: 'Z' }, null],
    ['another program, which got the pid', { comm: 'bash' }, null],
  ])('the owner of the lock is %s', (_, change, owner) => {
    const { processes } = machine([{ pid: 7, argv: [CONTROL, '-d'], ...change }], [], { '/p/control_lock': 7 })
    expect(daemonEvidence(processes, '/p').lockOwnerPid).toBe(owner)
  })
})

describe('whether a process is the daemon there', () => {
  it.each<[string, boolean, Partial<Made>, number | null, boolean]>([
    ['it holds the lock', true, {}, 7, true],
    ['its lock is hidden', true, {}, null, true],
    ['another daemon holds the lock', true, {}, 8, false],
    ['its pid is another program\'s', true, { comm: 'python3' }, null, false],
    ['it is a zombie', true, { state: 'Z' }, null, false],
    ['nobody listens', false, {}, null, false],
  ])('%s', (_, listens, change, owner, is) => {
    const { processes } = machine([{ pid: 7, argv: [CONTROL, '-d'], ...change }, { pid: 8, argv: [CONTROL, '-d'] }], listens ? ['/p/control'] : [], owner === null ? {} : { '/p/control_lock': owner })
    expect(isDaemonAt(processes, '/p', 7)).toBe(is)
  })
})

describe('daemons on the machine', () => {
  it('are told from open control sessions, servers, the dead, and simulations', () => {
    const made: Made[] = [
      { pid: 1, argv: [CONTROL, '-d'], env: { ...at('/a'), CUDA_VISIBLE_DEVICES: 'GPU-1', CUDA_MPS_LOG_DIRECTORY: '/la' } },
      { pid: 2, argv: [CONTROL], env: at('/a') }, // a session in a terminal
      { pid: 3, argv: ['nvidia-cuda-mps-server'], env: at('/a'), ppid: 1 },
      { pid: 4, argv: [CONTROL, '-d'], env: at('/b'), state: 'Z' },
      { pid: 5, argv: [CONTROL, '-d'], env: { ...at('/c'), OVERLAP_SIM: '/sim' } },
      { pid: 6, argv: ['nvidia-cuda-mps-control'], env: at('/d') }, // its title changed: the lock tells
      { pid: 8, argv: ['vim', 'nvidia-cuda-mps-control'], env: {}, comm: 'nvidia-cuda-mps' },
    ]
    const { processes, table } = machine(made, ['/a/control', '/c/control'], { '/a/control_lock': 1, '/c/control_lock': 5, '/d/control_lock': 6 })
    expect(daemonsOnMachine(processes, table, null)).toEqual([
      { pid: 1, uid: 1000, pipeDirectory: '/a', logDirectory: '/la', gpuUuids: ['GPU-1'] },
      { pid: 6, uid: 1000, pipeDirectory: '/d', logDirectory: '/var/log/nvidia-mps', gpuUuids: null },
    ])
    expect(daemonsOnMachine(processes, table, '/sim').map(({ pid }) => pid)).toEqual([5])
    expect(serverChildren(table, 1)).toEqual(expect.arrayContaining([3]))
    expect(serverChildren(table, null)).toEqual([])
  })

  it.each<[string, Record<string, number>, string | null]>([
    ['in the default folder', { [`${DEFAULT_PIPE_DIRECTORY}/control_lock`]: 9 }, DEFAULT_PIPE_DIRECTORY],
    ['somewhere', {}, null],
  ])('of another user, %s', (_, locks, pipeDirectory) => {
    const { processes, table } = machine([{ pid: 9, argv: [CONTROL, '-d'], env: null }], [], locks)
    expect(daemonsOnMachine(processes, table, null)).toEqual([{ pid: 9, uid: 1000, pipeDirectory, logDirectory: null, gpuUuids: null }])
  })

  it('are found by their option where the host shows neither locks nor sockets', () => {
    const { processes, table } = machine([{ pid: 1, argv: [CONTROL, '-d'], env: at('/a') }, { pid: 2, argv: [CONTROL], env: at('/a') }], null)
    expect(daemonsOnMachine(processes, table, null).map(({ pid }) => pid)).toEqual([1])
  })

  it.each<[string | undefined, string[] | null]>([
    [undefined, null], ['0', null], ['0,1', null], ['GPU-1, MIG-2', ['GPU-1', 'MIG-2']], ['GPU-1,1', null], ['', []],
  ])('CUDA_VISIBLE_DEVICES %j serves %j', (visible, gpus) => expect(servedGpus(visible)).toEqual(gpus))

  it.each<[string[] | null, boolean]>([[null, true], [[], false], [['GPU-5e1f'], true], [['GPU-5e1f0c7a-62b4'], true], [['GPU-77'], false]])('%j may serve it: %s', (gpuUuids, may) => {
    expect(mayServe({ gpuUuids }, 'GPU-5e1f0c7a-62b4')).toBe(may)
  })
})
