// The scrolling tables of dmon and pmon. Pure. Columns and widths differ between drivers, and the header comes again every 44 rows,
// also in the middle of a sample: names are taken from each header, never from positions.
import { notARow, type ReadLine } from './readLine.ts'

export type TableCells = Readonly<Record<string, string>>

export interface TableHeader {
  readonly columns: readonly string[]
}

/** The header after a `#` line: new at a line of names, the same at a line of units; null: the line is neither. */
export function parseTableHeader(before: TableHeader | null, line: string): TableHeader | null {
  if (!line.startsWith('#')) return null
  const words = line.slice(1).trim().split(/\s+/)
  if (words.includes('gpu')) return { columns: words }
  return before
}

/** A row as text cells by column name. A `command` column is last and keeps its spaces. */
export function parseTableRow(header: TableHeader | null, line: string): ReadLine<TableCells> {
  if (header === null) return notARow(line, 'a row before any header')
  const { columns } = header
  const words = line.trim().split(/\s+/)
  if (columns.at(-1) === 'command' && words.length > columns.length) words.splice(columns.length - 1, Infinity, restOf(line, columns.length - 1))
  if (words.length !== columns.length) return notARow(line, `${words.length} cells under ${columns.length} columns`)
  return { kind: 'row', row: Object.fromEntries(columns.map((name, at) => [name, words[at] ?? ''])) }
}

/** What follows the first `count` words, with its inner spaces as printed. Linear in the length of the line, whatever it is. */
function restOf(line: string, count: number): string {
  return line.slice(new RegExp(`^\\s*(?:\\S+\\s+){${count}}`).exec(line)?.[0].length ?? 0).trimEnd()
}

/** `-` is a missing value. undefined: not a number. */
export function tableNumber(cell: string | undefined): number | null | undefined {
  if (cell === '-') return null
  return cell !== undefined && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined
}

/** Cell by cell, all columns but `apart` must be numbers or `-`. The first that is not; null: all are. */
export function firstOdd(cells: TableCells, apart: readonly string[]): string | null {
  return Object.keys(cells).find((name) => !apart.includes(name) && tableNumber(cells[name]) === undefined) ?? null
}
