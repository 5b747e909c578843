// Rows of `nvidia-smi dmon --gpm-metrics 2,10`. Pure.
import { bad, type ReadLine } from './readLine.ts'
import { firstOdd, parseTableRow, tableNumber, type TableHeader } from './parseTable.ts'
import { GPM_IDS } from './smi.ts'

export interface GpmRow {
  gpuIndex: number
  /** null: a dash. */
  smActivityPercent: number | null
  dramBandwidthPercent: number | null
}

/** The driver's short names; `id=N` where NVML gives none. */
const NAMES = {
  smActivityPercent: ['smutil', `id=${GPM_IDS.smActivityPercent}`],
  dramBandwidthPercent: ['dram', `id=${GPM_IDS.dramBandwidthPercent}`],
} as const

export function parseGpm(header: TableHeader | null, line: string): ReadLine<GpmRow> {
  const read = parseTableRow(header, line)
  if (read.kind !== 'row') return read
  const cells = read.row
  const gpuIndex = tableNumber(cells['gpu'])
  if (gpuIndex === undefined || gpuIndex === null || !Number.isInteger(gpuIndex)) return bad('no GPU index')
  const odd = firstOdd(cells, ['Date', 'Time'])
  if (odd !== null) return bad(`${odd} is not a number`)
  const value = (key: keyof typeof NAMES): number | null | undefined => {
    const name = NAMES[key].find((candidate) => cells[candidate] !== undefined)
    const number = name === undefined ? undefined : tableNumber(cells[name])
    return typeof number === 'number' && number > 100 ? undefined : number
  }
  const smActivityPercent = value('smActivityPercent')
  const dramBandwidthPercent = value('dramBandwidthPercent')
  if (smActivityPercent === undefined || dramBandwidthPercent === undefined) return bad('no GPM percentage for SM activity or DRAM')
  return { kind: 'row', row: { gpuIndex, smActivityPercent, dramBandwidthPercent } }
}
