// The GGUF v3 file format: named values, then named tensors. It knows no model; randomModel.ts says what is in one.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

const ALIGNMENT = 32

export type GgufValue =
  | { readonly uint32: number }
  | { readonly float32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly int32s: readonly number[] }

export interface Tensor {
  readonly name: string
  /** Fastest-varying first: a matrix that turns `columns` inputs into `rows` outputs has shape [columns, rows]. */
  readonly shape: readonly number[]
  readonly type: 'F32' | 'F16'
  readonly bytes: Uint8Array
}

export function gguf(values: Readonly<Record<string, GgufValue>>, tensors: readonly Tensor[]): Buffer {
  const entries = Object.entries({ 'general.alignment': { uint32: ALIGNMENT }, ...values })
  const start = Buffer.concat([Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(entries.length)])
  const pairs = entries.map(([key, value]) => Buffer.concat([string(key), typed(value)]))
  let offset = 0
  const table = tensors.map(({ name, shape, type, bytes }) => {
    const at = uint64(offset)
    offset += aligned(bytes.length)
    return Buffer.concat([string(name), uint32(shape.length), ...shape.map(uint64), uint32(TENSOR_TYPE[type]), at])
  })
  return Buffer.concat([padded(Buffer.concat([start, ...pairs, ...table])), ...tensors.map(({ bytes }) => padded(bytes))])
}

const TENSOR_TYPE = { F32: 0, F16: 1 } as const
const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const

function typed(value: GgufValue): Buffer {
  if ('uint32' in value) return Buffer.concat([uint32(VALUE_TYPE.uint32), uint32(value.uint32)])
  if ('float32' in value) return Buffer.concat([uint32(VALUE_TYPE.float32), float32(value.float32)])
  if ('bool' in value) return Buffer.concat([uint32(VALUE_TYPE.bool), Buffer.from([value.bool ? 1 : 0])])
  if ('string' in value) return Buffer.concat([uint32(VALUE_TYPE.string), string(value.string)])
  if ('strings' in value) return array(VALUE_TYPE.string, value.strings.map(string))
  return array(VALUE_TYPE.int32, value.int32s.map(int32))
}

function array(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([uint32(VALUE_TYPE.array), uint32(type), uint64(items.length), ...items])
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint64(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)])
}
