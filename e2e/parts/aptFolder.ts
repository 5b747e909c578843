// A folder of unpacked Debian packages, fetched once with checked signatures, without root and without any system change.
// It unpacks only: no maintainer script ever runs, so nothing that a postinst would link or generate exists in it.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AptIndex, indexName, type Suite } from './aptIndex.ts'
import { cacheFolder, withLock } from './cacheFolder.ts'

const execute = promisify(execFile)

export interface AptNeed extends Suite {
  /** Also the folder's name, so a few plain words: `nvidia-535`. */
  readonly name: string
  readonly packages: readonly string[]
  /** Take everything they depend on too, less what matches: packages that the program never opens. */
  readonly closureWithout?: RegExp
}

export interface AptFolder {
  readonly name: string
  /** Holds `usr/…` as the packages would have put it under `/`. */
  readonly root: string
  /** Package → version, for reports and for asserting behaviour that depends on it. */
  readonly versions: Readonly<Record<string, string>>
  readonly downloadedBytes: number
  /** How long the fetch took when it happened, which may have been in an earlier run. */
  readonly fetchSeconds: number
}

/** Everything already unpacked for `need`, or null. Touches no network and waits for nobody. */
export async function presentFolder(need: AptNeed): Promise<AptFolder | null> {
  const folder = folderOf(need)
  // contents.json is written last and the folder renamed after it: where it stands, all of it stands.
  const written = await readFile(join(folder, 'contents.json'), 'utf8').catch(() => null)
  return written === null ? null : { ...(JSON.parse(written) as Omit<AptFolder, 'root'>), root: join(folder, 'root') }
}

/** Unpacks `need` into the cache unless it is there. Safe to call from any number of processes at once. */
export async function aptFolder(need: AptNeed): Promise<AptFolder> {
  const present = await presentFolder(need)
  if (present) return present
  return withLock(`apt-${indexName(need)}`, async () => (await presentFolder(need)) ?? (await fetchFolder(need)))
}

function folderOf(need: AptNeed): string {
  const wanted = [need.suite, need.components, need.packages, need.closureWithout?.source ?? null]
  const edition = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 8)
  return join(cacheFolder(), `${need.name}-${edition}`)
}

async function fetchFolder(need: AptNeed): Promise<AptFolder> {
  const started = performance.now()
  const folder = folderOf(need)
  // One fixed name, guarded by the lock: what an interrupted run left here is removed by the next.
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  console.error(`overlap-parts: fetching ${need.name} from Debian ${need.suite} into ${folder}`)
  const debs = join(draft, 'debs')
  await downloadInto(need, debs)
  const files = (await readdir(debs)).filter((name) => name.endsWith('.deb')).map((name) => join(debs, name))
  const versions = await unpackAll(files, join(draft, 'root'))
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size))
  await rm(debs, { recursive: true })
  const contents: Omit<AptFolder, 'root'> = {
    name: need.name,
    versions,
    downloadedBytes: sizes.reduce((sum, size) => sum + size, 0),
    fetchSeconds: Math.round((performance.now() - started) / 100) / 10,
  }
  await writeFile(join(draft, 'contents.json'), `${JSON.stringify(contents, null, 1)}\n`)
  await rm(folder, { recursive: true, force: true })
  await rename(draft, folder)
  const own = need.packages.map((name) => `${name} ${versions[name]}`).join(', ')
  console.error(`overlap-parts: fetched ${own} (${(contents.downloadedBytes / 1e6).toFixed(1)} MB, ${contents.fetchSeconds} s)`)
  return { ...contents, root: join(folder, 'root') }
}

async function downloadInto(need: AptNeed, debs: string): Promise<void> {
  const index = new AptIndex(need)
  const attempt = async (force: boolean): Promise<void> => {
    await rm(debs, { recursive: true, force: true })
    await index.refresh(force)
    const without = need.closureWithout
    const names = without ? (await index.closure(need.packages)).filter((name) => !without.test(name)) : need.packages
    await index.download(names, debs)
  }
  // The second attempt reads the lists anew: between two updates a suite may replace a package and delete its old file.
  await attempt(false).catch(() => attempt(true)).catch((cause: unknown) => {
    throw new Error(`cannot fetch ${need.name} (${need.packages.join(' ')}) from Debian ${need.suite}`, { cause })
  }).finally(() => index.discardCache())
}

async function unpackAll(files: readonly string[], root: string): Promise<Record<string, string>> {
  await mkdir(root, { recursive: true })
  const versions: Record<string, string> = {}
  const waiting = [...files]
  const unpack = async (): Promise<void> => {
    for (let file = waiting.pop(); file; file = waiting.pop()) {
      await execute('dpkg-deb', ['--extract', file, root])
      const { stdout } = await execute('dpkg-deb', ['--show', '--showformat', '${Package} ${Version}', file])
      const [name = '', version = ''] = stdout.split(' ')
      versions[name] = version
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, unpack))
  return Object.fromEntries(Object.entries(versions).sort(([one], [other]) => one.localeCompare(other)))
}
