// Lines of `--query-gpu=… --format=csv,noheader,nounits`. Pure. Not for output with headers or units: those are bad lines.
import type { GpuIdentity, Missing, MetricKey } from '../../../shared/gpu.ts'
import { bad, missingBecause, missingReason, notARow, type Reading, type ReadLine } from './readLine.ts'

/** field → cell as printed. */
export type QueryCells = Readonly<Record<string, string>>

export type QueryMetric = Exclude<MetricKey, 'smActivityPercent' | 'dramBandwidthPercent'>

const NUMBER = /^\d+(\.\d+)?$/
const percent = (cell: string) => NUMBER.test(cell) && Number(cell) <= 100
const amount = (cell: string) => NUMBER.test(cell)
const whole = (cell: string) => /^\d+$/.test(cell)

/** What a present cell must look like. Fields that are not listed are free text. */
const SHAPES: Readonly<Record<string, (cell: string) => boolean>> = {
  uuid: (cell) => /^GPU-[\w-]+$/.test(cell),
  index: whole,
  timestamp: (cell) => /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(cell),
  'pci.bus_id': (cell) => /^[0-9A-F]{4,8}:[0-9A-F]{2}:[0-9A-F]{2}\.[0-9A-F]$/i.test(cell),
  driver_version: (cell) => /^\d+(\.\d+)+$/.test(cell),
  compute_cap: (cell) => /^\d+\.\d+$/.test(cell),
  'utilization.gpu': percent,
  'utilization.memory': percent,
  'memory.total': amount,
  'memory.used': amount,
  'memory.free': amount,
  'power.draw': amount,
  'enforced.power.limit': amount,
  'temperature.gpu': whole,
  'temperature.memory': whole,
  'clocks.sm': whole,
  'clocks.current.sm': whole,
  'clocks.mem': whole,
  'clocks.current.memory': whole,
}

/** One printed line against the fields that were asked for. */
export function parseQuery(fields: readonly string[], line: string): ReadLine<QueryCells> {
  const cells = line.trim().split(', ')
  if (cells.length !== fields.length) return notARow(line, `${cells.length} cells where ${fields.length} were asked for`)
  const row: Record<string, string> = {}
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? ''
    const cell = (cells[at] ?? '').trim()
    if (missingReason(cell) === null && (cell === '' || !(SHAPES[field]?.(cell) ?? true))) return bad(`${field} cannot be “${cell.slice(0, 60)}”`)
    row[field] = cell
  }
  return { kind: 'row', row }
}

const SOURCES: Readonly<Record<QueryMetric, readonly string[]>> = {
  kernelBusyPercent: ['utilization.gpu'],
  memoryControllerBusyPercent: ['utilization.memory'],
  memoryUsedMiB: ['memory.used'],
  memoryTotalMiB: ['memory.total'],
  powerWatts: ['power.draw'],
  powerLimitWatts: ['enforced.power.limit'],
  temperatureCelsius: ['temperature.gpu'],
  smClockMHz: ['clocks.sm', 'clocks.current.sm'],
  memoryClockMHz: ['clocks.mem', 'clocks.current.memory'],
}
export const QUERY_METRICS = Object.keys(SOURCES) as QueryMetric[]

/** Why a GPU cannot be read at all; null when it can. A lost GPU cannot even say its UUID. */
export function lostReason(cells: QueryCells): Missing | null {
  return missingReason(cells['uuid'] ?? '[N/A]')
}

/** The metrics of one row; a field that was not asked for is notSupported. */
export function queryMetrics(cells: QueryCells): Record<QueryMetric, Reading> {
  const lost = lostReason(cells)
  return Object.fromEntries(QUERY_METRICS.map((key) => [key, lost === null ? reading(key, cells) : missingBecause(lost)])) as Record<QueryMetric, Reading>
}

function reading(key: QueryMetric, cells: QueryCells): Reading {
  const field = SOURCES[key].find((name) => cells[name] !== undefined)
  const cell = field === undefined ? undefined : cells[field]
  if (cell === undefined) return missingBecause('notSupported')
  const missing = missingReason(cell)
  if (missing !== null) return missingBecause(missing)
  const value = Number(cell)
  // no board runs under a limit of 0 W, and none has 0 MiB: the tool prints that when the driver gave nothing
  if (value === 0 && (key === 'powerLimitWatts' || key === 'memoryTotalMiB')) return missingBecause('driverError')
  return { value, missing: null }
}

/** Who the GPU of a row is; null when the row does not say. `gpm` is not known from here. */
export function parseIdentity(cells: QueryCells): Omit<GpuIdentity, 'gpm'> | null {
  const text = (field: string): string | null => {
    const cell = cells[field]
    return cell === undefined || missingReason(cell) !== null ? null : cell
  }
  const uuid = text('uuid')
  const index = text('index')
  if (uuid === null || index === null) return null
  return {
    index: Number(index),
    uuid,
    name: text('name') ?? 'NVIDIA GPU',
    pciBusId: text('pci.bus_id'),
    driverVersion: text('driver_version'),
    memoryTotalMiB: reading('memoryTotalMiB', cells).value,
    computeMode: text('compute_mode'),
    migMode: text('mig.mode.current'),
    persistenceMode: text('persistence_mode'),
    computeCapability: text('compute_cap'),
  }
}
