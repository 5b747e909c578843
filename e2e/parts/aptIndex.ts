// A private apt: its own lists, status and cache for one Debian suite, the machine's own proxies and credentials.
// Installs nothing and never takes the system's apt or dpkg locks, so it works as any user and beside a running apt-get.

import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianKeyring, debianMirrors } from './aptSource.ts'
import { cacheFolder } from './cacheFolder.ts'

const execute = promisify(execFile)

export interface Suite {
  /** `bookworm`, `trixie`, `sid` */
  readonly suite: string
  /** `main` costs an index of 10 MB, `non-free` one of 0.1 MB: ask only for what is needed. */
  readonly components: readonly string[]
}

/** Older lists may name files that a moving suite has already deleted; younger ones save 10 MB per fetch. */
const LISTS_STAY_FRESH_MS = 6 * 3_600_000

export class AptIndex {
  readonly folder: string
  readonly #suite: Suite

  constructor(suite: Suite) {
    this.#suite = suite
    this.folder = join(cacheFolder(), 'apt', indexName(suite))
  }

  /** The caller holds the lock of this index. `force` after a download failed: sid deletes files within hours. */
  async refresh(force: boolean): Promise<void> {
    if (!force && (await this.#isFresh())) return
    const keyring = debianKeyring()
    if (!keyring) throw new Error('no Debian keyring in /usr/share/keyrings: install the package debian-archive-keyring')
    const refused: string[] = []
    for (const mirror of debianMirrors()) {
      await this.#write(mirror, keyring)
      try {
        await this.#update(mirror)
        await writeFile(join(this.folder, 'updated'), `${mirror}\n`)
        return
      } catch (failure) {
        refused.push(`${mirror}: ${explain(failure, keyring, this.#suite.suite)}`)
      }
    }
    throw new Error(`apt cannot read ${this.#suite.suite}/${this.#suite.components.join(',')}\n  ${refused.join('\n  ')}`)
  }

  /** Every package that `names` depend on, themselves included, as if nothing were installed. */
  async closure(names: readonly string[]): Promise<readonly string[]> {
    const plan = await this.apt('apt-get', ['install', '--yes', '--no-install-recommends', '--print-uris', ...names])
    return [...plan.matchAll(/^'[^']+' ([^_\s]+)_\S+\.deb /gm)].map((line) => line[1] ?? '')
  }

  async download(names: readonly string[], into: string): Promise<void> {
    await mkdir(into, { recursive: true })
    await this.apt('apt-get', ['download', ...names], into)
  }

  /** apt's binary cache spares each command of a fetch 1.5 s and then lies there with 50 MB. */
  async discardCache(): Promise<void> {
    await rm(join(this.folder, 'cache', 'pkgcache.bin'), { force: true })
  }

  async apt(tool: string, words: readonly string[], cwd = this.folder): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C' }
    // A killed test run takes its apt along: left alone it would hold apt's own lock against the next run.
    const argv = ['--pdeathsig', 'TERM', tool, '-c', join(this.folder, 'apt.conf'), ...words]
    const { stdout } = await execute('setpriv', argv, { cwd, env, maxBuffer: 64 << 20 })
    return stdout
  }

  async #update(mirror: string): Promise<void> {
    const words = ['update', '-o', 'APT::Update::Error-Mode=any']
    await this.apt('apt-get', words).catch(async (failure: unknown) => {
      const undated = /Release file for .* is (?:expired|not valid yet) \(.*\)/.exec(said(failure))?.[0]
      if (!undated) throw failure
      // A frozen mirror or a wrong clock. Old is no harm to a test, forged would be: the signatures are still checked.
      console.error(`overlap-parts: taken from ${mirror} all the same, as its signature is right: ${undated}`)
      await this.apt('apt-get', [...words, '-o', 'Acquire::Check-Valid-Until=false', '-o', 'Acquire::Check-Date=false'])
    })
  }

  async #isFresh(): Promise<boolean> {
    const updated = await stat(join(this.folder, 'updated')).catch(() => null)
    if (!updated || Date.now() - updated.mtimeMs > LISTS_STAY_FRESH_MS) return false
    // A moved or copied cache still names its old place in apt.conf.
    return (await readFile(join(this.folder, 'apt.conf'), 'utf8').catch(() => '')) === aptConf(this.folder)
  }

  async #write(mirror: string, keyring: string): Promise<void> {
    await mkdir(join(this.folder, 'lists', 'partial'), { recursive: true })
    await mkdir(join(this.folder, 'cache', 'archives', 'partial'), { recursive: true })
    await writeFile(join(this.folder, 'status'), '')
    await writeFile(join(this.folder, 'sources.list'), sourceLine(mirror, keyring, this.#suite))
    await writeFile(join(this.folder, 'apt.conf'), aptConf(this.folder))
  }
}

export function indexName(suite: Suite): string {
  return [suite.suite, ...suite.components].join('-')
}

/** `target=Packages`: no translations, icons or file lists, whatever else this machine's apt is told to collect. */
function sourceLine(mirror: string, keyring: string, { suite, components }: Suite): string {
  return `deb [arch=amd64 target=Packages signed-by=${keyring}] ${mirror} ${suite} ${components.join(' ')}\n`
}

/**
 * Given with `-c`, which apt reads after /etc/apt/apt.conf.d: proxies, credentials and certificates stay the machine's.
 * Its hooks must not: Docker images delete the system's archives after every update, desktops refresh AppStream.
 * Its pins must not either: they speak about the system, and could choose another version here.
 */
function aptConf(folder: string): string {
  // As root apt would download as the user _apt, who cannot write into a private folder.
  const asRoot = process.getuid?.() === 0 ? 'APT::Sandbox::User "root";' : ''
  return `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Default-Release "";
${asRoot}
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::Retries "3";
// An empty status file: nothing counts as installed, so a closure is complete.
Dir::State "${folder}";
Dir::State::Lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Acquire::GzipIndexes "true";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "${folder}";
`
}

function explain(failure: unknown, keyring: string, suite: string): string {
  const words = said(failure)
  if (!/NO_PUBKEY|Missing key|not signed/.test(words)) return words
  return `${keyring} does not hold the key that signs ${suite}: update the package debian-archive-keyring. apt said: ${words}`
}

function said(failure: unknown): string {
  return (failure instanceof Error && 'stderr' in failure ? String(failure.stderr) : String(failure)).trim()
}
