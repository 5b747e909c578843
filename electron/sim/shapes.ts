// The models that the simulated workstation knows: shapes as published, by the names they have on the hub. No weights anywhere.

export interface Shape {
  layers: number
  hidden: number
  intermediate: number
  vocabulary: number
  parameters: number
  /** Every layer at full length, also those with a sliding window. */
  kvBytesPerToken: number
  /** Longest context, tokens. */
  maxModelTokens: number
  /** What a step costs the engine's host, against a Qwen2.5: vLLM's path for a multimodal model does more in Python. */
  hostFactor: number
}

export const SHAPES = {
  '0.5b': { layers: 24, hidden: 896, intermediate: 4864, vocabulary: 151936, parameters: 0.494e9, kvBytesPerToken: 12 * 1024, maxModelTokens: 32_768, hostFactor: 1 },
  '1.5b': { layers: 28, hidden: 1536, intermediate: 8960, vocabulary: 151936, parameters: 1.544e9, kvBytesPerToken: 28 * 1024, maxModelTokens: 32_768, hostFactor: 1 },
  '3b': { layers: 36, hidden: 2048, intermediate: 11008, vocabulary: 151936, parameters: 3.086e9, kvBytesPerToken: 36 * 1024, maxModelTokens: 32_768, hostFactor: 1 },
  '7b': { layers: 28, hidden: 3584, intermediate: 18944, vocabulary: 152064, parameters: 7.615e9, kvBytesPerToken: 56 * 1024, maxModelTokens: 32_768, hostFactor: 1 },
  'gemma-3-4b': { layers: 34, hidden: 2560, intermediate: 10240, vocabulary: 262144, parameters: 3.88e9, kvBytesPerToken: 136 * 1024, maxModelTokens: 131_072, hostFactor: 3.35 },
} as const satisfies Record<string, Shape>
export type ShapeName = keyof typeof SHAPES

const HUB = [
  { pattern: /^(?:Qwen\/)?Qwen2\.5-(0\.5|1\.5|3|7)B(?:-Instruct)?$/i, shape: (size: string) => `${size}b` },
  { pattern: /^(?:google\/)?gemma-3-(4b)(?:-it|-pt)?$/i, shape: (size: string) => `gemma-3-${size}` },
] as const

/** `Qwen/Qwen2.5-0.5B-Instruct`, or short: `0.5b`. null: not known here. */
export function shapeOf(model: string): ShapeName | null {
  const names = [model, ...HUB.map(({ pattern, shape }) => shape(pattern.exec(model)?.[1] ?? ''))]
  return names.find((name): name is ShapeName => Object.hasOwn(SHAPES, name)) ?? null
}

/** Held by each process for its CUDA context, and by an engine for activations and captured graphs: 1.5 GiB together. */
export const CONTEXT_MIB = 512
export const ACTIVATIONS_MIB = 1024
/** Tokens per KV block; capacities are whole blocks. */
export const KV_BLOCK_TOKENS = 16

export const weightsMiB = (model: ShapeName): number => Math.ceil((2 * SHAPES[model].parameters) / 2 ** 20)

export const kvBlocks = (model: ShapeName, kvMiB: number): number =>
  Math.max(0, Math.floor((kvMiB * 2 ** 20) / (SHAPES[model].kvBytesPerToken * KV_BLOCK_TOKENS)))
