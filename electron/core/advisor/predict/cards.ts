// Specifications of GPUs, from assets/gpus.json, and which row a GPU of this workstation is. Peak values, nothing measured.
import { z } from 'zod'
import table from '../../../../assets/gpus.json' with { type: 'json' }
import type { GpuIdentity } from '../../../../shared/gpu.ts'

const Source = z.enum(['confirmed', 'arithmetic', 'from memory'])
const Row = z.object({
  name: z.string(),
  /** As nvidia-smi writes them, without `NVIDIA ` in front. */
  names: z.array(z.string()).min(1),
  multiprocessors: z.number().int().positive(),
  /** Dense BF16 tensor peak, FP32 accumulation. */
  teraflops: z.number().positive(),
  memoryGB: z.number().positive(),
  bandwidthTBPerSecond: z.number().positive(),
  l2MB: z.number().positive(),
  architecture: z.enum(['ampere', 'ada', 'hopper', 'blackwell']),
  source: Source,
  exceptions: z.record(z.string(), Source).default({}),
})

/** A GPU as the prediction sees it. */
export interface Card {
  name: string
  multiprocessors: number
  flopsPerSecond: number
  bytesPerSecond: number
  memoryBytes: number
  architecture: z.infer<typeof Row>['architecture']
}

const ROWS = z.object({ about: z.string(), gpus: z.array(Row) }).parse(table).gpus

const cardFrom = ({ name, multiprocessors, teraflops, bandwidthTBPerSecond, memoryGB, architecture }: z.infer<typeof Row>): Card =>
  ({ name, multiprocessors, flopsPerSecond: teraflops * 1e12, bytesPerSecond: bandwidthTBPerSecond * 1e12, memoryBytes: memoryGB * 1e9, architecture })

export const CARDS: readonly Card[] = ROWS.map(cardFrom)

/** The whole name must be known: an `H100 NVL`, a `Laptop GPU` or a `Ti` is another card. Memory is what the driver reports, where it does. */
export function cardOf(gpu: Pick<GpuIdentity, 'name' | 'memoryTotalMiB'>): Card | null {
  const name = gpu.name.replace(/^NVIDIA /, '').trim().toLowerCase()
  const row = ROWS.find(({ names }) => names.some((candidate) => candidate.toLowerCase() === name))
  if (row === undefined) return null
  const card = cardFrom(row)
  return gpu.memoryTotalMiB === null ? card : { ...card, memoryBytes: gpu.memoryTotalMiB * 1024 * 1024 }
}
