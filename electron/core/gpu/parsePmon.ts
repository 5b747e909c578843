// Rows of `nvidia-smi pmon -s um`. Pure. Its sm column is not taken: under MPS the server carries what its clients do.
import { bad, type ReadLine } from './readLine.ts'
import { firstOdd, parseTableRow, tableNumber, type TableHeader } from './parseTable.ts'

export interface PmonRow {
  gpuIndex: number
  /** null: this GPU has no process. */
  pid: number | null
  /** C, G, M+C, C+G … */
  type: string | null
  usedMemoryMiB: number | null
  name: string
}

export function parsePmon(header: TableHeader | null, line: string): ReadLine<PmonRow> {
  const read = parseTableRow(header, line)
  if (read.kind !== 'row') return read
  const cells = read.row
  const gpuIndex = tableNumber(cells['gpu'])
  const pid = tableNumber(cells['pid'])
  const type = cells['type']
  if (gpuIndex === undefined || gpuIndex === null || !Number.isInteger(gpuIndex)) return bad('no GPU index')
  if (pid === undefined || type === undefined) return bad('no pid or type')
  if (type !== '-' && !/^[A-Z](\+[A-Z])*$/.test(type)) return bad(`no process type is “${type.slice(0, 20)}”`)
  const odd = firstOdd(cells, ['type', 'command', 'Date', 'Time'])
  if (odd !== null) return bad(`${odd} is not a number`)
  return {
    kind: 'row',
    row: {
      gpuIndex, pid,
      type: type === '-' ? null : type,
      usedMemoryMiB: tableNumber(cells['fb']) ?? null,
      name: cells['command'] ?? '',
    },
  }
}
