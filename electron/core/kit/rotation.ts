// What keeps a file small that is only ever appended to: beyond the limit it gets a second name, in the place of the one before it.
import { renameSync, statSync } from 'node:fs'

const ROTATE_BYTES = 5 * 1024 * 1024

/** `ledger.jsonl` → `ledger.1.jsonl` */
export const olderPath = (path: string): string => path.replace(/(\.\w+)?$/, '.1$1')

/** Before so many bytes are appended. True: the file was set aside, and whoever holds it open must open a new one. */
export function makeRoom(path: string, bytes = 0): boolean {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) + bytes <= ROTATE_BYTES) return false
  renameSync(path, olderPath(path))
  return true
}
