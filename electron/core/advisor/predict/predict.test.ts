// Predictions of arms: bands, what binds, and a plain sentence wherever there is none.
import { expect, test } from 'vitest'
import { EngineSpec } from '../../../../shared/engine.ts'
import { Arm, Prediction, type Point } from '../../../../shared/experiment.ts'
import type { GpuIdentity } from '../../../../shared/gpu.ts'
import { Load } from '../../../../shared/load.ts'
import { predictArms } from './predict.ts'

const gpu = (change: Partial<GpuIdentity> = {}): GpuIdentity => ({
  index: 0, uuid: 'GPU-1', name: 'NVIDIA H100 80GB HBM3', pciBusId: null, driverVersion: null, memoryTotalMiB: 81559, computeMode: 'Default', migMode: 'Disabled', persistenceMode: null,
  computeCapability: '9.0', gpm: true, ...change,
})
const every = { name: 'replica', gpuUuid: null, onMps: false, sharePercent: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 600 }
const vllm = (change: Record<string, unknown> = {}): EngineSpec => EngineSpec.parse({
  recipe: 'vllm', ...every, executable: 'vllm', model: 'Qwen/Qwen2.5-0.5B-Instruct', gpuMemoryUtilization: null, kvCacheMemoryMiB: 8192, maxSequences: 512, maxModelTokens: null, asyncScheduling: false,
  streamIntervalTokens: null, extraArguments: [], ...change,
})
const llama = (modelPath: string): EngineSpec => EngineSpec.parse({ recipe: 'llamaServer', ...every, executable: 'llama-server', modelPath, contextTokens: 65536, slots: 64, gpuLayers: null, extraArguments: [] })
const custom = (argv: string[]): EngineSpec => EngineSpec.parse({ recipe: 'custom', ...every, argv, healthPath: null, metricsPath: null, openAi: true })
const arm = (kind: Arm['kind'], change: Record<string, unknown> = {}): Arm => Arm.parse({ id: kind === 'timeSliced' ? 'ts' : kind, name: kind, kind, engines: kind === 'single' ? 1 : 2, ...change })
const load = (change: Record<string, unknown> = {}): Load => Load.parse({
  api: 'completions', prompt: { shape: 'fixed', tokens: 128 }, output: { shape: 'fixed', tokens: 256 }, arrivals: { kind: 'closed', concurrency: 512 }, regime: 'equalTotal', ignoreEos: true,
  streamIntervalTokens: null, goodput: null, seed: 1, ...change,
})
const ARMS = [arm('single'), arm('timeSliced'), arm('mps')]
interface Change { gpu?: Partial<GpuIdentity>; engine?: EngineSpec; arms?: Arm[]; load?: Record<string, unknown>; point?: Point }
const predicted = (change: Change = {}): Prediction[] =>
  predictArms({ gpu: gpu(change.gpu), engine: change.engine ?? vllm(), arms: change.arms ?? ARMS, load: load(change.load), point: change.point ?? {} }).map((each) => Prediction.parse(each))
const sentences = (change: Change): string[] => [...new Set(predicted(change).map(({ sentence }) => sentence))]

test('a small model on Hopper: one prediction per arm, in their order, with a band around the likely value', () => {
  const [single, sliced, mps] = predicted()
  expect(single).toMatchObject({ armId: 'single', gain: { low: 0, likely: 0, high: 0 }, gainOverTimeSlicing: null })
  expect(sliced?.gain?.likely).toBeLessThan(mps?.gain?.likely ?? 0)
  expect(sliced).toMatchObject({ confidence: 'low', sentence: expect.stringContaining('a time slice costs is a guess') })
  const gain = mps?.gain ?? { low: 0, likely: 0, high: 0 }
  expect(gain.low).toBeLessThan(gain.likely)
  expect(gain.likely).toBeLessThan(gain.high)
  expect(gain.likely).toBeGreaterThan(0.3)
  expect(gain.high).toBeLessThanOrEqual(1)
  expect(mps?.gainOverTimeSlicing?.likely).toBeCloseTo((mps?.tokensPerSecond ?? 0) / (sliced?.tokensPerSecond ?? 1) - 1, 9)
  expect(mps?.tokensPerSecond).toBeCloseTo((single?.tokensPerSecond ?? 0) * (1 + gain.likely), 3)
})

test('the best single engine is the baseline, and asynchronous scheduling takes from MPS what it wins itself', () => {
  const arms = [arm('single', { id: 'sync', asyncScheduling: false }), arm('single', { id: 'async', asyncScheduling: true }), arm('mps', { asyncScheduling: false })]
  const [sync, best, mps] = predicted({ arms })
  expect(best?.gain?.likely).toBe(0)
  expect(best?.sentence).toContain('best single engine')
  expect(sync?.gain?.likely).toBeLessThan(0)
  expect(mps?.gain?.likely).toBeLessThan(predicted()[2]?.gain?.likely ?? 0)
  expect(predicted({ engine: vllm({ asyncScheduling: null }) })[0]?.tokensPerSecond).toBeCloseTo(best?.tokensPerSecond ?? 0, 6) // vLLM's own is on
})

test('without a single arm the gain is against one engine with the resources of all', () => {
  expect(predicted({ arms: [arm('mps')] })[0]?.gain).toEqual(predicted()[2]?.gain)
})

test.each<[string, Change, string, 'high' | 'low']>([
  ['host, in a prefill load of a small model', { load: { output: { shape: 'fixed', tokens: 1 } } }, 'host', 'high'],
  ['tensor cores, in a prefill load of a large one', { engine: vllm({ model: 'Qwen/Qwen2.5-7B-Instruct' }), load: { prompt: { shape: 'fixed', tokens: 512 }, output: { shape: 'fixed', tokens: 1 }, arrivals: { kind: 'closed', concurrency: 256 } } }, 'tensor', 'high'],
  ['KV cache', { engine: vllm({ kvCacheMemoryMiB: 512 }) }, 'kv', 'high'],
  ['DRAM bandwidth, in long contexts of few KV heads', { engine: vllm({ model: 'Qwen/Qwen2.5-0.5B-Instruct', kvCacheMemoryMiB: 30_000, asyncScheduling: true }), load: { prompt: { shape: 'fixed', tokens: 1024 }, output: { shape: 'fixed', tokens: 8192 } } }, 'dram', 'high'],
  ['time on the GPU', { engine: vllm({ model: 'Qwen/Qwen2.5-3B-Instruct' }) }, 'gpu', 'high'],
  ['time on the GPU, with much reading of prompts left out', { engine: vllm({ model: 'Qwen/Qwen2.5-3B-Instruct' }), point: { promptTokens: 256 } }, 'gpu', 'low'],
])('binds: %s', (_name, change, binding, confidence) => {
  expect(predicted(change)[2]).toMatchObject({ binding, confidence })
})

test('KV parity: the single engine holds what the replicas hold together', () => {
  const [single, , mps] = predicted({ engine: vllm({ kvCacheMemoryMiB: 512 }) })
  expect(single?.binding).toBe('kv')
  expect(mps?.sentence).toMatch(/holds \d+ of 256 sequences/)
})

test('a band that holds zero is said to', () => {
  const large = predicted({ engine: vllm({ model: 'Qwen/Qwen2.5-7B-Instruct', asyncScheduling: true }), load: { prompt: { shape: 'fixed', tokens: 64 }, arrivals: { kind: 'closed', concurrency: 512 } } })[2]
  expect(large?.gain?.low).toBeLessThan(0)
  expect(large?.sentence).toMatch(/^Expect (no gain here: the band holds zero|a loss)\./)
  const small = predicted({ engine: vllm({ asyncScheduling: true }) })[2]
  expect(small?.gain?.low).toBeLessThan(0)
  expect(small?.sentence).toMatch(/^Expect no gain here unless kernels overlap: the band holds zero, though \+\d+ % is likely\./)
})

test.each<[string, Change]>([
  ['off Hopper', { gpu: { name: 'NVIDIA L40S', memoryTotalMiB: 46068 } }],
  ['llama-server', { engine: llama('/m/Qwen2.5-0.5B-Instruct-F16.gguf') }],
  ['a custom engine', { engine: custom(['sglang', '--model', 'Qwen/Qwen2.5-0.5B']) }],
])('low confidence: %s', (_name, change) => {
  const mps = predicted(change)[2]
  expect(mps?.gain).not.toBeNull()
  expect(mps).toMatchObject({ confidence: 'low' })
  expect(mps?.sentence).toContain('fitted to')
})

test.each<[string, Change, string]>([
  ['unknown GPU', { gpu: { name: 'NVIDIA H100 NVL' } }, 'not in the table of GPUs'],
  ['MIG', { gpu: { migMode: 'Enabled' } }, 'MIG is on'],
  ['unknown model', { point: { model: 'some/model-9B' } }, 'not in the table of models'],
  ['unnamed model', { engine: custom(['serve', 'it']) }, 'does not say which model'],
  ['quantised weights', { engine: llama('/m/qwen2.5-0.5b-instruct-q4_k_m.gguf') }, 'fewer than 16 bits'],
  ['arguments that change the model', { engine: vllm({ extraArguments: ['--quantization', 'fp8'] }) }, '--quantization changes what is computed'],
  ['long prompts, short outputs', { point: { promptTokens: 8192 } }, 'not both mixed'],
  ['open loop below saturation', { load: { arrivals: { kind: 'poisson', perSecond: 5 } } }, 'only saturation is predicted'],
  ['open loop, batch unknown', { engine: vllm({ maxSequences: null, kvCacheMemoryMiB: null }), load: { output: { shape: 'fixed', tokens: 1 }, arrivals: { kind: 'poisson', perSecond: 5 } } }, 'batch is not known'],
  ['too large for the GPU', { engine: vllm({ kvCacheMemoryMiB: null }), point: { model: 'Qwen/Qwen2.5-32B' } }, 'do not fit'],
])('nothing is predicted: %s', (_name, change, said) => {
  for (const prediction of predicted(change).slice(-1)) expect(prediction).toMatchObject({ gain: null, gainOverTimeSlicing: null, tokensPerSecond: null, confidence: 'low' })
  expect(sentences(change).at(-1)).toContain(said)
})

test.each<[string, Record<string, unknown>]>([
  ['SM share', { sharePercent: [50] }],
  ['priorities', { clientPriority: [0, 1] }],
  ['Arguments of its own', { extraArguments: ['--seed', '1'] }],
])('an arm with %s is not predicted; the others are', (said, change) => {
  const [single, , mps, special] = predicted({ arms: [...ARMS, arm('mps', { id: 'special', ...change })] })
  expect(special).toMatchObject({ armId: 'special', gain: null })
  expect(special?.sentence).toContain(said)
  expect([single?.gain, mps?.gain]).not.toContain(null)
})

test('an open loop far above saturation is predicted at the most the engines take', () => {
  expect(predicted({ load: { arrivals: { kind: 'poisson', perSecond: 100_000 } } })[2]?.gain?.likely).toBeCloseTo(predicted({ load: { arrivals: { kind: 'closed', concurrency: 1024 } } })[2]?.gain?.likely ?? 0, 9)
})

test('the point of a sweep takes the place of the load', () => {
  expect(predicted({ point: { concurrency: 64, promptTokens: 32, model: 'Qwen/Qwen2.5-1.5B' } })).toEqual(
    predicted({ engine: vllm({ model: 'Qwen/Qwen2.5-1.5B' }), load: { prompt: { shape: 'fixed', tokens: 32 }, arrivals: { kind: 'closed', concurrency: 64 } } }))
})
