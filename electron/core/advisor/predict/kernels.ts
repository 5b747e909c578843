// Time of one forward step of a transformer with the GPU to itself, kernel by kernel. Fitted to NVIDIA aiconfigurator's tables (vLLM 0.24,
// H100 SXM, dense bf16): GEMM within 12.5 % on average, decode attention 7.9 %, prefill attention 15.6 %. Elementwise and sampler: guesses.
import type { Card } from './cards.ts'
import { ELEMENT_BYTES, type Shape } from './shapes.ts'

export interface Workload {
  phase: 'decode' | 'prefill'
  /** Sequences of one engine in one step. */
  batch: number
  /** decode: mean context of a sequence. prefill: tokens of a prompt. */
  contextTokens: number
  /** A model without its MLPs or without its attention: ablation. */
  only?: 'attention' | 'mlp'
}

/** What one kernel costs, or the same kernel of every layer summed. Seconds with the GPU to itself. */
interface Cost {
  seconds: number
  /** At the highest rate of the tensor cores that this kind of kernel reaches, and of DRAM: what cannot be shared away. */
  computeSeconds: number
  memorySeconds: number
  /** Between kernels: the GPU is empty. */
  gapSeconds: number
  flops: number
  bytes: number
  /** How near the kernel comes to its compute peak, 0…1. */
  saturation: number
}
export interface Op extends Cost {
  kind: 'gemm' | 'attention' | 'elementwise'
  part: 'attention' | 'mlp' | 'other'
}

/** One step: G, C and M of the model are gpuSeconds, computeSeconds and memorySeconds. */
export interface Step {
  ops: readonly Op[]
  gpuSeconds: number
  computeSeconds: number
  memorySeconds: number
  flops: number
  bytes: number
  /** Shares of gpuSeconds. */
  attentionShare: number
  mlpShare: number
}

const REACHABLE_BANDWIDTH = 0.92
const KERNEL_GAP_S = 1e-6
const GEMM = {
  launchSeconds: 3.05e-6, compute: 0.878, bandwidth: 0.83,
  /** Rows and columns of a tile, and its share of the compute peak. */
  tiles: [[64, 64, 0.36], [64, 128, 0.48], [128, 128, 0.985], [128, 256, 1]],
} as const
const DECODE = { launchSeconds: 10.7e-6, waveSeconds: 2.66e-6, bandwidth: 0.917, sharpness: 1.1, perHeadDim: 0.335, compute: 0.6 } as const
const PREFILL = { launchSeconds: 12.1e-6, compute: 0.576, reachable: 0.66, halfTokens: 373, blockSeconds: 3.34e-6, blockTokens: 128 } as const
const ELEMENTWISE = { launchSeconds: 2e-6, bandwidth: 0.75, kernels: 5 } as const
const SAMPLER = { launchSeconds: 60e-6, bandwidth: 0.75, bytesPerLogit: 14, kernels: 20 } as const

const sumOf = <Item>(items: readonly Item[], pick: (item: Item) => number): number => items.reduce((sum, item) => sum + pick(item), 0)

function times(cost: Cost, count: number): Cost {
  const { seconds, computeSeconds, memorySeconds, gapSeconds, flops, bytes, saturation } = cost
  return { seconds: count * seconds, computeSeconds: count * computeSeconds, memorySeconds: count * memorySeconds, gapSeconds: count * gapSeconds, flops: count * flops, bytes: count * bytes, saturation }
}

function plus(a: Cost, b: Cost): Cost {
  return {
    seconds: a.seconds + b.seconds, computeSeconds: a.computeSeconds + b.computeSeconds, memorySeconds: a.memorySeconds + b.memorySeconds,
    gapSeconds: a.gapSeconds + b.gapSeconds, flops: a.flops + b.flops, bytes: a.bytes + b.bytes, saturation: a.saturation,
  }
}

/** (rows × depth) · (depth × columns): the best of four tiles in whole waves, or DRAM. */
function gemm(card: Card, rows: number, columns: number, depth: number): Cost {
  const perMultiprocessor = card.flopsPerSecond / card.multiprocessors
  const tiled = GEMM.tiles.map(([tileRows, tileColumns, efficiency]) => {
    const tiles = Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns)
    const split = tiles < card.multiprocessors ? Math.max(1, Math.min(4, Math.floor(card.multiprocessors / tiles), depth / 512)) : 1
    return (Math.ceil(tiles / card.multiprocessors) * ((2 * tileRows * tileColumns * depth) / split)) / (perMultiprocessor * GEMM.compute * efficiency)
  })
  const flops = 2 * rows * columns * depth
  const bytes = ELEMENT_BYTES * (rows * depth + depth * columns + rows * columns)
  const seconds = GEMM.launchSeconds + Math.max(Math.min(...tiled), bytes / (card.bytesPerSecond * GEMM.bandwidth))
  const computeSeconds = flops / (card.flopsPerSecond * GEMM.compute)
  return { seconds, computeSeconds, memorySeconds: bytes / card.bytesPerSecond / REACHABLE_BANDWIDTH, gapSeconds: KERNEL_GAP_S, flops, bytes, saturation: computeSeconds / seconds }
}

function decodeAttention(card: Card, shape: Shape, batch: number, contextTokens: number): Cost {
  const bytes = 2 * ELEMENT_BYTES * batch * contextTokens * shape.kvHeads * shape.headDim
  const flops = 4 * batch * shape.heads * shape.headDim * contextTokens
  const waves = ((DECODE.waveSeconds * (batch * shape.kvHeads)) / card.multiprocessors) * (1 + DECODE.perHeadDim * (shape.headDim / 128 - 1))
  const body = (waves ** DECODE.sharpness + (bytes / (card.bytesPerSecond * DECODE.bandwidth)) ** DECODE.sharpness) ** (1 / DECODE.sharpness)
  return {
    seconds: DECODE.launchSeconds + body, computeSeconds: flops / (card.flopsPerSecond * DECODE.compute), memorySeconds: bytes / (card.bytesPerSecond * REACHABLE_BANDWIDTH),
    gapSeconds: 2 * KERNEL_GAP_S, flops, bytes, saturation: 0,
  }
}

/** `attended`: tokens that a layer looks back at; the whole prompt where it has no window, then half of it on average. */
function prefillAttention(card: Card, shape: Shape, batch: number, promptTokens: number, attended: number): Cost {
  const flops = 4 * batch * shape.heads * shape.headDim * promptTokens * (attended < promptTokens ? attended : promptTokens / 2)
  const blocks = batch * shape.heads * Math.ceil(promptTokens / PREFILL.blockTokens)
  const fill = Math.min(1, blocks / card.multiprocessors)
  const rate = ((card.flopsPerSecond * PREFILL.compute * promptTokens) / (promptTokens + PREFILL.halfTokens)) * fill
  const bytes = ELEMENT_BYTES * batch * promptTokens * (2 * shape.heads + 2 * shape.kvHeads) * shape.headDim
  return {
    seconds: PREFILL.launchSeconds + flops / rate + (blocks * PREFILL.blockSeconds) / card.multiprocessors,
    computeSeconds: flops / (card.flopsPerSecond * PREFILL.reachable), memorySeconds: bytes / (card.bytesPerSecond * REACHABLE_BANDWIDTH),
    gapSeconds: 2 * KERNEL_GAP_S, flops, bytes, saturation: 0,
  }
}

/** Of all layers: those without a window, and the local ones. */
function attention(card: Card, shape: Shape, { phase, batch, contextTokens }: Workload): Cost {
  const layer = (attended: number): Cost =>
    phase === 'decode' ? decodeAttention(card, shape, batch, attended) : prefillAttention(card, shape, batch, contextTokens, attended)
  const globalLayers = shape.globalLayers ?? shape.layers
  const full = times(layer(contextTokens), globalLayers)
  const all = globalLayers === shape.layers ? full : plus(full, times(layer(Math.min(contextTokens, shape.window ?? contextTokens)), shape.layers - globalLayers))
  return phase === 'decode' ? all : { ...all, saturation: all.computeSeconds / all.seconds }
}

/** Memory-bound work without tensor cores. */
const streaming = (card: Card, kind: { launchSeconds: number; bandwidth: number; kernels: number }, bytes: number, launches: number): Cost => ({
  seconds: launches * kind.launchSeconds + bytes / (card.bytesPerSecond * kind.bandwidth), computeSeconds: 0, memorySeconds: bytes / (card.bytesPerSecond * REACHABLE_BANDWIDTH),
  gapSeconds: kind.kernels * KERNEL_GAP_S, flops: 0, bytes, saturation: 0,
})

function opsOf(card: Card, shape: Shape, workload: Workload): Op[] {
  const { hidden, layers, heads, kvHeads, headDim, intermediate, vocabulary } = shape
  const { phase, batch, contextTokens, only } = workload
  const rows = phase === 'decode' ? batch : batch * contextTokens
  const projection = (columns: number, depth: number, part: Op['part']): Op => ({ ...times(gemm(card, rows, columns, depth), layers), kind: 'gemm', part })
  const attentionOps: Op[] = only === 'mlp' ? [] : [
    projection((heads + 2 * kvHeads) * headDim, hidden, 'attention'),
    { ...attention(card, shape, workload), kind: 'attention', part: 'attention' },
    projection(hidden, heads * headDim, 'attention'),
  ]
  const mlpOps: Op[] = only === 'attention' ? [] : [projection((shape.mlpMatrices - 1) * intermediate, hidden, 'mlp'), projection(hidden, intermediate, 'mlp')]
  const elementwiseBytes = ELEMENT_BYTES * rows * (8 * hidden + 3 * intermediate + 2 * (heads + 2 * kvHeads) * headDim)
  return [
    ...attentionOps, ...mlpOps,
    { ...times(streaming(card, ELEMENTWISE, elementwiseBytes, ELEMENTWISE.kernels), layers), kind: 'elementwise', part: 'other' },
    { ...gemm(card, batch, vocabulary, hidden), kind: 'gemm', part: 'other' },
    { ...streaming(card, SAMPLER, batch * vocabulary * SAMPLER.bytesPerLogit, 1), kind: 'elementwise', part: 'other' },
  ]
}

/** One step of one engine, alone on the GPU. prefill: all prompts of the batch in one pass. */
export function stepOf(card: Card, shape: Shape, workload: Workload): Step {
  const ops = opsOf(card, shape, workload)
  const gpuSeconds = sumOf(ops, ({ seconds }) => seconds)
  const shareOf = (part: Op['part']): number => sumOf(ops, (op) => (op.part === part ? op.seconds : 0)) / gpuSeconds
  return {
    ops, gpuSeconds,
    computeSeconds: sumOf(ops, ({ computeSeconds }) => computeSeconds), memorySeconds: sumOf(ops, ({ memorySeconds }) => memorySeconds),
    flops: sumOf(ops, ({ flops }) => flops), bytes: sumOf(ops, ({ bytes }) => bytes), attentionShare: shareOf('attention'), mlpShare: shareOf('mlp'),
  }
}
