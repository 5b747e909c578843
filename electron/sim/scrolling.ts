// `nvidia-smi dmon` and `pmon`: fixed-width tables, one row per GPU or process. Formats of 580.
import { basename } from 'node:path'
import type { Reading } from './reading.ts'

/** Data rows after which both header lines come again. */
export const HEADER_EVERY = 44

export interface Column {
  name: string
  unit: string
  width: number
  read: (reading: Reading, turn: number) => number | null
}

const column = (name: string, unit: string, read: (reading: Reading) => number | null, width = 7): Column => ({
  name, unit, width, read: (reading) => (reading.lost ? null : read(reading)),
})
const zero = () => 0

const GROUPS: Record<string, readonly Column[]> = {
  p: [
    column('pwr', 'W', ({ powerW }) => powerW),
    column('gtemp', 'C', ({ temperatureCelsius }) => temperatureCelsius),
    column('mtemp', 'C', ({ gpu, temperatureCelsius }) => (gpu.card.dataCentre ? temperatureCelsius + 9 : null)),
  ],
  u: [
    column('sm', '%', ({ kernelBusy }) => kernelBusy),
    column('mem', '%', ({ memoryBusy }) => memoryBusy),
    ...['enc', 'dec', 'jpg', 'ofa'].map((name) => column(name, '%', zero)),
  ],
  c: [column('mclk', 'MHz', ({ memoryClockMHz }) => memoryClockMHz), column('pclk', 'MHz', ({ smClockMHz }) => smClockMHz)],
  v: [column('pviol', '%', zero), column('tviol', 'bool', zero)],
  m: [column('fb', 'MB', ({ usedMemoryMiB }) => usedMemoryMiB), column('bar1', 'MB', () => 1), column('ccpm', 'MB', zero)],
  e: [column('sbecc', 'errs', zero), column('dbecc', 'errs', zero), column('pci', 'errs', zero)],
  t: [column('rxpci', 'MB/s', ({ kernelBusy }) => kernelBusy * 2), column('txpci', 'MB/s', ({ kernelBusy }) => kernelBusy)],
}

const GPM: Record<number, { name: string; read: (reading: Reading) => number }> = {
  1: { name: 'gract', read: ({ kernelBusy }) => kernelBusy },
  2: { name: 'smutil', read: ({ smActivity }) => smActivity },
  3: { name: 'smocc', read: ({ smOccupancy }) => smOccupancy },
  5: { name: 'mmaact', read: ({ tensorActivity }) => tensorActivity },
  10: { name: 'dram', read: ({ dramActivity }) => dramActivity },
}
/** Two samples make one value: the first rows have none. */
const GPM_BLIND_ROWS = 2

function gpmColumn(id: number): Column {
  const known = GPM[id]
  return {
    name: known?.name ?? `id=${id}`, unit: known ? 'GPM:%' : 'GPM', width: 11,
    read: (reading, turn) => (turn < GPM_BLIND_ROWS || reading.lost || reading.gpu.card.gpm !== 'values' ? null : (known?.read(reading) ?? 0)),
  }
}

/** null: a letter that is no group. The order is the tool's, whatever was asked. */
export function dmonColumns(groups: string, gpm: readonly number[]): Column[] | null {
  if (groups === '' || [...groups].some((letter) => !(letter in GROUPS))) return null
  return [...Object.entries(GROUPS).filter(([letter]) => groups.includes(letter)).flatMap(([, columns]) => columns), ...gpm.map(gpmColumn)]
}

export interface Stamp {
  date: boolean
  time: boolean
}

function stampOf(stamp: Stamp, nowMs: number): string {
  const at = new Date(nowMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const date = ` ${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}   `
  const time = ` ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}   `
  return `${stamp.date ? date : ''}${stamp.time ? time : ''}`
}

function headerOf(names: string, units: string, stamp: Stamp): string[] {
  if (!stamp.date && !stamp.time) return [`# gpu${names}`, `# Idx${units}`]
  const part = (date: string, time: string) => `#${stamp.date ? date.padEnd(12) : ''}${stamp.time ? time.padEnd(13) : ''}`
  return [`${part('Date', 'Time')}gpu${names}`, `${part('YYYYMMDD', 'HH:MM:SS')}Idx${units}`]
}

export function dmonHeader(columns: readonly Column[], stamp: Stamp): string[] {
  const line = (pick: (one: Column) => string) => `${columns.map((one) => pick(one).padStart(one.width)).join('')} `
  return headerOf(line((one) => one.name), line((one) => one.unit), stamp)
}

export function dmonRow(columns: readonly Column[], reading: Reading, turn: number, nowMs: number, stamp: Stamp): string {
  const cells = columns.map((one) => {
    const value = one.read(reading, turn)
    return (value === null ? '-' : String(Math.round(value))).padStart(one.width)
  })
  return `${stampOf(stamp, nowMs)}${String(reading.gpu.index).padStart(5)}${cells.join('')} `
}

const USE = [['sm', '%'], ['mem', '%'], ['enc', '%'], ['dec', '%'], ['jpg', '%'], ['ofa', '%']] as const
const MEMORY = [['fb', 'MB'], ['ccpm', 'MB']] as const

export function pmonHeader(groups: string): string[] {
  const columns = [...(groups.includes('u') ? USE : []), ...(groups.includes('m') ? MEMORY : [])]
  const names = columns.map(([name]) => name.padStart(7)).join('')
  const units = columns.map(([, unit]) => unit.padStart(7)).join('')
  return [`# gpu         pid   type${names}    command `, `# Idx           #    C/G${units}    name `]
}

/** The command as pmon shows it: base name of the program, cut to 15 characters. */
function shownCommand(command: string): string {
  return basename(command).slice(0, 15).padEnd(15)
}

export function pmonRows(groups: string, reading: Reading): string[] {
  const row = (pid: string, type: string, use: readonly string[], memory: readonly string[], command: string) => {
    const cells = [...(groups.includes('u') ? use : []), ...(groups.includes('m') ? memory : [])]
    return `${String(reading.gpu.index).padStart(5)} ${pid.padStart(10)} ${type.padStart(5)}${cells.map((cell) => cell.padStart(7)).join('')}    ${command}`
  }
  const dashes = ['-', '-', '-', '-', '-', '-']
  if (reading.lost || reading.tenants.length === 0) return [row('-', '-', dashes, ['-', '-'], '-'.padEnd(15))]
  return reading.tenants.map((tenant) => {
    const type = tenant.load?.mpsServerPid == null ? 'C' : 'M+C'
    const kernel = Math.round(reading.attributed.get(tenant.pid) ?? 0)
    const memory = Math.round(kernel * 0.6)
    const use = kernel === 0 ? dashes : [String(kernel), String(memory), '-', '-', '-', '-']
    return row(String(tenant.pid), type, use, [String(tenant.memoryMiB), '0'], shownCommand(tenant.command))
  })
}
