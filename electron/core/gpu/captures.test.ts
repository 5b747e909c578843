// Every captured output of the real nvidia-smi binaries against values written by hand; and every column once with a wrong cell, which must show.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseComplaint } from './parseComplaint.ts'
import { parseGpm, type GpmRow } from './parseDmon.ts'
import { parsePmon, type PmonRow } from './parsePmon.ts'
import { parseIdentity, parseQuery, queryMetrics } from './parseQuery.ts'
import { parseTableHeader, parseTableRow, type TableHeader } from './parseTable.ts'
import type { ReadLine } from './readLine.ts'
import { QUERY_FIELDS } from './smi.ts'

const FOLDER = fileURLToPath(new URL('./fixtures/captures/', import.meta.url))
const VERSIONS = ['535', '550', '580'] as const
const tested = new Set<string>(['README.md'])

function capture(name: string): string[] {
  tested.add(name)
  return readFileSync(FOLDER + name, 'utf8').replace(/\n$/, '').split('\n')
}

/** Reads a scrolling table as the streams do. */
function readTable<Row>(lines: readonly string[], parse: (header: TableHeader | null, line: string) => ReadLine<Row>): { rows: Row[]; bad: string[]; header: TableHeader | null } {
  let header: TableHeader | null = null
  const rows: Row[] = []
  const bad: string[] = []
  for (const line of lines) {
    const next = parseTableHeader(header, line)
    if (next !== null) {
      header = next
      continue
    }
    const read = parse(header, line)
    if (read.kind === 'row') rows.push(read.row)
    if (read.kind === 'bad') bad.push(line)
  }
  return { rows, bad, header }
}

const FULL_FIELDS = ('index,uuid,name,pci.bus_id,driver_version,compute_mode,mig.mode.current,persistence_mode,pstate,utilization.gpu,utilization.memory,memory.total,'
  + 'memory.used,memory.free,power.draw,enforced.power.limit,temperature.gpu,temperature.memory,clocks.current.sm,clocks.current.memory,pcie.link.gen.current,'
  + 'ecc.errors.uncorrected.volatile.total').split(',')
const FREE_TEXT = ['name', 'compute_mode', 'mig.mode.current', 'persistence_mode', 'pstate', 'pcie.link.gen.current', 'ecc.errors.uncorrected.volatile.total']

const IDENTITY = {
  index: 0, uuid: 'GPU-01000100-0000-0000-0000-000000000000', name: 'NVIDIA H100 80GB HBM3', pciBusId: '00000000:1A:00.0', driverVersion: '550.163.01',
  memoryTotalMiB: 81920, computeMode: 'Default', migMode: 'Disabled', persistenceMode: 'Enabled', computeCapability: null,
}
const value = (number: number) => ({ value: number, missing: null })
const METRICS = {
  kernelBusyPercent: value(93), memoryControllerBusyPercent: value(61), memoryUsedMiB: value(0), memoryTotalMiB: value(81920), powerWatts: value(95),
  powerLimitWatts: { value: null, missing: 'driverError' }, // 0.00 W, which no board has
  temperatureCelsius: value(34), smClockMHz: value(345), memoryClockMHz: value(1593),
}

describe.each(VERSIONS)('--query-gpu of %s', (version) => {
  it('gives identity and metrics', () => {
    const read = parseQuery(FULL_FIELDS, capture(`query-gpu-nounits.${version}.csv`)[0] ?? '')
    if (read.kind !== 'row') throw new Error(JSON.stringify(read))
    expect(parseIdentity(read.row)).toEqual(IDENTITY)
    expect(queryMetrics(read.row)).toEqual(METRICS)
  })

  it.each(FULL_FIELDS.map((field, at) => ({ field, at })))('shows a wrong cell under $field', ({ field, at }) => {
    const line = capture(`query-gpu-nounits.${version}.csv`)[0] ?? ''
    const right = parseQuery(FULL_FIELDS, line)
    const withCell = (cell: string) => parseQuery(FULL_FIELDS, line.split(', ').with(at, cell).join(', '))
    expect(withCell('12')).not.toEqual(right)
    expect(withCell('').kind).toBe('bad')
    if (!FREE_TEXT.includes(field)) expect(withCell('9~3').kind).toBe('bad')
  })

  it('refuses a line that was cut, and a line with a cell too many', () => {
    const line = capture(`query-gpu-nounits.${version}.csv`)[0] ?? ''
    for (const at of [1, 10, 60, 120, line.lastIndexOf(',')]) expect(parseQuery(FULL_FIELDS, line.slice(0, at)).kind).toBe('bad')
    expect(parseQuery(FULL_FIELDS, `${line}, 0`).kind).toBe('bad')
  })

  it('reads the short list of a stream', () => {
    const lines = capture(`query-gpu-lms500.${version}.csv`)
    const fields = ['timestamp', 'index', 'utilization.gpu', 'memory.used', 'power.draw']
    const rows = lines.map((line) => parseQuery(fields, line))
    expect(rows).toHaveLength(6)
    const first = { 535: '08:59:12.019', 550: '08:59:23.315', 580: '08:59:35.685' }[version]
    expect(rows[0]).toEqual({ kind: 'row', row: { timestamp: `2026/11/23 ${first}`, index: '0', 'utilization.gpu': '93', 'memory.used': '0', 'power.draw': '95.00' } })
    expect(rows.every((row) => row.kind === 'row')).toBe(true)
    for (const [at, wrong] of ['2026/11/23', '-', '101', '0 MiB', '95.00 W'].entries()) {
      expect(parseQuery(fields, (lines[0] ?? '').split(', ').with(at, wrong).join(', ')).kind).toBe('bad')
    }
  })

  it('refuses output with header and units instead of guessing', () => {
    const lines = capture(`query-gpu.${version}.csv`)
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(parseQuery(FULL_FIELDS, line).kind).toBe('bad')
  })

  it('says why single values are missing', () => {
    const [line = '', exit] = capture(`query-gpu-partial.${version}.txt`)
    expect(exit).toBe('exit 0')
    const read = parseQuery(FULL_FIELDS, line)
    if (read.kind !== 'row') throw new Error(JSON.stringify(read))
    const temperature = version === '580' ? value(34) : { value: null, missing: 'noPermission' }
    expect(queryMetrics(read.row)).toEqual({ ...METRICS, powerWatts: { value: null, missing: 'notSupported' }, temperatureCelsius: temperature })
  })

  it('says that a GPU is lost, whatever else the row contains', () => {
    const [line = '', exit] = capture(`query-gpu-lost.${version}.txt`)
    expect(exit).toBe('exit 0')
    const read = parseQuery(FULL_FIELDS, line)
    if (read.kind !== 'row') throw new Error(JSON.stringify(read))
    expect(parseIdentity(read.row)).toBeNull()
    expect(new Set(Object.values(queryMetrics(read.row)).map(({ missing }) => missing))).toEqual(new Set(['gpuLost']))
    // bracketed cells are values of rows, not the tool's complaint
    expect(parseComplaint([line], 0)).toBeNull()
  })

  it.each(['partial', 'lost'])('shows a wrong cell under every field of query-gpu-%s', (what) => {
    const line = capture(`query-gpu-${what}.${version}.txt`)[0] ?? ''
    for (const [at, field] of FULL_FIELDS.entries()) {
      const changed = parseQuery(FULL_FIELDS, line.split(', ').with(at, '[Unknown Error]').join(', '))
      expect(changed, field).toEqual({ kind: 'row', row: expect.objectContaining({ [field]: '[Unknown Error]' }) })
      expect(changed, field).not.toEqual(parseQuery(FULL_FIELDS, line))
      if (what === 'partial' && !FREE_TEXT.includes(field)) expect(parseQuery(FULL_FIELDS, line.split(', ').with(at, '9~3').join(', ')).kind, field).toBe('bad')
    }
  })

  it('names the field that is not valid', () => {
    const lines = capture(`query-gpu-badfield.${version}.txt`)
    expect(lines.at(-1)).toBe('exit 2')
    expect(parseComplaint(lines.slice(0, -1), 2)).toMatchObject({ unknownField: 'nosuchfield', unsupported: true, fault: { code: 'UNREADABLE_OUTPUT' } })
  })

  it('knows every field that is asked for', () => {
    const known = capture(`help-query-gpu.${version}.txt`).flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]))
    for (const field of QUERY_FIELDS) expect(known).toContain(field)
  })
})

const PROCESSES: PmonRow[] = [
  { gpuIndex: 0, pid: 1201, type: 'G', usedMemoryMiB: 180, name: 'Xorg' },
  { gpuIndex: 0, pid: 4700, type: 'C', usedMemoryMiB: 30, name: 'nvidia-cuda-mps' },
  { gpuIndex: 0, pid: 4711, type: 'M+C', usedMemoryMiB: 40960, name: 'python3 -m vllm' },
  { gpuIndex: 0, pid: 4712, type: 'M+C', usedMemoryMiB: 8192, name: 'llama-server' },
  { gpuIndex: 0, pid: 5001, type: 'C', usedMemoryMiB: 6000, name: 'ollama runner' },
]

/** The line with its nth word exchanged, spaces kept. */
const withWord = (line: string, at: number, word: string): string => {
  let seen = -1
  return line.replace(/\S+/g, (old) => ((seen += 1) === at ? word : old))
}

describe.each(VERSIONS)('pmon -s um of %s', (version) => {
  const lines = capture(`pmon-um.${version}.txt`)

  it('gives the processes, twice', () => {
    const { rows, bad } = readTable(lines, parsePmon)
    expect(rows).toEqual([...PROCESSES, ...PROCESSES])
    expect(bad).toEqual([])
  })

  it('shows a wrong cell under every column', () => {
    const { header } = readTable(lines, parsePmon)
    const line = lines[4] ?? '' // 4711
    const right = parsePmon(header, line)
    const columns = header?.columns ?? []
    expect(columns).toHaveLength(version === '535' ? 10 : 12)
    for (const [at, column] of columns.entries()) {
      expect(parseTableRow(header, withWord(line, at, '7')), column).not.toEqual(parseTableRow(header, line))
      if (['gpu', 'pid', 'type', 'fb', 'command'].includes(column)) expect(parsePmon(header, withWord(line, at, '7')), column).not.toEqual(right)
      if (column !== 'command') expect(parsePmon(header, withWord(line, at, '~')).kind, column).toBe('bad')
    }
  })

  it('reads its header again, also in the middle of a sample, and refuses rows before any', () => {
    const again = [...lines.slice(0, 4), ...lines.slice(0, 2), ...lines.slice(4)]
    expect(readTable(again, parsePmon).rows).toEqual([...PROCESSES, ...PROCESSES])
    expect(readTable(lines.slice(2), parsePmon)).toMatchObject({ rows: [], bad: lines.slice(2) })
  })

  it('takes new columns from a new header', () => {
    const all = VERSIONS.flatMap((each) => capture(`pmon-um.${each}.txt`).slice(0, 7))
    expect(readTable(all, parsePmon)).toMatchObject({ rows: [...PROCESSES, ...PROCESSES, ...PROCESSES], bad: [] })
  })

  it('refuses a row under the header of another driver', () => {
    const other = capture(`pmon-um.${version === '535' ? '550' : '535'}.txt`)
    const { header } = readTable(other.slice(0, 2), parsePmon)
    // a command of several words can look like more cells, so the cells must be of the right kind too
    for (const line of lines.slice(2, 7)) expect(parsePmon(header, line).kind === 'bad' || !PROCESSES.some((row) => JSON.stringify(row) === JSON.stringify(parsePmon(header, line)))).toBe(true)
  })

  it('reads a GPU without processes as exactly that', () => {
    const { header } = readTable(lines.slice(0, 2), parsePmon)
    const dashes = `    0 ${'      -'.repeat((header?.columns.length ?? 0) - 1)}`
    expect(parsePmon(header, dashes)).toEqual({ kind: 'row', row: { gpuIndex: 0, pid: null, type: null, usedMemoryMiB: null, name: '-' } })
  })
})

const gpm = (sm: number | null, dram: number | null): GpmRow => ({ gpuIndex: 0, smActivityPercent: sm, dramBandwidthPercent: dram })

describe.each(VERSIONS)('dmon --gpm-metrics of %s', (version) => {
  const lines = capture(`dmon-gpm.${version}.txt`)

  it('gives SM activity and DRAM bandwidth; the first rows are not measured yet', () => {
    const { rows, bad } = readTable(lines, parseGpm)
    const first = { 535: [gpm(null, null), gpm(null, null)], 550: [gpm(0, 0), gpm(93, 61)], 580: [gpm(null, null), gpm(93, 61)] }[version]
    expect(rows).toEqual([...first, gpm(93, 61), gpm(93, 61), gpm(93, 61)])
    expect(bad).toEqual([])
  })

  it('shows a wrong cell under every column', () => {
    const { header } = readTable(lines, parseGpm)
    const line = lines[5] ?? ''
    for (const [at, column] of (header?.columns ?? []).entries()) {
      expect(parseTableRow(header, withWord(line, at, '7')), column).not.toEqual(parseTableRow(header, line))
      expect(parseGpm(header, withWord(line, at, '~')).kind, column).toBe('bad')
      if (['gpu', 'id=2', 'id=10'].includes(column)) expect(parseGpm(header, withWord(line, at, '7')), column).not.toEqual(parseGpm(header, line))
      if (['id=2', 'id=10'].includes(column)) expect(parseGpm(header, withWord(line, at, '193')).kind, column).toBe('bad')
    }
  })

  it('knows the names that a real driver prints', () => {
    const named = lines.map((line) => line.replace('id=2 ', 'smutil').replace('id=3 ', 'smocc').replace('id=5 ', 'mmaact').replace('id=10', 'dram').replaceAll('GPM', 'GPM:%'))
    expect(readTable(named, parseGpm).rows).toEqual(readTable(lines, parseGpm).rows)
  })

  it('refuses plain dmon tables: they have no GPM columns, and mem is not DRAM bandwidth', () => {
    for (const name of [`dmon-pucvmet.${version}.txt`, `dmon-u-oDT.${version}.txt`]) {
      const { rows, bad } = readTable(capture(name), parseGpm)
      expect(rows).toEqual([])
      expect(bad).toHaveLength(name.includes('oDT') ? 2 : 3)
    }
  })
})

describe('dmon columns that are not used', () => {
  it.each(VERSIONS)('are still told apart by name in %s', (version) => {
    const all = readTable(capture(`dmon-pucvmet.${version}.txt`), parseTableRow).rows
    expect(all).toHaveLength(3)
    expect(all[0]).toEqual({
      gpu: '0', pwr: '95', gtemp: '34', mtemp: '32', sm: '93', mem: '61', enc: '0', dec: '0', jpg: '0', ofa: '0', mclk: '1593', pclk: '345', pviol: '0', tviol: '0',
      fb: '0', bar1: '0', ccpm: '-', sbecc: '0', dbecc: '0', pci: '0', rxpci: '0', txpci: '0',
    })
    const time = { 535: '08:59:21', 550: '08:59:32', 580: '08:59:44' }[version]
    expect(readTable(capture(`dmon-u-oDT.${version}.txt`), parseTableRow).rows[0]).toEqual({
      Date: '20261123', Time: time, gpu: '0', sm: '93', mem: '61', enc: '0', dec: '0', jpg: '0', ofa: '0',
    })
  })

  it.each(VERSIONS.flatMap((version) => [`dmon-pucvmet.${version}.txt`, `dmon-u-oDT.${version}.txt`]))('%s: one wrong cell changes its own column and no other', (name) => {
    const lines = capture(name)
    const { header, rows: [right] } = readTable(lines, parseTableRow)
    for (const [at, column] of (header?.columns ?? []).entries()) {
      expect(parseTableRow(header, withWord(lines[2] ?? '', at, '777'))).toEqual({ kind: 'row', row: { ...right, [column]: '777' } })
    }
  })
})

describe('formats that are not used', () => {
  const names = readdirSync(FOLDER).filter((name) => /^(compute-apps|dmon-csv|dmon-h|pmon-h|list|version|q-x)\./.test(name))

  it.each(names)('%s gives no row in any parser', (name) => {
    const lines = capture(name)
    for (const parse of [(line: string) => parseQuery(QUERY_FIELDS, line), (line: string) => parseQuery(FULL_FIELDS, line)]) {
      expect(lines.filter((line) => parse(line).kind === 'row')).toEqual([])
    }
    expect(readTable(lines, parsePmon).rows).toEqual([])
    expect(readTable(lines, parseGpm).rows).toEqual([])
  })

  it.each(names.filter((name) => /^(dmon-h|pmon-h)/.test(name)))('%s, printed instead of rows and with exit code 0, is a refusal for good', (name) => {
    expect(parseComplaint(capture(name).slice(-12), 0)).toMatchObject({ unsupported: true, fault: { code: 'COMMAND_FAILED' } })
  })
})

describe('refusals of the whole command', () => {
  it.each(VERSIONS)('mismatch of %s', (version) => {
    const lines = capture(`mismatch.${version}.txt`)
    expect(lines.at(-1)).toBe('exit 18')
    const complaint = parseComplaint(lines.slice(0, -1), 18)
    expect(complaint).toMatchObject({ unsupported: false, fault: { code: 'DRIVER_UNREACHABLE', detail: 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.163' } })
    expect(complaint?.fault.sentence).toContain('different versions')
  })

  it('no driver', () => {
    const lines = capture('no-driver.535.txt')
    expect(lines.at(-1)).toBe('exit 9')
    expect(parseComplaint(lines.slice(0, -1), 9)).toMatchObject({ unsupported: false, fault: { code: 'DRIVER_UNREACHABLE', sentence: 'nvidia-smi cannot reach the NVIDIA driver.' } })
  })
})

it('no capture is left untested', () => {
  expect(readdirSync(FOLDER).filter((name) => !tested.has(name))).toEqual([])
})
