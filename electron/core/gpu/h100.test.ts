// True output of nvidia-smi 580.159.04 on an H100 (see fixtures/h100-580/README.md), idle and with MPS clients, against values written by hand.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { GpmReadings } from './gpmReadings.ts'
import { parseComplaint } from './parseComplaint.ts'
import { parseGpm } from './parseDmon.ts'
import { parsePmon, type PmonRow } from './parsePmon.ts'
import { parseIdentity, parseQuery, queryMetrics } from './parseQuery.ts'
import { parseTableHeader, type TableHeader } from './parseTable.ts'
import { ProcessReadings } from './processReadings.ts'
import type { ReadLine } from './readLine.ts'
import { QUERY_FIELDS } from './smi.ts'

const lines = (name: string): string[] => readFileSync(new URL(`./fixtures/h100-580/${name}`, import.meta.url), 'utf8').replace(/\n$/, '').split('\n')

function rowsOf<Row>(name: string, parse: (header: TableHeader | null, line: string) => ReadLine<Row>): Row[] {
  let header: TableHeader | null = null
  return lines(name).flatMap((line) => {
    const next = parseTableHeader(header, line)
    if (next !== null) header = next
    const read: ReadLine<Row> = next === null ? parse(header, line) : { kind: 'other' }
    if (read.kind === 'bad') throw new Error(`${name}: ${read.why}: ${line}`)
    return read.kind === 'row' ? [read.row] : []
  })
}

const FIELDS = ('timestamp,index,uuid,name,pci.bus_id,driver_version,compute_mode,mig.mode.current,persistence_mode,pstate,utilization.gpu,utilization.memory,'
  + 'memory.total,memory.used,memory.free,power.draw,enforced.power.limit,temperature.gpu,temperature.memory,clocks.sm,clocks.mem').split(',')
const value = (number: number) => ({ value: number, missing: null })

it('--query-gpu, idle', () => {
  const read = parseQuery(FIELDS, lines('query-gpu-nounits.csv')[0] ?? '')
  if (read.kind !== 'row') throw new Error(read.kind)
  expect(parseIdentity(read.row)).toEqual({
    index: 0, uuid: 'GPU-5e1f0c7a-62b4-98d3-17ac-04e9b3d85f60', name: 'NVIDIA H100 80GB HBM3', pciBusId: '00000000:00:06.0', driverVersion: '580.159.04',
    memoryTotalMiB: 81559, computeMode: 'Default', migMode: 'Disabled', persistenceMode: 'Enabled', computeCapability: null,
  })
  expect(queryMetrics(read.row)).toEqual({
    kernelBusyPercent: value(0), memoryControllerBusyPercent: value(0), memoryUsedMiB: value(0), memoryTotalMiB: value(81559), powerWatts: value(70.92),
    powerLimitWatts: value(700), temperatureCelsius: value(35), smClockMHz: value(345), memoryClockMHz: value(2619),
  })
})

it('--query-gpu, streamed: every row; with units: none', () => {
  expect(lines('query-gpu-lms500.csv').map((line) => parseQuery(FIELDS, line).kind)).toEqual(Array.from({ length: 12 }, () => 'row'))
  for (const name of ['query-gpu.csv', 'query-gpu-clients.csv']) for (const line of lines(name)) expect(parseQuery(FIELDS, line).kind).toBe('bad')
})

it('knows every field that is asked for', () => {
  const known = lines('help-query-gpu.txt').flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]))
  for (const field of QUERY_FIELDS) expect(known).toContain(field)
  expect(parseComplaint(lines('query-gpu-badfield.txt'), 2)).toMatchObject({ unknownField: 'foo' })
})

it.each([
  ['dmon-gpm.txt', [null, 0, 0, 0], [null, 0, 0, 0]],
  ['dmon-gpm-nobody.txt', [null, 0, 0], [null, 0, 0]],
  ['dmon-gpm-clients.txt', [null, 77, 77, 77, 77], [null, 41, 41, 41, 41]],
  ['dmon-gpm-nobody-clients.txt', [null, 77, 77], [null, 41, 41]],
  // as the product runs it
  ['dmon-product.txt', [null, 0, 0], [null, 0, 0]],
  ['dmon-product-clients.txt', [null, 90, 90], [null, 37, 38]],
  // row 2 has SM activity but no DRAM yet: it is among the dropped
  ['dmon-gpm-starting.txt', [null, 89, 94, 94, 94], [null, 37, 39, 39, 39]],
])('%s: values begin with the third row', (name, sm, dram) => {
  const readings = new GpmReadings()
  const seen = rowsOf(name, parseGpm).map((row, at) => {
    readings.take(row, at)
    return readings.of(0)?.row ?? null
  })
  expect(seen.slice(1).map((row) => row?.smActivityPercent ?? null)).toEqual(sm)
  expect(seen.slice(1).map((row) => row?.dramBandwidthPercent ?? null)).toEqual(dram)
  expect(readings.of(0)?.supported).toBe(true)
})

it('pmon: the MPS server and its clients', () => {
  const process = (pid: number, type: string, usedMemoryMiB: number, name = 'python3'): PmonRow => ({ gpuIndex: 0, pid, type, usedMemoryMiB, name })
  const sample = [process(528, 'C', 66, 'nvidia-cuda-mps'), process(544, 'M+C', 2936), process(545, 'M+C', 2648), process(546, 'C', 866), process(547, 'C', 866)]
  const rows = rowsOf('pmon-clients.txt', parsePmon)
  expect(rows).toEqual([...sample, ...sample, ...sample, ...sample])
  const readings = new ProcessReadings([0])
  for (const [at, row] of rows.entries()) readings.take(row, 1000 * Math.floor(at / 5))
  expect(readings.latest(4000)).toEqual(sample)
})

it('pmon: nobody', () => {
  expect(rowsOf('pmon-idle.txt', parsePmon)).toEqual([{ gpuIndex: 0, pid: null, type: null, usedMemoryMiB: null, name: '-' }])
})

it.each(['list.txt', 'version.txt', 'compute-apps.csv', 'compute-apps-clients.csv', 'q-x.xml', 'q-x-clients.xml', 'dmon-h.txt', 'pmon-h.txt', 'dmon-gpm-csv.txt', 'dmon-pucvmet.txt', 'dmon-u-oDT.txt'])('%s gives no row', (name) => {
  let header: TableHeader | null = null
  for (const line of lines(name)) {
    const next = parseTableHeader(header, line)
    if (next !== null) header = next
    else expect([parseQuery(QUERY_FIELDS, line).kind, parseGpm(header, line).kind, parsePmon(header, line).kind]).not.toContain('row')
  }
})
