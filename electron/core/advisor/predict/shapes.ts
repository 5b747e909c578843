// Shapes of the models that the prediction knows, from assets/models.json, and which of them a name means. Dense transformers in bf16 only.
import { z } from 'zod'
import table from '../../../../assets/models.json' with { type: 'json' }

const Source = z.enum(['confirmed', 'arithmetic', 'from memory'])
const count = z.number().int().positive()

export const Shape = z.object({
  name: z.string(),
  hidden: count, layers: count, heads: count, kvHeads: count, headDim: count, intermediate: count,
  /** Padded. */
  vocabulary: count,
  /** Input and output embedding are one matrix. */
  tied: z.boolean(),
  /** Tokens that a local layer attends to; absent: every layer attends to all. */
  window: count.optional(),
  globalLayers: count.optional(),
  /** 3: gated (gate, up, down). 2: up and down. */
  mlpMatrices: z.union([z.literal(2), z.literal(3)]).default(3),
  /** Weights beside the language part, for example of a vision tower: they need memory and take no part in a text step. */
  otherParametersBillion: z.number().nonnegative().default(0),
  /** As published; the test holds it against `parametersOf`. */
  parametersBillion: z.number().positive(),
  source: Source,
  exceptions: z.record(z.string(), Source).default({}),
})
export type Shape = z.infer<typeof Shape>

export const SHAPES: readonly Shape[] = z.object({ about: z.string(), models: z.array(Shape) }).parse(table).models

/** Bytes of a weight, an activation and a KV element: bf16. */
export const ELEMENT_BYTES = 2
const MIB = 1024 * 1024

/** Weights that a text step reads, embeddings included. */
export function parametersOf(shape: Shape): number {
  const projections = shape.hidden * (shape.heads + 2 * shape.kvHeads) * shape.headDim + shape.heads * shape.headDim * shape.hidden
  const mlp = shape.mlpMatrices * shape.hidden * shape.intermediate
  return shape.layers * (projections + mlp) + (shape.tied ? 1 : 2) * shape.vocabulary * shape.hidden
}

/** Every layer at full length: local layers hold less. */
export const kvBytesPerToken = (shape: Shape): number => 2 * shape.layers * shape.kvHeads * shape.headDim * ELEMENT_BYTES

/** Weights of other formats: the model has no kernels for them, and their size does not follow from the shape. */
const REDUCED = /(^|[^a-z0-9])(i?q[2-8](_[a-z0-9]+)*|iq\d\w*|awq|gptq|int[48]|w[48]a\d+|fp[48]|nvfp4|mxfp4|bnb|[48]bit|gguf-q\d\w*)(?![a-z0-9])/

/** Whether a name says that its weights are stored in fewer than 16 bits. */
export const isReduced = (model: string): boolean => REDUCED.test(model.toLowerCase())

const plain = (text: string): string => text.toLowerCase().replace(/\.gguf$/, '').replaceAll(/[_\s]/g, '-')

function named(text: string): Shape | null {
  const found = SHAPES.filter(({ name }) => new RegExp(`(^|[^a-z0-9.])${plain(name).replaceAll('.', '\\.')}(?![a-z0-9]|\\.\\d)`).test(text))
  return found.toSorted((a, b) => b.name.length - a.name.length)[0] ?? null
}

/** The shape that a hub name, a folder or a GGUF file name means; null: not in the table. Size and family must both be named. */
export function shapeOf(model: string | null): Shape | null {
  if (model === null) return null
  return named(plain(model.split('/').at(-1) ?? '')) ?? named(plain(model))
}

/** Size of the weights in bf16; null: model unknown, or stored in another format. */
export function weightsMiBOf(model: string | null): number | null {
  const shape = shapeOf(model)
  if (shape === null || model === null || isReduced(model)) return null
  return Math.ceil(((parametersOf(shape) + shape.otherParametersBillion * 1e9) * ELEMENT_BYTES) / MIB)
}
