// What one line of a tool turned out to be, and what its cells mean. Pure; shared by all parsers of this folder.
import type { Missing } from '../../../shared/gpu.ts'

export type ReadLine<Row> =
  | { kind: 'row'; row: Row }
  | { kind: 'bad'; why: string } // should have been a row, or nobody knows what it is: counted
  | { kind: 'other' } //             header, blank, or an event text between rows: expected and without values

export const OTHER = { kind: 'other' } as const
export const bad = (why: string): { kind: 'bad'; why: string } => ({ kind: 'bad', why })

/** A number or the reason why there is none; never both, never neither. */
export type Reading = { value: number; missing: null } | { value: null; missing: Missing }
export const missingBecause = (missing: Missing): Reading => ({ value: null, missing })

/** nvidia-smi's own words for NVML errors. Brackets in CSV; bare N/A in some columns of some drivers. */
const REASONS: readonly (readonly [RegExp, Missing])[] = [
  [/^\[?(N\/A|Not Supported|Function Not Found)\]?$/i, 'notSupported'],
  [/^\[Requested functionality has been deprecated\]$/i, 'notSupported'],
  [/^\[Insufficient Permissions\]$/i, 'noPermission'],
  [/^\[GPU is lost\]$/i, 'gpuLost'],
  [/^\[GPU requires reset\]$/i, 'resetRequired'],
  [/^\[.*\]$/, 'driverError'],
]

/** Why a cell has no value; null when it has one. Hundreds a second are plain numbers. */
export function missingReason(cell: string): Missing | null {
  if (/^\d/.test(cell)) return null
  return REASONS.find(([pattern]) => pattern.test(cell))?.[1] ?? null
}

/** A line that is no row: blank, or one of the ECC and XID event texts that -l streams carry between rows; else it is bad. */
export const notARow = (line: string, why: string): { kind: 'bad'; why: string } | { kind: 'other' } =>
  line.trim() === '' || /\bxid\b|\becc\b/i.test(line) ? OTHER : { kind: 'bad', why }
