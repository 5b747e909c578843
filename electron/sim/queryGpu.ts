// `nvidia-smi --query-gpu` and `--query-compute-apps`: the fields, and their CSV. Formats of 580.
import type { Misbehaviour } from './scenes.ts'
import type { Reading } from './reading.ts'

export const DRIVER_VERSION = '580.159.04'

interface Field {
  names: readonly [string, ...string[]]
  unit?: '%' | 'MiB' | 'W' | 'MHz'
  read: (reading: Reading, nowMs: number, gpuCount: number) => string | number | null
}

const whole = (value: number): string => String(Math.round(value))
const none = (): null => null
const dataCentreOnly = (value: string) => (reading: Reading) => (reading.gpu.card.dataCentre ? value : null)
const throttled = (mask: string, ...names: [string, ...string[]]): Field => ({ names, read: () => mask })

/** yyyy/mm/dd hh:mm:ss.mmm in local time. */
export function timestamp(nowMs: number): string {
  const at = new Date(nowMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

const FIELDS: readonly Field[] = [
  { names: ['timestamp'], read: (_, nowMs) => timestamp(nowMs) },
  { names: ['driver_version'], read: () => DRIVER_VERSION },
  { names: ['count'], read: (_reading, _nowMs, gpuCount) => gpuCount },
  { names: ['name', 'gpu_name'], read: ({ gpu }) => gpu.card.name },
  { names: ['serial', 'gpu_serial'], read: ({ gpu }) => (gpu.card.dataCentre ? `165082300000${gpu.index}` : null) },
  { names: ['uuid', 'gpu_uuid'], read: ({ gpu }) => gpu.uuid },
  { names: ['pci.bus_id', 'gpu_bus_id'], read: ({ gpu }) => gpu.busId },
  { names: ['index'], read: ({ gpu }) => gpu.index },
  { names: ['vbios_version'], read: () => '96.00.74.00.1A' },
  { names: ['compute_mode'], read: ({ gpu }) => (gpu.exclusiveProcess ? 'Exclusive_Process' : 'Default') },
  { names: ['compute_cap'], read: ({ gpu }) => gpu.card.computeCapability },
  { names: ['mig.mode.current'], read: dataCentreOnly('Disabled') },
  { names: ['mig.mode.pending'], read: dataCentreOnly('Disabled') },
  { names: ['persistence_mode'], read: () => 'Enabled' },
  { names: ['addressing_mode'], read: () => 'HMM' },
  { names: ['accounting.mode'], read: () => 'Disabled' },
  { names: ['display_active'], read: () => 'Disabled' },
  { names: ['fan.speed'], unit: '%', read: ({ gpu }) => (gpu.card.dataCentre ? null : 30) },
  { names: ['pstate'], read: ({ smClockMHz, gpu }) => (gpu.card.dataCentre || smClockMHz > 400 ? 'P0' : 'P8') },
  { names: ['clocks_event_reasons.supported', 'clocks_throttle_reasons.supported'], read: () => '0x00000000000001FF' },
  { names: ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'], read: ({ kernelBusy }) => (kernelBusy > 0 ? '0x0000000000000000' : '0x0000000000000001') },
  { names: ['clocks_event_reasons.gpu_idle', 'clocks_throttle_reasons.gpu_idle'], read: ({ kernelBusy }) => (kernelBusy > 0 ? 'Not Active' : 'Active') },
  throttled('Not Active', 'clocks_event_reasons.sw_power_cap', 'clocks_throttle_reasons.sw_power_cap'),
  throttled('Not Active', 'clocks_event_reasons.hw_slowdown', 'clocks_throttle_reasons.hw_slowdown'),
  throttled('Not Active', 'clocks_event_reasons.hw_thermal_slowdown', 'clocks_throttle_reasons.hw_thermal_slowdown'),
  throttled('Not Active', 'clocks_event_reasons.sw_thermal_slowdown', 'clocks_throttle_reasons.sw_thermal_slowdown'),
  { names: ['memory.total'], unit: 'MiB', read: ({ gpu }) => gpu.card.memoryTotalMiB },
  { names: ['memory.reserved'], unit: 'MiB', read: ({ gpu }) => gpu.card.memoryReservedMiB },
  { names: ['memory.used'], unit: 'MiB', read: ({ usedMemoryMiB }) => usedMemoryMiB },
  { names: ['memory.free'], unit: 'MiB', read: ({ gpu, usedMemoryMiB }) => gpu.card.memoryTotalMiB - gpu.card.memoryReservedMiB - usedMemoryMiB },
  { names: ['utilization.gpu'], unit: '%', read: ({ kernelBusy }) => whole(kernelBusy) },
  { names: ['utilization.memory'], unit: '%', read: ({ memoryBusy }) => whole(memoryBusy) },
  { names: ['utilization.encoder'], unit: '%', read: () => 0 },
  { names: ['utilization.decoder'], unit: '%', read: () => 0 },
  { names: ['utilization.jpeg'], unit: '%', read: () => 0 },
  { names: ['utilization.ofa'], unit: '%', read: () => 0 },
  { names: ['temperature.gpu'], read: ({ temperatureCelsius }) => temperatureCelsius },
  { names: ['temperature.memory'], read: ({ gpu, temperatureCelsius }) => (gpu.card.dataCentre ? temperatureCelsius + 9 : null) },
  { names: ['power.draw'], unit: 'W', read: ({ powerW }) => powerW.toFixed(2) },
  { names: ['power.draw.average'], unit: 'W', read: ({ powerW }) => powerW.toFixed(2) },
  { names: ['power.draw.instant'], unit: 'W', read: ({ powerW }) => (powerW + 0.7).toFixed(2) },
  ...(['power.limit', 'enforced.power.limit', 'power.default_limit', 'power.max_limit'] as const).map((name): Field => ({ names: [name], unit: 'W', read: ({ gpu }) => gpu.card.powerLimitW.toFixed(2) })),
  { names: ['power.min_limit'], unit: 'W', read: ({ gpu }) => (gpu.card.powerLimitW / 3.5).toFixed(2) },
  { names: ['clocks.current.graphics', 'clocks.gr'], unit: 'MHz', read: ({ smClockMHz }) => smClockMHz },
  { names: ['clocks.current.sm', 'clocks.sm'], unit: 'MHz', read: ({ smClockMHz }) => smClockMHz },
  { names: ['clocks.current.memory', 'clocks.mem'], unit: 'MHz', read: ({ memoryClockMHz }) => memoryClockMHz },
  { names: ['clocks.max.sm'], unit: 'MHz', read: ({ gpu }) => gpu.card.smClockMHz },
  { names: ['clocks.max.memory', 'clocks.max.mem'], unit: 'MHz', read: ({ gpu }) => gpu.card.memoryClockMHz },
  { names: ['pcie.link.gen.current'], read: ({ gpu }) => (gpu.card.dataCentre ? 5 : 4) },
  { names: ['pcie.link.width.current'], read: () => 16 },
  { names: ['ecc.mode.current'], read: dataCentreOnly('Enabled') },
  { names: ['ecc.errors.uncorrected.volatile.total'], read: dataCentreOnly('0') },
  { names: ['gpu_recovery_action'], read: () => 'None' },
  { names: ['gom.current'], read: none },
]

const BY_NAME = new Map(FIELDS.flatMap((field) => field.names.map((name) => [name, field] as const)))
/** What a driver still answers for a GPU that fell off the bus. */
const SURVIVES = new Set(['timestamp', 'driver_version', 'count'])

export function helpQueryGpu(): string {
  const entries = FIELDS.map(({ names }) => `${names.map((name) => `"${name}"`).join(' or ')}\nSimulated.\n`)
  return `List of valid properties to query for the switch "--query-gpu":\n\n${entries.join('\n')}`
}

export interface Query {
  fields: readonly Field[]
  header: boolean
  units: boolean
}

/** The first unknown field, if any. */
export function unknownField(names: readonly string[]): string | null {
  return names.find((name) => !BY_NAME.has(name)) ?? null
}

export function queryOf(names: readonly string[], format: readonly string[]): Query {
  const fields = names.map((name) => BY_NAME.get(name)).filter((field): field is Field => field !== undefined)
  return { fields, header: !format.includes('noheader'), units: !format.includes('nounits') }
}

export function queryHeader(query: Query): string {
  return query.fields.map(({ names, unit }) => (unit ? `${names[0]} [${unit}]` : names[0])).join(', ')
}

export function queryRow(query: Query, reading: Reading, nowMs: number, gpuCount: number, misbehaviour: Misbehaviour): string {
  return query.fields.map((field) => cell(field, query.units)).join(', ')

  function cell({ names, unit, read }: Field, units: boolean): string {
    if (reading.lost && names[0] === 'enforced.power.limit') return units ? '0.00 W' : '0.00' // it is not even an error there
    if (reading.lost && !SURVIVES.has(names[0])) return '[GPU is lost]'
    if (misbehaviour.notSupported?.includes(names[0])) return '[N/A]'
    if (misbehaviour.noPermission?.includes(names[0])) return '[Insufficient Permissions]'
    const value = read(reading, nowMs, gpuCount)
    if (value === null) return '[N/A]'
    return unit && units ? `${value} ${unit}` : String(value)
  }
}

const APP_FIELDS: Record<string, { heading: string; unit?: 'MiB'; read: (reading: Reading, tenant: Reading['tenants'][number], nowMs: number) => string | number }> = {
  timestamp: { heading: 'timestamp', read: (_reading, _tenant, nowMs) => timestamp(nowMs) },
  gpu_name: { heading: 'gpu_name', read: ({ gpu }) => gpu.card.name },
  gpu_bus_id: { heading: 'gpu_bus_id', read: ({ gpu }) => gpu.busId },
  gpu_uuid: { heading: 'gpu_uuid', read: ({ gpu }) => gpu.uuid },
  pid: { heading: 'pid', read: (_, { pid }) => pid },
  process_name: { heading: 'process_name', read: (_, { command }) => command.replaceAll(',', '?') },
  used_gpu_memory: { heading: 'used_gpu_memory', unit: 'MiB', read: (_, { memoryMiB }) => memoryMiB },
}
const APP_ALIASES: Record<string, string> = { name: 'process_name', used_memory: 'used_gpu_memory' }

/** Rows of --query-compute-apps; a string is the first unknown field. */
export function computeApps(names: readonly string[], format: readonly string[], readings: readonly Reading[], nowMs: number): string[] | string {
  const fields: (typeof APP_FIELDS)[string][] = []
  for (const name of names) {
    const field = APP_FIELDS[APP_ALIASES[name] ?? name]
    if (!field) return name
    fields.push(field)
  }
  const units = !format.includes('nounits')
  const rows = readings.flatMap((reading) => (reading.lost ? [] : reading.tenants.map((tenant) =>
    fields.map(({ unit, read }) => `${read(reading, tenant, nowMs)}${unit && units ? ` ${unit}` : ''}`).join(', '))))
  return format.includes('noheader') ? rows : [fields.map(({ heading, unit }) => (unit ? `${heading} [${unit}]` : heading)).join(', '), ...rows]
}
