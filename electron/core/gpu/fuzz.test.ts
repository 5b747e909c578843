// Hostile lines: whatever nvidia-smi prints, a parser answers quickly, throws nothing, and gives numbers or reasons.
import { describe, expect, it } from 'vitest'
import { LONGEST_LINE } from '../host/lines.ts'
import { parseComplaint } from './parseComplaint.ts'
import { parseGpm } from './parseDmon.ts'
import { parsePmon } from './parsePmon.ts'
import { parseIdentity, parseQuery, queryMetrics } from './parseQuery.ts'
import { parseTableHeader } from './parseTable.ts'
import { QUERY_FIELDS } from './smi.ts'

const PMON = '    0       4711    M+C     55     41      -      -      -      -  40960      0    '
const pmonHeader = parseTableHeader(null, '# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command ')
const gpmHeader = parseTableHeader(null, '# gpu    pwr  gtemp  mtemp     smutil       dram ')
const QUERY = 'GPU-01, 0, NVIDIA H100, 00000000:1A:00.0, 550.163.01, Default, Disabled, Enabled, 9.0, 81920, 0, 93, 61, 95.00, 700.00, 34, 345, 1593, 2026/11/23 08:59:12.019'
const GPM = '    0    300     50     60         77         41 '

/** What every parser makes of a line; throws where one breaks its promise. */
function readAll(line: string): void {
  const query = parseQuery(QUERY_FIELDS, line)
  if (query.kind === 'row') {
    parseIdentity(query.row)
    for (const { value, missing } of Object.values(queryMetrics(query.row))) {
      if ((value === null) === (missing === null) || (value !== null && !(Number.isFinite(value) && value >= 0))) throw new Error(`neither a number nor a reason: ${line}`)
    }
  }
  const pmon = parsePmon(pmonHeader, line)
  if (pmon.kind === 'row' && ![pmon.row.gpuIndex, pmon.row.pid ?? 0].every((number) => Number.isInteger(number) && number >= 0)) throw new Error(`no pid: ${line}`)
  const gpm = parseGpm(gpmHeader, line)
  if (gpm.kind === 'row' && ![gpm.row.smActivityPercent ?? 0, gpm.row.dramBandwidthPercent ?? 0].every((number) => number >= 0 && number <= 100)) throw new Error(`no percentage: ${line}`)
  parseTableHeader(pmonHeader, `#${line}`)
  parseComplaint([line], 3)
}

describe('hostile lines', () => {
  it.each(Object.entries({
    'a name of spaces': `${PMON}a${' '.repeat(LONGEST_LINE - 100)}b`, 'many words': PMON + 'a '.repeat(LONGEST_LINE / 2 - 50), tabs: '\t'.repeat(LONGEST_LINE), zeros: '\0'.repeat(LONGEST_LINE),
    separators: ', '.repeat(LONGEST_LINE / 2), brackets: '[]'.repeat(LONGEST_LINE / 2), dashes: '- '.repeat(LONGEST_LINE / 2), digits: '1'.repeat(LONGEST_LINE),
    'half a complaint': 'handle for GPU 0:'.repeat(LONGEST_LINE / 17), 'a field without an end': 'Field "'.repeat(LONGEST_LINE / 7), names: '__proto__, constructor, '.repeat(2000),
  }))('%s', (_, line) => {
    const before = process.cpuUsage()
    readAll(line)
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000) // quadratic: 16 s
  })

  it('rows with letters changed, lost and doubled', () => {
    let seed = 7
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) / 0x7fff_ffff
    for (let round = 0; round < 60_000; round += 1) {
      let line = [QUERY, `${PMON}python3 -m vllm`, GPM][round % 3] ?? ''
      for (let change = Math.floor(random() * 3); change >= 0; change -= 1) {
        const at = Math.floor(random() * line.length)
        const letter = String.fromCharCode(32 + Math.floor(random() * 96))
        line = [line.slice(0, at), line.slice(0, at) + letter + line.slice(at), line.slice(0, at) + letter + line.slice(at + 1), line.slice(0, at) + line.slice(at + 3)][Math.floor(random() * 4)] ?? ''
      }
      readAll(line)
    }
  })
})
