// Which Debian mirror and which keyring a private apt may use, read from this machine's own configuration.
// Reads only; the configuration that apt then gets is written in aptIndex.ts.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const DEBIAN_SUITE = /^(bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable)(-updates|-backports)?$/

/** The mirror everybody can reach, behind whatever apt proxy this machine configures. */
const PUBLIC_MIRROR = 'http://deb.debian.org/debian'

interface Entry {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
}

/** Mirrors to try, best first: the machine's own (often the only one its network allows), then the public one. */
export function debianMirrors(aptFolder = '/etc/apt'): readonly string[] {
  const own = entries(aptFolder)
    .filter((entry) => entry.suites.some((suite) => DEBIAN_SUITE.test(suite)))
    .flatMap((entry) => entry.uris)
    .filter((uri) => /^https?:/.test(uri) && !/debian-security|ubuntu/.test(uri))
    .map((uri) => uri.replace(/\/+$/, ''))
  return [...new Set([...own, PUBLIC_MIRROR])]
}

/** Debian's keyring, or null: without it no signature can be checked, and unsigned packages are never taken. */
export function debianKeyring(): string | null {
  const places = ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp'].map((name) => join('/usr/share/keyrings', name))
  return places.find((path) => existsSync(path)) ?? null
}

function entries(aptFolder: string): readonly Entry[] {
  const parts = join(aptFolder, 'sources.list.d')
  const names = existsSync(parts) ? readdirSync(parts).sort() : []
  const lists = [join(aptFolder, 'sources.list'), ...names.filter((name) => name.endsWith('.list')).map((name) => join(parts, name))]
  const stanzas = names.filter((name) => name.endsWith('.sources')).map((name) => join(parts, name))
  return [...lists.flatMap((path) => parseList(text(path))), ...stanzas.flatMap((path) => parseStanzas(text(path)))]
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** `deb [signed-by=…] http://mirror/debian bookworm main` */
export function parseList(content: string): readonly Entry[] {
  return content.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line)
    return found ? [{ uris: [found[1] ?? ''], suites: [found[2] ?? ''] }] : []
  })
}

/** deb822: stanzas parted by empty lines, a value may go on in indented lines, `#` lines may stand anywhere. */
export function parseStanzas(content: string): readonly Entry[] {
  const lines = content.split('\n').filter((line) => !line.startsWith('#'))
  return lines.join('\n').split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] => {
      const found = new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)
      return (found?.[1] ?? '').split(/\s+/).filter(Boolean)
    }
    if (!field('Types').includes('deb') || field('Enabled')[0]?.toLowerCase() === 'no') return []
    return [{ uris: field('URIs'), suites: field('Suites') }]
  })
}
