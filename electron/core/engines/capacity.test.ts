// Specs and logs, as real builds print them → what an engine holds.
import { describe, expect, it } from 'vitest'
import type { CustomSpec, EngineSpec, LlamaServerSpec, VllmSpec } from '../../../shared/engine.ts'
import { capacityFromLog, declaredCapacity, ignoreEosFields, memoryNeededMiB, modelOf, type Capacity } from './capacity.ts'

const every = { name: 'a', gpuUuid: 'GPU-1', onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 60 }
const llama: LlamaServerSpec = { recipe: 'llamaServer', ...every, executable: 'llama-server', modelPath: '/m/a.gguf', contextTokens: 4096, slots: 4, gpuLayers: null, extraArguments: [] }
const vllm: VllmSpec = { recipe: 'vllm', ...every, executable: 'vllm', model: 'Qwen/Qwen3-0.6B', gpuMemoryUtilization: 0.3, kvCacheMemoryMiB: 4096, maxSequences: 64, maxModelTokens: null, asyncScheduling: null, streamIntervalTokens: null, extraArguments: [] }
const custom: CustomSpec = { recipe: 'custom', ...every, argv: ['vllm', 'serve', '--model', 'm', '--gpu-memory-utilization=0.5', '{port}'], healthPath: null, metricsPath: null, openAi: true, sequences: 8, kvTokens: 1000 }

const NOTHING: Capacity = { kvCacheTokens: null, kvCacheMiB: null, maxSequences: null, version: null }
const VLLM_LOG = [
  '(APIServer pid=7) INFO 05-14 09:09:58 [api_server.py:1272] vLLM API server version 0.14.1',
  "(APIServer pid=7) INFO 05-14 09:09:58 [utils.py:263] non-default args: {'model_tag': 'm', 'port': 8080, 'max_model_len': 2048, 'max_num_seqs': 64}",
  '(EngineCore pid=9) INFO 05-14 09:10:40 [gpu_worker.py:563] \u001b[32mAvailable KV cache memory: 8.57 GiB\u001b[0m',
  '(EngineCore pid=9) INFO 05-14 09:10:41 [kv_cache_utils.py:1229] GPU KV cache size: 4,455,808 tokens',
  '(EngineCore pid=9) INFO 05-14 09:10:41 [kv_cache_utils.py:1234] Maximum concurrency for 2,048 tokens per request: 21.76x',
]
const LLAMA_LOG = ["0.00.061.268 I srv    load_model: initializing, n_slots = 2, n_ctx_slot = 1024, kv_unified = 'false'", '0.00.064.469 I srv  llama_server: model loaded']
const OLD_LLAMA_LOG = [
  'build: 6692 (ca71fb9b) with cc (Debian 14.2.0) for x86_64-linux-gnu', 'llama_context: n_ctx         = 8192', 'llama_context: n_ctx_per_seq = 2048', 'llama_kv_cache: size =  112.00 MiB (  8192 cells,   4 layers,  4/1 seqs), K (f16):   56.00 MiB',
  'srv          init: initializing slots, n_slots = 4', 'slot         init: id  0 | task -1 | new slot n_ctx_slot = 2048',
]

describe('capacityFromLog', () => {
  it.each<[string, EngineSpec, string[], Partial<Capacity>]>([
    ['vLLM', vllm, VLLM_LOG, { kvCacheTokens: 4_455_808, kvCacheMiB: 8776, maxSequences: 64, version: '0.14.1' }],
    ['vLLM with an absolute size', vllm, ['INFO Initial free memory 70.1 GiB, reserved 4.0 GiB memory for KV Cache as specified by kv_cache_memory_bytes config', 'INFO Initializing a V1 LLM engine (v0.29.0) with config: model=m'], { kvCacheMiB: 4096, version: '0.29.0' }],
    ['vLLM twice in one log: the later one', vllm, [...VLLM_LOG, 'GPU KV cache size: 5 tokens, Maximum concurrency for 2,048 tokens per request: 1.0x'], { kvCacheTokens: 5, kvCacheMiB: 8776, maxSequences: 64, version: '0.14.1' }],
    ['vLLM by a custom command', custom, VLLM_LOG, { kvCacheTokens: 4_455_808, kvCacheMiB: 8776, maxSequences: 64, version: '0.14.1' }],
    ['llama-server of today', llama, LLAMA_LOG, { kvCacheTokens: 2048, maxSequences: 2 }],
    ['llama-server whose slots share', llama, [LLAMA_LOG[0]?.replace('false', 'true') ?? ''], { kvCacheTokens: 1024, maxSequences: 2 }],
    ['llama-server of old, or told to say more', llama, OLD_LLAMA_LOG, { kvCacheTokens: 8192, kvCacheMiB: 112, maxSequences: 4, version: '6692 (ca71fb9b)' }],
    ['llama-server by a custom command', custom, LLAMA_LOG, { kvCacheTokens: 2048, maxSequences: 2 }],
    ['an engine that says nothing', vllm, ['hello', ''], {}],
  ])('%s', (_, spec, lines, expected) => {
    expect(capacityFromLog(spec, lines)).toEqual({ ...NOTHING, ...expected })
  })
})

describe('declaredCapacity', () => {
  it.each<[EngineSpec, Partial<Capacity>]>([[llama, { kvCacheTokens: 4096, maxSequences: 4 }], [vllm, { kvCacheMiB: 4096, maxSequences: 64 }], [custom, { kvCacheTokens: 1000, maxSequences: 8 }]])('$recipe', (spec, expected) => {
    expect(declaredCapacity(spec)).toEqual({ ...NOTHING, ...expected })
  })
})

describe('memoryNeededMiB', () => {
  it.each<[string, EngineSpec, number | null, number | null, number | null]>([
    ['an absolute KV size', vllm, 1500, 81920, 1500 + 4096 + 2048],
    ['the same, weights not known', vllm, null, 81920, null],
    ['a share of the GPU', { ...vllm, kvCacheMemoryMiB: null }, null, 10_000, 3000],
    ["vLLM's own share", { ...vllm, kvCacheMemoryMiB: null, gpuMemoryUtilization: null }, null, 10_000, 9200],
    ['a share of a GPU whose size is not known', { ...vllm, kvCacheMemoryMiB: null }, 5, null, null],
    ['llama-server, whose KV cache depends on the model', llama, 1500, 81920, null],
    ['a share in a custom command', custom, null, 10_000, 5000],
    ['a custom command that does not say', { ...custom, argv: ['serve', '{port}'] }, 1500, 10_000, null],
    ['no GPU at all', { ...llama, gpuUuid: null }, null, null, 0],
  ])('%s', (_, spec, weightsMiB, totalMiB, expected) => {
    expect(memoryNeededMiB(spec, weightsMiB, totalMiB)).toBe(expected)
  })
})

it.each<[EngineSpec, string | null, object]>([
  [llama, 'a.gguf', { ignore_eos: true }], [vllm, 'Qwen/Qwen3-0.6B', { ignore_eos: true }], [custom, 'm', { ignore_eos: true }], [{ ...custom, argv: ['x'], openAi: false }, null, {}],
])('model and end token of $recipe', (spec, model, fields) => {
  expect(modelOf(spec)).toBe(model)
  expect(ignoreEosFields(spec)).toEqual(fields)
})
