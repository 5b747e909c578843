// Where the fetched third-party programs live on this machine, and the lock that two test processes share.
// Not a place for anything of ours that must survive: the folder may be deleted at any moment and is fetched again.

import { spawn } from 'node:child_process'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** `$OVERLAP_PARTS`, else `${XDG_CACHE_HOME:-~/.cache}/overlap-parts`. Absolute: wrappers and ELF files below name it. */
export function cacheFolder(): string {
  const chosen = process.env['OVERLAP_PARTS']
  if (chosen) return resolve(chosen)
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'overlap-parts')
}

/**
 * Runs `work` while this process alone holds `<cache>/<name>.lock`, also against other processes of the machine.
 * The kernel holds the lock through a `flock` child that lives exactly as long as its stdin: a killed test run frees it
 * at once, which no lock file with a pid in it can promise.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = join(cacheFolder(), `${name}.lock`)
  await mkdir(dirname(path), { recursive: true })
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((done) => holder.once('close', () => done()))
  holder.stdin.on('error', () => undefined)
  await new Promise<void>((held, failed) => {
    holder.stdout.once('data', () => held())
    holder.once('error', (cause) => failed(new Error(`cannot lock ${path}: flock (util-linux) did not start`, { cause })))
    holder.once('exit', (code) => failed(new Error(`cannot lock ${path}: flock ended with ${code}`)))
  })
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}

/** Puts a whole file in place, or leaves the right one untouched: a reader in another process never sees half of it. */
export async function placeFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const wanted = Buffer.from(content)
  const present = await readFile(path).catch(() => null)
  if (present?.equals(wanted)) return
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.draft`
  await writeFile(draft, wanted, { mode })
  await rename(draft, path)
}

/** One word of a `#!/bin/sh` line, safe for any path. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
