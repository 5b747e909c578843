// A small JSON document that is read and written whole. A file that cannot be understood is kept aside, never overwritten.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { FaultError, type Fault } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'

interface WholeRead<Value> {
  /** Null: there is no such file, or it was kept aside. */
  value: Value | null
  /** CONFIG_BROKEN when it was kept aside. */
  fault: Fault | null
}

/** A name beside it that is not taken. */
export function asideOf(path: string, why: 'broken' | 'changed', clock: Clock): string {
  const name = `${path}.${why}-${new Date(clock.now()).toISOString().replaceAll(':', '-')}`
  for (let at = 1; ; at += 1) {
    const free = at === 1 ? name : `${name}-${at}`
    if (!existsSync(free)) return free
  }
}

/** Throws FaultError NO_PERMISSION when the file is there and cannot be read (it may be good, and must be neither moved nor written over), or cannot be moved aside. */
export async function readWhole<Value>(path: string, schema: z.ZodType<Value>, clock: Clock): Promise<WholeRead<Value>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new FaultError('NO_PERMISSION', `The file ${path} cannot be read: ${error.message}.`, 'Make it readable for this user, or start Overlap with another folder (--state DIR).', { cause: error })
  })
  if (text === null) return { value: null, fault: null }
  try {
    return { value: schema.parse(JSON.parse(text)), fault: null }
  } catch (error) {
    const aside = asideOf(path, 'broken', clock)
    await rename(path, aside).catch((cause: Error) => {
      throw new FaultError('NO_PERMISSION', `The file ${path} is broken, and cannot be moved aside: ${cause.message}.`, 'Move or repair it by hand, or start Overlap with another folder (--state DIR).', { cause })
    })
    return {
      value: null,
      fault: {
        code: 'CONFIG_BROKEN', field: null,
        sentence: `The file ${path} cannot be used; Overlap started with defaults.`,
        hint: `It was kept as ${aside}: repair it, put it back under its old name and start Overlap again.`,
        detail: error instanceof Error ? error.message.slice(0, 2000) : String(error),
      },
    }
  }
}

/** The disk or its owner says no. Everything else that ends a write is a bug, and must stay one. */
const UNWRITABLE = /^(?:ENOSPC|EDQUOT|EFBIG|EROFS|EIO|EACCES|EPERM|ENOTDIR|EISDIR|EEXIST|SQLITE_(?:FULL|READONLY|IOERR|CANTOPEN)\w*)$/

/** What the user can do about a file of the state folder that could not be written. Other errors are given back as they are. */
export function notWritten(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && UNWRITABLE.test(String(error.code)))) return error
  return new FaultError('NOT_WRITTEN', `The file ${path} could not be written: ${error.message}.`, 'Free some space on that disk, and check that the folder and the file belong to this user; then try again.', { cause: error })
}

export const writeWhole = async (path: string, value: unknown): Promise<void> => await writeBytes(path, JSON.stringify(value, null, 2) + '\n')

/** All or nothing, also through a power cut: temporary file, fsync, rename, fsync of the folder. Mode 0600. Throws FaultError NOT_WRITTEN; the old file is as it was. */
export async function writeBytes(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(content)
      await file.sync()
    })
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw notWritten(path, error)
  }
  // Some file systems refuse to sync a folder; the rename itself is done.
  await withFile(dirname(path), 'r', (folder) => folder.sync()).catch(() => {})
}

async function withFile(path: string, flags: string, use: (file: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
