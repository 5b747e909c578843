// What an engine can hold: as its spec declares it, and as the engine itself said when it loaded. Parity of arms is judged by it. Pure.
import type { CustomSpec, EngineSpec } from '../../../shared/engine.ts'
import { argumentAfter } from './recipes/recipe.ts'

export interface Capacity {
  kvCacheTokens: number | null
  kvCacheMiB: number | null
  /** Most requests worked on at once. */
  maxSequences: number | null
  version: string | null
}

/** --gpu-memory-utilization of vLLM since 2026; 0.9 before. */
const VLLM_UTILIZATION = 0.92
/** CUDA context, activations and CUDA graphs of an engine beside weights and KV cache; a rule of thumb. */
const BESIDE_MIB = 2048

/** As terminals read it: ESC [ 32 m. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

const NOTHING: Capacity = { kvCacheTokens: null, kvCacheMiB: null, maxSequences: null, version: null }

export function declaredCapacity(spec: EngineSpec): Capacity {
  switch (spec.recipe) {
    case 'llamaServer':
      return { ...NOTHING, kvCacheTokens: spec.contextTokens, maxSequences: spec.slots }
    case 'vllm':
      return { ...NOTHING, kvCacheMiB: spec.kvCacheMemoryMiB, maxSequences: spec.maxSequences }
    case 'custom':
      return { ...NOTHING, kvCacheTokens: spec.kvTokens, maxSequences: spec.sequences }
  }
}

/** `lines`: its log since this start. A custom command may be either kind of engine. Null: it did not say. */
export function capacityFromLog(spec: EngineSpec, lines: readonly string[]): Capacity {
  const plain = lines.map((line) => line.replace(COLOUR, ''))
  if (spec.recipe === 'llamaServer') return llamaSaid(plain)
  const vllm = vllmSaid(plain)
  return spec.recipe === 'custom' && Object.values(vllm).every((value) => value === null) ? llamaSaid(plain) : vllm
}

function vllmSaid(lines: readonly string[]): Capacity {
  const gib = numberIn(lines, /reserved ([\d.]+) ?GiB memory for KV Cache/i) ?? numberIn(lines, /Available KV cache memory: ([\d.]+) ?GiB/i)
  return {
    kvCacheTokens: numberIn(lines, /GPU KV cache size: ([\d,]+) tokens/i),
    kvCacheMiB: gib === null ? null : Math.round(gib * 1024),
    maxSequences: numberIn(lines, /max_num_seqs['"]?\s*[:=]\s*(\d+)/),
    version: lastIn(lines, /vLLM API server version v?(\d\S*)/) ?? lastIn(lines, /LLM engine \(v(\d[^)]*)\)/),
  }
}

/** Builds differ in what they print: the whole context, or the slots and each one's context. */
function llamaSaid(lines: readonly string[]): Capacity {
  const slots = numberIn(lines, /\bn_slots = (\d+)/)
  const perSlot = numberIn(lines, /\bn_ctx_slot = (\d+)/)
  const shared = lastIn(lines, /\bkv_unified = '?(true|false)/) === 'true'
  return {
    kvCacheTokens: numberIn(lines, /^.*\bllama_\w+: n_ctx\s+= (\d+)/) ?? (slots === null || perSlot === null ? null : perSlot * (shared ? 1 : slots)),
    kvCacheMiB: numberIn(lines, /llama_kv_cache\w*: size =\s+([\d.]+) MiB/),
    maxSequences: slots,
    version: lastIn(lines, /\b(?:build|version): (\d+ \([0-9a-f]+\))/),
  }
}

/** In the last line that has it: an engine that begins anew inside one run says it again. */
function lastIn(lines: readonly string[], pattern: RegExp): string | null {
  return pattern.exec(lines.findLast((line) => pattern.test(line)) ?? '')?.[1] ?? null
}

function numberIn(lines: readonly string[], pattern: RegExp): number | null {
  const written = lastIn(lines, pattern)
  return written === null ? null : Number(written.replaceAll(',', ''))
}

/** Of its GPU, before it is started. Null: cannot be told from the spec; no guess. */
export function memoryNeededMiB(spec: EngineSpec, weightsMiB: number | null, memoryTotalMiB: number | null): number | null {
  if (spec.gpuUuid === null) return 0
  if (spec.recipe === 'llamaServer') return null
  if (spec.recipe === 'vllm' && spec.kvCacheMemoryMiB !== null) return weightsMiB === null ? null : weightsMiB + spec.kvCacheMemoryMiB + BESIDE_MIB
  const fraction = spec.recipe === 'vllm' ? (spec.gpuMemoryUtilization ?? VLLM_UTILIZATION) : utilizationIn(spec)
  return fraction === null || memoryTotalMiB === null ? null : Math.ceil(fraction * memoryTotalMiB)
}

/** A custom command may be vLLM's, and say its share of the GPU. */
function utilizationIn(spec: CustomSpec): number | null {
  const fraction = Number(argumentAfter(spec.argv, ['--gpu-memory-utilization']) ?? Number.NaN)
  return fraction > 0 && fraction <= 1 && argumentAfter(spec.argv, ['--kv-cache-memory-bytes']) === null ? fraction : null
}

/** Body fields that keep it going past its end token. vLLM, SGLang and llama-server agree on the name; empty for what is no OpenAI server. */
export function ignoreEosFields(spec: EngineSpec): Record<string, unknown> {
  return spec.recipe === 'custom' && !spec.openAi ? {} : { ignore_eos: true }
}

/** vLLM's model name, the file name of a GGUF, what a custom command names with --model; null: it names none. */
export function modelOf(spec: EngineSpec): string | null {
  if (spec.recipe === 'vllm') return spec.model
  return spec.recipe === 'llamaServer' ? (spec.modelPath.split('/').at(-1) ?? null) : argumentAfter(spec.argv, ['--model'])
}
