// Says which real third-party programs this machine can have, and fetches them: `node e2e/parts/parts.ts fetch`.
// It starts none of them; each part's own module says how.

import { access, constants, readdir, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { presentFolder, type AptNeed } from './aptFolder.ts'
import { debianKeyring } from './aptSource.ts'
import { cacheFolder } from './cacheFolder.ts'
import { chromiumNeed, chromiumParts, hasSystemChromium } from './chromium.ts'
import { llamaNeed, llamaParts } from './llama.ts'
import { nginxNeed, nginxParts } from './nginx.ts'
import { nvidiaNeed, nvidiaParts } from './nvidia.ts'

export type PartName = 'nvidia-535' | 'nvidia-550' | 'llama' | 'nginx' | 'chromium'

/** null: it can be had here. Otherwise the reason why not, for a skip that everybody sees. */
export type Availability = Readonly<Record<PartName, string | null>>

const NEEDS: Readonly<Record<PartName, AptNeed>> = {
  'nvidia-535': nvidiaNeed('535'),
  'nvidia-550': nvidiaNeed('550'),
  llama: llamaNeed,
  nginx: nginxNeed,
  chromium: chromiumNeed,
}

const NAMES = Object.keys(NEEDS) as PartName[]

/** Asks the machine, not the network: where Debian's tools are, a fetch that fails is a failure and never a skip. */
export async function available(): Promise<Availability> {
  const reason = await whyNothingCanBeFetched()
  const answers = NAMES.map(async (name): Promise<[PartName, string | null]> => {
    if (name === 'chromium' && (await hasSystemChromium())) return [name, null]
    if (reason && (wrongMachine() || !(await presentFolder(NEEDS[name])))) return [name, `${name} cannot be had here: ${reason}`]
    return [name, null]
  })
  return Object.fromEntries(await Promise.all(answers)) as Availability
}

/** Debian 12's glibc. These programs are built against it or an older one; llama-server alone brings its own. */
const OLDEST_GLIBC = [2, 36] as const

function wrongMachine(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return `they are Linux x86-64 programs, this is ${process.platform} ${process.arch}`
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? '').split('.').map(Number)
  if (major === OLDEST_GLIBC[0] && minor >= OLDEST_GLIBC[1]) return null
  return `they need glibc ${OLDEST_GLIBC.join('.')} (Debian 12) or newer, this machine has ${header.glibcVersionRuntime ?? 'none'}`
}

async function whyNothingCanBeFetched(): Promise<string | null> {
  const wrong = wrongMachine()
  if (wrong) return wrong
  const tools = ['apt-get', 'dpkg-deb', 'flock', 'setpriv']
  const missing = (await Promise.all(tools.map(async (tool) => ((await onPath(tool)) ? [] : [tool])))).flat()
  if (missing.length > 0) return `they come from Debian packages, and ${missing.join(', ')} is not on PATH`
  if (!debianKeyring()) return 'packages are never taken unsigned, and there is no Debian keyring (package debian-archive-keyring)'
  return null
}

async function onPath(tool: string): Promise<boolean> {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, tool))
  const found = await Promise.all(places.map((path) => access(path, constants.X_OK).then(() => true, () => false)))
  return found.includes(true)
}

/** What the fetch of one part came to. */
interface Fetched {
  readonly name: PartName
  readonly version: string
  readonly seconds: number
  readonly downloadedBytes: number | null
  readonly diskBytes: number | null
}

const FETCH: Readonly<Record<PartName, () => Promise<string>>> = {
  'nvidia-535': async () => (await nvidiaParts('535')).version,
  'nvidia-550': async () => (await nvidiaParts('550')).version,
  llama: async () => (await llamaParts()).version,
  nginx: async () => `${(await nginxParts()).version}, wrk ${(await nginxParts()).wrkVersion}`,
  chromium: async () => (await chromiumParts()).version,
}

async function fetchPart(name: PartName): Promise<Fetched> {
  const started = performance.now()
  const version = await FETCH[name]()
  const seconds = (performance.now() - started) / 1000
  const fromSystem = name === 'chromium' && (await hasSystemChromium())
  const folder = fromSystem ? null : await presentFolder(NEEDS[name])
  const diskBytes = folder ? await bytesUnder(join(folder.root, '..')) : null
  return { name, version: fromSystem ? `${version} (system)` : version, seconds, downloadedBytes: folder?.downloadedBytes ?? null, diskBytes }
}

async function bytesUnder(folder: string): Promise<number> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(found.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function row({ name, version, seconds, downloadedBytes, diskBytes }: Fetched): string {
  const megabytes = (bytes: number | null): string => (bytes === null ? '—' : (bytes / 1e6).toFixed(1))
  return columns(name, version, megabytes(downloadedBytes), megabytes(diskBytes), seconds.toFixed(1))
}

function columns(name: string, version: string, loaded: string, disk: string, seconds: string): string {
  return [name.padEnd(12), version.padEnd(36), loaded.padStart(9), disk.padStart(9), seconds.padStart(8)].join(' ')
}

async function main(): Promise<void> {
  const [command, ...asked] = parseArgs({ allowPositionals: true }).positionals
  const wanted = asked.length > 0 ? NAMES.filter((name) => asked.includes(name)) : NAMES
  if (command !== 'fetch' || (asked.length > 0 && wanted.length < asked.length)) {
    console.error(`usage: node e2e/parts/parts.ts fetch [${NAMES.join(' | ')}]…`)
    process.exitCode = 2
    return
  }
  const reasons = await available()
  console.log(`into ${cacheFolder()}`)
  console.log(columns('part', 'version', 'MB loaded', 'MB disk', 'seconds'))
  await Promise.all(wanted.map(async (name) => {
    const reason = reasons[name]
    if (reason) return console.log(`${name.padEnd(12)} SKIPPED: ${reason}`)
    await fetchPart(name).then((fetched) => console.log(row(fetched)), (failure: unknown) => {
      process.exitCode = 1
      console.error(`${name} FAILED:`, failure)
    })
  }))
}

if (import.meta.main) await main()
