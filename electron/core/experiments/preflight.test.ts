// What is refused, what is only told, and what cannot be told.
import { expect, it } from 'vitest'
import type { Engine } from '../../../shared/engine.ts'
import type { ArmNow, Plan } from '../../../shared/experiment.ts'
import type { GpuFrame, GpuProcess } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { LIMITS_UNKNOWN } from '../../../shared/mps.testkit.ts'
import { preflight, refusals, type PreflightFacts } from './preflight.ts'
import { TINY } from './workstation.testkit.ts'

const GPU = 'GPU-1'
const prediction = (low: number, high: number): Plan['cells'][number]['predictions'][number] =>
  ({ armId: 'mps' satisfies ArmNow['armId'], gain: { low, likely: (low + high) / 2, high }, gainOverTimeSlicing: null, tokensPerSecond: null, binding: null, confidence: 'low', sentence: '' })
const plan: Plan = {
  file: TINY, gpuUuid: GPU, cells: [{ point: {}, predictions: [prediction(0.1, 0.3)] }], residency: 'hot', setsAside: [], startsMps: true,
  estimate: { loadingSeconds: 1, measuringSeconds: 1, gpuMemoryMiB: 30_000 }, checks: [],
}
const daemon = (change: Partial<MpsDaemon> = {}): MpsDaemon => ({
  gpuUuid: GPU, gpuIndex: 0, state: 'stopped', sinceMs: 0, sentence: 'It is so.', pipeDirectory: '/p', logDirectory: null, ownership: null, daemonPid: null, daemonUid: null, controlVersion: null,
  servers: [], clients: [], limits: LIMITS_UNKNOWN, proof: { listening: false, lockOwnerPid: null, answers: null, checkedAtMs: 0 }, foreign: [], fault: null, ...change,
})
const frame = (processes: Partial<GpuProcess>[] | null, query: GpuFrame['streams'][number]['state'] = 'live'): GpuFrame => ({
  atMs: 0, tick: 1, rows: [], processes: processes?.map((row) => ({ gpuUuid: GPU, pid: 1, type: 'C', usedMemoryMiB: 10, name: 'python', ...row })) ?? null,
  streams: [{ name: 'query', state: query, sinceMs: 0, lastRowAtMs: 0, badLines: 0, fault: null }],
})
const engine = (change: Partial<Engine>): Engine => ({ spec: { name: 'alpha', gpuUuid: GPU }, pids: [], gpuMemoryMiB: null, state: 'ready', ...change } as Engine)
const found = (name: string, pid: number, obstacle: PreflightFacts['found'][number]['obstacle'] = null): PreflightFacts['found'][number] => ({ name, pids: [pid - 1, pid], obstacle })
const good: PreflightFacts = {
  plan, engine: { recipe: 'llamaServer', name: 'alpha' } as PreflightFacts['engine'], frame: frame([]), daemon: daemon(), engines: [], found: [], hold: null, neededMiB: 30_000, coresDisjoint: true, kvIsAbsolute: true,
  gpu: { index: 0, uuid: GPU, name: 'NVIDIA H100', pciBusId: null, driverVersion: null, memoryTotalMiB: 80_000, computeMode: 'Default', migMode: 'Disabled', persistenceMode: null, computeCapability: null, gpm: true },
  copy: { executable: 'vllm', found: true, problem: null },
}
const gpu = (change: Partial<PreflightFacts['gpu']>): Partial<PreflightFacts> => ({ gpu: { ...good.gpu, ...change } })
const arms = (...at: number[]): Partial<PreflightFacts> => ({ plan: { ...plan, file: { ...TINY, arms: at.flatMap((place) => TINY.arms[place] ?? []) } } })

it('lets pass what can work', () => {
  const checks = preflight(good)
  expect(checks.filter(({ result }) => result !== 'passed')).toEqual([])
  expect(checks.every(({ sentence }) => sentence.length > 10)).toBe(true)
})

it.each<[string, Partial<PreflightFacts>, string, string]>([
  ['an experiment that waits for something', { plan: { ...plan, file: { ...TINY, waitsFor: 'Waits for an engine.' } } }, 'canBeRun', 'Waits for an engine.'],
  ['a second experiment', { hold: { experimentId: 'x1', sentence: 'The experiment holds it.', sinceMs: 0 } }, 'nothingElseRuns', 'Cancel it first'],
  ['an engine that is loading', { engines: [engine({ state: 'starting' })] }, 'enginesSettled', 'starting or stopping'],
  ['an engine without an API', { engine: { recipe: 'custom', name: 'alpha', openAi: false } as PreflightFacts['engine'] }, 'engineServesOpenAi', 'does not serve'],
  ['a program that is not there', { copy: { executable: 'vllm', found: false, problem: null } }, 'engineCanBeCopied', 'vllm is not installed'],
  ['a spec that cannot be started', { copy: { executable: '', found: false, problem: 'taskset is missing.' } }, 'engineCanBeCopied', 'taskset is missing.'],
  ['nvidia-smi that hangs', { frame: frame([], 'silent') }, 'nvidiaSmiLive', 'does not report'],
  ['processes that cannot be listed', { frame: frame(null) }, 'nvidiaSmiLive', 'does not report'],
  ['MIG', gpu({ migMode: 'Enabled' }), 'migIsOff', 'MIG is enabled'],
  ['a GPU that nobody may use', gpu({ computeMode: 'Prohibited' }), 'computeMode', 'Prohibited'],
  ['two plain engines under Exclusive_Process', { ...gpu({ computeMode: 'Exclusive_Process' }), ...arms(1) }, 'computeMode', 'Two, time-sliced needs 2 processes'],
  ['a plain engine beside MPS under Exclusive_Process', { ...gpu({ computeMode: 'Exclusive_Process' }), ...arms(0, 2) }, 'computeMode', 'cannot stand beside'],
  ['too little memory', { neededMiB: 79_900 }, 'memory', 'do not fit'],
  ['somebody else on the GPU', { frame: frame([{ pid: 777 }]) }, 'gpuIsFree', 'Other programs'],
  ['an engine that can be taken over', { frame: frame([{ pid: 777 }]), found: [found('theirs', 777), found('elsewhere', 5)] }, 'gpuIsFree', 'End them first, or take over theirs on the Engines screen.'],
  ['an engine that cannot', { frame: frame([{ pid: 777 }]), found: [found('theirs', 777, { code: 'NO_PERMISSION', sentence: 'x', hint: 'y', field: null, detail: null })] }, 'gpuIsFree', 'End them first.'],
  ['a foreign daemon', { daemon: daemon({ state: 'foreign', foreign: [{ pid: 9, uid: 0, pipeDirectory: '/x', gpuUuids: null }] }) }, 'noForeignDaemon', 'did not start'],
  ['no MPS tool', { daemon: daemon({ fault: { code: 'TOOL_MISSING', sentence: 'x', hint: 'y', field: null, detail: null } }) }, 'mpsCanBeUsed', 'not installed'],
  ['a daemon that leaves its clients fewer SMs than an arm has', { daemon: daemon({ state: 'running', limits: { ...LIMITS_UNKNOWN, default: { sharePercent: 40, pinnedMemory: 'none' } } }) }, 'serverShare', 'limits its clients to 40 %'],
  ['a running server that leaves them fewer than its daemon would', { daemon: daemon({ state: 'running', limits: { ...LIMITS_UNKNOWN, default: { sharePercent: 100, pinnedMemory: 'none' }, servers: [{ pid: 7, sharePercent: 30, pinnedMemory: null, changedAtMs: null }] } }) }, 'serverShare', 'limits its clients to 30 %'],
  ['a daemon that will be started with fewer', { daemon: daemon({ limits: { ...LIMITS_UNKNOWN, wanted: { sharePercent: 50, pinnedMemoryMiB: null } } }) }, 'serverShare', 'limits its clients to 50 %'],
  ['a daemon that gives its clients less memory', { daemon: daemon({ limits: { ...LIMITS_UNKNOWN, wanted: { sharePercent: null, pinnedMemoryMiB: 2048 } } }) }, 'serverMemory', '2048 MiB'],
  ['a running server that gives its clients less memory', { daemon: daemon({ state: 'running', limits: { ...LIMITS_UNKNOWN, servers: [{ pid: 7, sharePercent: 100, pinnedMemory: '70G', changedAtMs: 1 }] } }) }, 'serverMemory', '71680 MiB'],
  ['MPS in fault', { daemon: daemon({ state: 'faulted' }) }, 'mpsCanBeUsed', 'It is so.'],
])('refuses %s', (_, change, name, words) => {
  const refusing = refusals(preflight({ ...good, ...change }))
  expect(refusing.map((check) => check.name)).toContain(name)
  expect(refusing.find((check) => check.name === name)?.sentence).toContain(words)
})

it.each<[string, Partial<PreflightFacts>, string, 'failed' | 'notChecked']>([
  ['cores that are shared', { coresDisjoint: false }, 'coresDisjoint', 'failed'],
  ['a daemon that does not tell its default share', { daemon: daemon({ state: 'running' }) }, 'serverShare', 'notChecked'],
  ['no GPM', gpu({ gpm: false }), 'gpmThere', 'failed'],
  ['a relative KV cache', { kvIsAbsolute: false }, 'kvIsAbsolute', 'notChecked'],
  ['a predicted band that holds zero', { plan: { ...plan, cells: [{ point: {}, predictions: [prediction(-0.1, 0.15)] }] } }, 'gainExpected', 'failed'],
  ['no prediction', { plan: { ...plan, cells: [{ point: {}, predictions: [] }] } }, 'gainExpected', 'notChecked'],
  ['a desktop', { frame: frame([{ type: 'G', name: 'Xorg' }]) }, 'gpuIsFree', 'failed'],
  ['memory that cannot be told', { neededMiB: null }, 'memory', 'notChecked'],
  ['a program that is only looked for in the rehearsal', { copy: null }, 'engineCanBeCopied', 'notChecked'],
])('tells of %s and goes on', (_, change, name, result) => {
  const checks = preflight({ ...good, ...change })
  expect(checks.find((check) => check.name === name)?.result).toBe(result)
  expect(refusals(checks)).toEqual([])
})

it('counts as free what its own engines will give back, also of one whose memory is not told yet', () => {
  const used = { ...frame([{ pid: 10, usedMemoryMiB: 45_000 }]), rows: [{ uuid: GPU, metrics: { memoryUsedMiB: 51_000 } } as GpuFrame['rows'][number]] }
  const memoryOf = (own: Engine[]) => preflight({ ...good, frame: used, engines: own }).find(({ name }) => name === 'memory')
  expect(memoryOf([engine({ pids: [10] })])).toMatchObject({ result: 'passed', evidence: expect.arrayContaining(['used by others 6000 MiB']) as string[] })
  expect(memoryOf([engine({ pids: [10], gpuMemoryMiB: 45_500 })])).toMatchObject({ evidence: expect.arrayContaining(['used by others 5500 MiB']) as string[] })
  expect(memoryOf([engine({ pids: [11] })])?.result).toBe('failed')
})

it('knows its own engines and the MPS server on the GPU, and one plain engine alone is no trouble under Exclusive_Process', () => {
  const facts = { ...good, frame: frame([{ pid: 10 }, { pid: 20 }]), engines: [engine({ pids: [9, 10] })], daemon: daemon({ servers: [{ pid: 20, status: 'ACTIVE' }], state: 'running' }) }
  expect(refusals(preflight(facts))).toEqual([])
  expect(refusals(preflight({ ...good, ...gpu({ computeMode: 'Exclusive_Process' }), ...arms(2) }))).toEqual([])
})
