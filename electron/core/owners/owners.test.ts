// A small machine: daemon 100 with server 101, engine 200 → 201 → 202, and every reason for which an engine is not on MPS.
import { describe, expect, it } from 'vitest'
import type { Attachment, CustomSpec } from '../../../shared/engine.ts'
import type { GpuProcess } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { LIMITS_UNKNOWN } from '../../../shared/mps.testkit.ts'
import type { EngineFacts } from '../engines/supervisor.ts'
import type { FoundFacts } from '../engines/discovery.ts'
import { foundSightings } from './found.ts'
import { ownersOf, type Observed } from './owners.ts'

const GPU = 'GPU-a'
const spec: CustomSpec = {
  recipe: 'custom', name: 'alpha', gpuUuid: GPU, onMps: true, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: 1, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 1,
  argv: ['x'], healthPath: null, metricsPath: null, openAi: false, sequences: null, kvTokens: null,
}
const engine = (change: Partial<CustomSpec> = {}, run: Partial<NonNullable<EngineFacts['run']>> = {}): EngineFacts =>
  ({ id: 'e1', spec: { ...spec, ...change }, run: { pid: 200, startTicks: 5000, mps: { pipeDirectory: '/pipe', daemonPid: 100 }, startedElsewhere: false, ...run } })
const daemon = (change: Partial<MpsDaemon> = {}): MpsDaemon => ({
  gpuUuid: GPU, gpuIndex: 0, state: 'running', sinceMs: 0, sentence: '', pipeDirectory: '/pipe', logDirectory: null, ownership: 'overlap', daemonPid: 100, daemonUid: null, controlVersion: null,
  servers: [{ pid: 101, status: 'ACTIVE' }], clients: [], limits: LIMITS_UNKNOWN, proof: { listening: true, lockOwnerPid: 100, answers: true, checkedAtMs: 0 }, foreign: [], fault: null, ...change,
})
const row = (pid: number, type: string | null, usedMemoryMiB: number | null = 1000, gpuUuid = GPU): GpuProcess => ({ gpuUuid, pid, type, usedMemoryMiB, name: 'python3' })
const client = (pid: number) => ({ pid, serverPid: 101, command: null })
const table = new Map([[1, 0, 1], [100, 1, 4000], [101, 100, 4001], [200, 1, 5000], [201, 200, 5001], [202, 201, 5002], [300, 1, 6000]].map(([pid = 0, ppid = 0, startTicks = 0]) => [pid, { ppid, startTicks }]))

const observe = (change: Partial<Observed>): Observed => ({ engines: [engine()], table, gpuProcesses: [], daemons: [daemon()], uid: 1000, ...change })
type Expected = [Attachment['state'], Attachment['reason'], restartHelps: boolean]

describe('attachment', () => {
  const both = [daemon({ clients: [client(202)] })]
  it.each<[string, Partial<Observed>, Expected]>([
    ['listed by daemon and nvidia-smi', { daemons: both, gpuProcesses: [row(202, 'M+C')] }, ['attached', null, false]],
    ['listed by the daemon alone', { daemons: both, gpuProcesses: null }, ['attached', null, false]],
    ['listed by the daemon of 535, M only', { daemons: both, gpuProcesses: [row(202, 'M')] }, ['attached', null, false]],
    ['M+C while the daemon cannot be asked', { daemons: [daemon({ state: 'unknown' })], gpuProcesses: [row(202, 'M+C')] }, ['attached', null, false]],
    ['attached although not asked to be', { engines: [engine({ onMps: false })], daemons: both, gpuProcesses: [row(202, 'M+C')] }, ['attached', null, false]],
    ['in the list, and C', { daemons: both, gpuProcesses: [row(202, 'C')] }, ['unknown', 'noEvidence', false]],
    ['M+C, and not in the list', { gpuProcesses: [row(202, 'M+C')] }, ['unknown', 'noEvidence', false]],
    ['not running', { engines: [{ ...engine(), run: null }] }, ['notAttached', 'notRunning', false]],
    ['not asked', { engines: [engine({ onMps: false }, { mps: null })], gpuProcesses: [row(202, 'C')] }, ['notAttached', 'notAsked', false]],
    ['no daemon on its GPU', { daemons: [] }, ['notAttached', 'noDaemon', false]],
    ['a daemon not looked for yet', { daemons: [daemon({ state: 'unknown', daemonPid: null })] }, ['unknown', 'noEvidence', false]],
    ['a stopped daemon', { daemons: [daemon({ state: 'stopped', daemonPid: null })], gpuProcesses: [row(202, 'C')] }, ['notAttached', 'noDaemon', false]],
    ['a daemon that does not answer', { daemons: [daemon({ state: 'unknown' })], gpuProcesses: [] }, ['unknown', 'noEvidence', false]],
    ['another folder', { daemons: [daemon({ pipeDirectory: '/other' })], gpuProcesses: [row(202, 'C')] }, ['notAttached', 'environmentDiffers', true]],
    ['another daemon than at its start', { engines: [engine({}, { mps: { pipeDirectory: '/pipe', daemonPid: 90 } })], gpuProcesses: [row(202, 'C')] }, ['notAttached', 'daemonChanged', true]],
    ['an idle client of a daemon that is gone', { daemons: [daemon({ daemonPid: 90 })], gpuProcesses: [row(202, 'M+C')] }, ['notAttached', 'daemonChanged', true]],
    ['an idle client after MPS was stopped', { daemons: [daemon({ state: 'stopped', daemonPid: null, servers: [] })], gpuProcesses: [row(202, 'M+C')] }, ['notAttached', 'noDaemon', false]],
    ['older than the daemon', { engines: [engine({}, { startTicks: 3000, mps: null })], gpuProcesses: [row(202, 'C')] }, ['notAttached', 'startedBeforeDaemon', true]],
    ["another user's daemon", { daemons: [daemon({ ownership: 'used', daemonUid: 1001 })] }, ['notAttached', 'otherUser', false]],
    ["root's multi-user daemon", { daemons: [daemon({ ownership: 'used', daemonUid: 0 })] }, ['notAttached', 'noGpuProcess', false]],
    ['no server, nothing on the GPU', { daemons: [daemon({ state: 'noServer', servers: [] })] }, ['notAttached', 'noServer', false]],
    ['nothing on the GPU yet', {}, ['notAttached', 'noGpuProcess', false]],
    ['processes not known', { gpuProcesses: null }, ['unknown', 'noEvidence', false]],
    ['right environment, and plain', { gpuProcesses: [row(202, 'C')] }, ['notAttached', 'silentlyPlain', true]],
    ['listed without a type', { gpuProcesses: [row(202, null)] }, ['unknown', 'noEvidence', false]],
    ['pids of the host, seen in a container', { gpuProcesses: [row(77_001, 'C')] }, ['unknown', 'noEvidence', false]],
    ['on another GPU', { gpuProcesses: [row(202, 'M+C', 1, 'GPU-b')] }, ['notAttached', 'noGpuProcess', false]],
  ])('%s', (_, change, [state, reason, restartHelps]) => {
    const { attachment } = ownersOf(observe(change)).byEngine.get('e1') ?? {}
    expect(attachment).toMatchObject({ state, reason, restartHelps })
    expect(attachment?.sentence).not.toBe('')
    if (state === 'attached') expect(attachment?.evidence.length).toBeGreaterThan(0)
  })

  it('shows both sides of a contradiction', () => {
    expect(ownersOf(observe({ daemons: both, gpuProcesses: [row(202, 'C')] })).byEngine.get('e1')?.attachment.evidence)
      .toEqual(['pid 202 is in get_client_list', 'nvidia-smi lists pid 202 as C: an ordinary CUDA process'])
  })
})

describe('owners', () => {
  it('gives each row of nvidia-smi its owner, and each engine its tree and memory', () => {
    const { byEngine, processes } = ownersOf(observe({ gpuProcesses: [row(101, 'C', 30), row(202, 'M+C', 2936), row(201, 'M+C', 64), row(300, 'C'), row(202, 'M+C', 7, 'GPU-b')] }))
    expect(processes.map(({ process, owner }) => [process.pid, owner])).toEqual([
      [101, { kind: 'mpsServer', gpuUuid: GPU }], [202, { kind: 'engine', id: 'e1' }], [201, { kind: 'engine', id: 'e1' }], [300, { kind: 'other' }], [202, { kind: 'engine', id: 'e1' }],
    ])
    expect(byEngine.get('e1')).toMatchObject({ pids: [200, 201, 202], gpuMemoryMiB: 3000 })
  })
  it.each<[string, GpuProcess[] | null]>([['no row', []], ['a row without a number', [row(202, 'C', null), row(201, 'C', 5)]], ['rows not known', null]])('does not know the memory: %s', (_, gpuProcesses) => {
    expect(ownersOf(observe({ gpuProcesses })).byEngine.get('e1')?.gpuMemoryMiB).toBeNull()
  })
  it('survives a table with a circle, and none at all', () => {
    expect(ownersOf(observe({ table: new Map([[200, { ppid: 201, startTicks: 1 }], [201, { ppid: 200, startTicks: 1 }]]) })).byEngine.get('e1')?.pids).toEqual([200, 201])
    expect(ownersOf(observe({ table: null })).byEngine.get('e1')?.pids).toEqual([200])
  })
})

describe('an engine that Overlap did not start', () => {
  const facts = (change: Partial<FoundFacts> = {}): FoundFacts => ({ id: 'f1', process: { pid: 200, startTicks: 5000 }, pids: [200, 201, 202], spec: { ...spec, gpuUuid: null, onMps: false }, pipeDirectory: '/tmp/nvidia-mps', visibleDevices: null, needsGpu: false, ...change })
  const seen = (change: Partial<FoundFacts>, more: Partial<Observed>) => foundSightings([facts(change)], observe({ gpuProcesses: [row(202, 'C', 900)], ...more }), [GPU, 'GPU-b']).get('f1')
  it.each<[string, Partial<FoundFacts>, Partial<Observed>, Expected]>([
    ['before any daemon', {}, { daemons: [daemon({ state: 'stopped', daemonPid: null })] }, ['notAttached', 'noDaemon', false]],
    ['before the daemon, whose folder it does not know either', { process: { pid: 200, startTicks: 3000 } }, {}, ['notAttached', 'startedBeforeDaemon', true]],
    ['after it, looking elsewhere', {}, {}, ['notAttached', 'environmentDiffers', true]],
    ['after it, in its folder, and plain', { pipeDirectory: '/pipe' }, {}, ['notAttached', 'silentlyPlain', true]],
    ['a client', { pipeDirectory: '/pipe' }, { daemons: [daemon({ clients: [client(202)] })], gpuProcesses: [row(202, 'M+C')] }, ['attached', null, false]],
    ['its environment not ours to read', { pipeDirectory: null }, {}, ['notAttached', 'silentlyPlain', true]],
    ['on no GPU', {}, { gpuProcesses: [] }, ['notAttached', 'noGpuProcess', false]],
    ['GPU processes not known', {}, { gpuProcesses: null }, ['unknown', 'noEvidence', false]],
    ['pids of the host, seen in a container', {}, { gpuProcesses: [row(77_001, 'C')] }, ['unknown', 'noEvidence', false]],
  ])('%s', (_, change, more, [state, reason, restartHelps]) => {
    const sighting = seen(change, more)
    expect(sighting?.attachment).toMatchObject({ state, reason, restartHelps })
    expect(sighting?.attachment.sentence).not.toMatch(/meant|started for MPS/)
  })
  it.each<[string, Partial<FoundFacts>, string[], string[] | null]>([
    ['the only one there is', { needsGpu: true }, [GPU], [GPU]],
    ['one of two', { needsGpu: true }, [GPU, 'GPU-b'], []],
    ['the one it was told', { visibleDevices: 'GPU-b' }, [GPU, 'GPU-b'], ['GPU-b']],
    ['a number, whose order is CUDA\'s', { visibleDevices: '0' }, [GPU, 'GPU-b'], []],
    ['none that it needs', {}, [GPU], []],
  ])('in a container, where nvidia-smi lists the processes of the host, it uses %s', (_, change, all, expected) => {
    const sighting = foundSightings([facts(change)], observe({ gpuProcesses: [row(77_001, 'C')], daemons: [daemon({ state: 'stopped', daemonPid: null })] }), all).get('f1')
    expect(sighting?.gpuUuids).toEqual(expected)
    expect(sighting?.attachment.reason).toBe(expected?.[0] === GPU ? 'noDaemon' : expected?.length === 1 ? 'noDaemon' : 'noEvidence')
  })
  it('has the GPUs and the memory of its processes', () => {
    expect(seen({}, {})).toMatchObject({ gpuUuids: [GPU], gpuMemoryMiB: 900, pids: [200, 201, 202] })
    expect(seen({}, { gpuProcesses: [row(202, 'C', 900), row(201, 'C', 900, 'GPU-b')] })).toMatchObject({ gpuUuids: [GPU, 'GPU-b'] })
    expect(seen({}, { gpuProcesses: null })?.gpuUuids).toBeNull()
  })
  it('taken over, keeps its reason although its spec does not ask for MPS', () => {
    const run = { startedElsewhere: true, mps: null, startTicks: 3000 }
    expect(ownersOf(observe({ engines: [engine({ onMps: false }, run)], gpuProcesses: [row(202, 'C')] })).byEngine.get('e1')?.attachment).toMatchObject({ reason: 'startedBeforeDaemon' })
  })
})
