// A small language model of random weights: real work for a real engine, with nothing to download.
// It knows no language. It answers printable nonsense, the same for the same seed.

import { gguf, type GgufValue, type Tensor } from './gguf.ts'

export interface ModelShape {
  readonly layers: number
  readonly width: number
  readonly feedForward: number
  readonly heads: number
  readonly kvHeads: number
}

/** About 2 MB a layer. */
const SMALL: ModelShape = { layers: 4, width: 256, feedForward: 1024, heads: 4, kvHeads: 2 }

/** Architecture qwen2, one token per byte, F16. A token takes about as long as there are layers. */
export function randomModel(seed = 1, differing: Partial<ModelShape> = {}): Buffer {
  const vocabulary = byteVocabulary()
  const shape = { ...SMALL, ...differing }
  return gguf(describe(vocabulary, shape), weights(vocabulary, shape, randomBits(seed)))
}

interface Token {
  readonly text: string
  readonly control: boolean
  /** Only these may win: a lone byte above 127 is half a character, and a server holds it back instead of sending it. */
  readonly printable: boolean
}

/** The 256 bytes in GPT-2's spelling (printable ones as themselves, the others from U+0100 up), then the control tokens. */
function byteVocabulary(): readonly Token[] {
  let spare = 0x100
  const bytes = Array.from({ length: 256 }, (_, byte): Token => {
    const itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    const text = String.fromCodePoint(itself ? byte : spare)
    if (!itself) spare += 1
    return { text, control: false, printable: byte >= 32 && byte <= 126 }
  })
  const control = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
  return [...bytes, ...control.map((text): Token => ({ text, control: true, printable: false }))]
}

function describe(vocabulary: readonly Token[], { layers, width, feedForward, heads, kvHeads }: ModelShape): Record<string, GgufValue> {
  const endOfText = vocabulary.findIndex((token) => token.text === '<|endoftext|>')
  return {
    'general.architecture': { string: 'qwen2' },
    'general.name': { string: 'Overlap random weights' },
    'general.file_type': { uint32: 1 },
    'qwen2.block_count': { uint32: layers },
    'qwen2.context_length': { uint32: 32_768 },
    'qwen2.embedding_length': { uint32: width },
    'qwen2.feed_forward_length': { uint32: feedForward },
    'qwen2.attention.head_count': { uint32: heads },
    'qwen2.attention.head_count_kv': { uint32: kvHeads },
    'qwen2.attention.layer_norm_rms_epsilon': { float32: 1e-6 },
    'qwen2.rope.freq_base': { float32: 1_000_000 },
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: 'qwen2' },
    'tokenizer.ggml.tokens': { strings: vocabulary.map((token) => token.text) },
    'tokenizer.ggml.token_type': { int32s: vocabulary.map((token) => (token.control ? 3 : 1)) },
    'tokenizer.ggml.merges': { strings: [] },
    'tokenizer.ggml.eos_token_id': { uint32: endOfText },
    'tokenizer.ggml.bos_token_id': { uint32: endOfText },
    'tokenizer.ggml.add_bos_token': { bool: false },
  }
}

function weights(vocabulary: readonly Token[], { layers, width, feedForward, heads, kvHeads }: ModelShape, next: () => number): readonly Tensor[] {
  const kvWidth = (width / heads) * kvHeads
  const matrix = (name: string, columns: number, rows: number): Tensor => {
    return { name, shape: [columns, rows], type: 'F16', bytes: randomHalves(columns * rows, next) }
  }
  const blocks = Array.from({ length: layers }, (_, layer) => `blk.${layer}`).flatMap((block) => [
    even(`${block}.attn_norm.weight`, width, 1),
    matrix(`${block}.attn_q.weight`, width, width),
    even(`${block}.attn_q.bias`, width, 0),
    matrix(`${block}.attn_k.weight`, width, kvWidth),
    even(`${block}.attn_k.bias`, kvWidth, 0),
    matrix(`${block}.attn_v.weight`, width, kvWidth),
    even(`${block}.attn_v.bias`, kvWidth, 0),
    matrix(`${block}.attn_output.weight`, width, width),
    even(`${block}.ffn_norm.weight`, width, 1),
    matrix(`${block}.ffn_gate.weight`, width, feedForward),
    matrix(`${block}.ffn_up.weight`, width, feedForward),
    matrix(`${block}.ffn_down.weight`, feedForward, width),
  ])
  const output = matrix('output.weight', width, vocabulary.length)
  // A row of zeros scores 0, and of a hundred random scores many are higher: what is not printable does not win.
  vocabulary.forEach((token, row) => {
    if (!token.printable) output.bytes.fill(0, row * width * 2, (row + 1) * width * 2)
  })
  return [matrix('token_embd.weight', width, vocabulary.length), ...blocks, even('output_norm.weight', width, 1), output]
}

/** mulberry32: 32 random bits per call. */
function randomBits(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}

/** F16 values of magnitude 1/64 to 1/8, composed from random bits: sign, one of three exponents, ten bits of fraction. */
function randomHalves(count: number, next: () => number): Buffer {
  const bytes = Buffer.alloc(count * 2)
  for (let at = 0; at < bytes.length; at += 2) {
    const bits = next()
    const exponent = 9 + (((bits >>> 11) & 0xffff) % 3)
    bytes.writeUInt16LE(((bits >>> 31) << 15) | (exponent << 10) | (bits & 0x3ff), at)
  }
  return bytes
}

function even(name: string, length: number, value: number): Tensor {
  return { name, shape: [length], type: 'F32', bytes: Buffer.from(new Float32Array(length).fill(value).buffer) }
}
