// A real Chromium for the browser specs: the system's, else one fetched privately.
// Not a browser for people: it must stay off the network and start the same everywhere.

import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptFolder, type AptNeed } from './aptFolder.ts'
import { placeFile, shellWord } from './cacheFolder.ts'

const execute = promisify(execFile)

export interface ChromiumParts {
  readonly version: string
  /** Needs no environment. What Playwright's `executablePath` takes. */
  readonly executablePath: string
  /** To be given always: no traffic of its own, and no sandbox only where this kernel and user cannot have one. */
  readonly args: readonly string[]
}

const SYSTEM = '/usr/bin/chromium'

/**
 * Left out of the closure: glibc (the host's is needed for everything else and loads with a newer one too), the GPU
 * drivers (SwiftShader comes inside the package), and what only maintainer scripts run.
 */
const NEVER_OPENED = [
  'libc6', 'libc-bin', 'libllvm\\d+', 'libz3-4', 'libgl1-mesa-dri', '.*icon-theme', '.*perl.*', 'systemd.*',
  'libsystemd-shared', 'libpam-systemd', 'dpkg', 'passwd', 'tar', 'procps', 'coreutils', 'util-linux.*', 'login',
  'init.*', 'mount', 'debconf', 'xdg-utils', 'x11-utils', 'xkb-data',
]

/** 159 MB in 212 packages; the whole closure would be 224 MB in 239. */
export const chromiumNeed: AptNeed = {
  name: 'chromium',
  suite: 'bookworm',
  components: ['main'],
  packages: ['chromium', 'fonts-dejavu-core'],
  closureWithout: new RegExp(`^(${NEVER_OPENED.join('|')})$`),
}

export async function hasSystemChromium(): Promise<boolean> {
  return access(SYSTEM, constants.X_OK).then(() => true, () => false)
}

/** `private` fetches one even where the system has one. */
export async function chromiumParts(choice: 'system-first' | 'private' = 'system-first'): Promise<ChromiumParts> {
  const system = choice === 'system-first' && (await hasSystemChromium())
  const executablePath = system ? SYSTEM : await privateChromium()
  const { stdout } = await execute(executablePath, ['--version', '--no-sandbox'])
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim()
  return { version, executablePath, args: [...QUIET, ...((await hasSandbox()) ? [] : ['--no-sandbox'])] }
}

const QUIET = ['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']

/** Chromium refuses root outright, and for others needs user namespaces, as the package has no setuid helper. */
async function hasSandbox(): Promise<boolean> {
  if (process.getuid?.() === 0) return false
  // With the map: Ubuntu's AppArmor lets anyone make a namespace, but an empty one.
  return execute('unshare', ['--user', '--map-root-user', 'true']).then(() => true, () => false)
}

async function privateChromium(): Promise<string> {
  const { root } = await aptFolder(chromiumNeed)
  const folder = join(root, '..')
  await placeFile(join(folder, 'fonts.conf'), fontsConf(root), 0o644)
  const executablePath = join(folder, 'bin/chromium')
  await placeFile(executablePath, wrapper(root, join(folder, 'fonts.conf')), 0o755)
  return executablePath
}

/** Without a configuration of its own fontconfig asks the host's, which on a bare machine names no font at all: pages come out without text. */
function fontsConf(root: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${root}/usr/share/fonts</dir>
  <cachedir>${root}/../font-cache</cachedir>
</fontconfig>
`
}

function wrapper(root: string, fonts: string): string {
  // The packages find the last two by absolute paths, which are not these.
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu/nss', 'usr/lib/x86_64-linux-gnu/pulseaudio']
  return `#!/bin/sh
export LD_LIBRARY_PATH=${shellWord(libraries.map((folder) => join(root, folder)).join(':'))} FONTCONFIG_FILE=${shellWord(fonts)}
exec ${shellWord(`${root}/usr/lib/chromium/chromium`)} "$@"
`
}
