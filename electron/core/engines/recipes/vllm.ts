// vLLM's OpenAI server, `vllm serve`. Values that a spec leaves out are vLLM's own. The process on the GPU is its child EngineCore.
import type { VllmSpec } from '../../../../shared/engine.ts'
import { argumentAfter, hostArguments, refuseFarHost, refuseOwnFlags, type Recipe } from './recipe.ts'

const OWN_FLAGS = [
  '--port', '--model', '--gpu-memory-utilization', '--kv-cache-memory-bytes', '--kv-cache-memory', '--max-num-seqs', '--max-model-len',
  '--async-scheduling', '--no-async-scheduling', '--stream-interval',
]
const BYTES_PER_MIB = 1024 * 1024
/**
 * At its start vLLM refuses to load unless this share of the whole GPU is free, also where the size of the KV cache is given and
 * the share is not used for anything else: with its own 0.92 no second engine would ever start.
 */
const NO_SHARE = 0.05

export const vllm: Recipe<VllmSpec> = {
  check(spec) {
    refuseOwnFlags(spec.extraArguments, OWN_FLAGS)
    refuseFarHost(spec.extraArguments)
  },
  argv: (spec, port) => [
    spec.executable, 'serve', spec.model,
    ...hostArguments(spec.extraArguments),
    '--port', String(port),
    ...flag('--gpu-memory-utilization', spec.gpuMemoryUtilization ?? (spec.kvCacheMemoryMiB === null ? null : NO_SHARE)),
    ...flag('--kv-cache-memory-bytes', spec.kvCacheMemoryMiB === null ? null : spec.kvCacheMemoryMiB * BYTES_PER_MIB),
    ...flag('--max-num-seqs', spec.maxSequences),
    ...flag('--max-model-len', spec.maxModelTokens),
    ...(spec.asyncScheduling === null ? [] : [spec.asyncScheduling ? '--async-scheduling' : '--no-async-scheduling']),
    ...flag('--stream-interval', spec.streamIntervalTokens),
    ...spec.extraArguments,
  ],
  doors: (spec) => ({
    healthPath: '/health',
    openAi: true,
    metricsPath: '/metrics',
    apiKey: argumentAfter(spec.extraArguments, ['--api-key']) ?? spec.env['VLLM_API_KEY'] ?? null,
  }),
}

const flag = (name: string, value: number | null): string[] => (value === null ? [] : [name, String(value)])
