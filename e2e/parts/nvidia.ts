// NVIDIA's own nvidia-smi and MPS programs of two driver generations, for machines without a GPU and without a driver.
// Real programs, so they say the real things: nvidia-smi cannot reach a driver, the MPS server finds no device.

import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { aptFolder, type AptFolder, type AptNeed } from './aptFolder.ts'
import { placeFile, shellWord } from './cacheFolder.ts'

const execute = promisify(execFile)

export type NvidiaBranch = '535' | '550'

export interface NvidiaParts {
  /** The full driver version: `535.261.03`. */
  readonly version: string
  /** Holds executables `nvidia-smi` and `nvidia-cuda-mps-control` that need no environment: what `--tools DIR` takes. */
  readonly bin: string
  /** The same programs as argv prefixes. They need `env`. */
  readonly smi: readonly string[]
  readonly mpsControl: readonly string[]
  /** Started by the daemon, never by us: to recognise it in /proc. */
  readonly mpsServer: string
  /** libcuda.so.1 and libnvidia-ml.so.1. */
  readonly libDir: string
  /**
   * PATH and LD_LIBRARY_PATH, to lay over the rest of the environment. The daemon finds its server by execlp on its own PATH, and the server finds
   * libcuda.so.1 by dlopen. Without either, control.log still says "Starting new server N" and then "Server N exited
   * with status 1"; server.log then stays unwritten, which is the only difference from a server that found no GPU.
   */
  readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH: string }
}

/** libcuda1 depends on a JIT compiler of 7 MB, which is opened only where there is a device. */
const PACKAGES = ['nvidia-smi', 'libnvidia-ml1', 'nvidia-cuda-mps', 'libcuda1']

/** Both from stable suites, which no longer move: sid has 550 too, but only until it has something newer. */
const SUITES: Readonly<Record<NvidiaBranch, string>> = { 535: 'bookworm', 550: 'trixie' }

export function nvidiaNeed(branch: NvidiaBranch): AptNeed {
  return { name: `nvidia-${branch}`, suite: SUITES[branch], components: ['non-free'], packages: PACKAGES }
}

export async function nvidiaParts(branch: NvidiaBranch): Promise<NvidiaParts> {
  const folder = await aptFolder(nvidiaNeed(branch))
  const version = (folder.versions['libcuda1'] ?? '').replace(/-.*/, '')
  if (!version.startsWith(`${branch}.`)) throw new Error(`Debian ${SUITES[branch]} no longer has driver ${branch}: it has ${version}`)
  return placeTools(folder, version, (await mayMakeDevices()) ? WITHOUT_MKNOD : [])
}

/**
 * As root, these programs (the MPS server too) create /dev/nvidiactl even where there is no driver. The node outlives
 * them, and to anything that looks for /dev/nvidia* the machine then seems to have a GPU. Without CAP_MKNOD they say
 * exactly the same and leave no trace.
 */
const WITHOUT_MKNOD = ['setpriv', '--bounding-set=-mknod']

async function mayMakeDevices(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  return execute('setpriv', ['--bounding-set=-mknod', 'true']).then(() => true, () => false)
}

async function placeTools({ root }: AptFolder, version: string, prefix: readonly string[]): Promise<NvidiaParts> {
  const mpsServer = join(root, 'usr/sbin/nvidia-cuda-mps-server')
  const libDir = join(root, 'usr/lib/x86_64-linux-gnu/nvidia/current')
  const programs = {
    'nvidia-smi': join(root, 'usr/lib/nvidia/current/nvidia-smi'),
    'nvidia-cuda-mps-control': join(root, 'usr/bin/nvidia-cuda-mps-control'),
  }
  const bins = { plain: join(root, '../bin'), guarded: join(root, '../bin-as-root') }
  // Both, whoever is asking: an ordinary user may be given a cache that root filled.
  for (const [name, program] of Object.entries(programs)) {
    await placeFile(join(bins.plain, name), wrapper([program], mpsServer, libDir), 0o755)
    await placeFile(join(bins.guarded, name), wrapper([...WITHOUT_MKNOD, program], mpsServer, libDir), 0o755)
  }
  return {
    version,
    bin: prefix.length > 0 ? bins.guarded : bins.plain,
    smi: [...prefix, programs['nvidia-smi']],
    mpsControl: [...prefix, programs['nvidia-cuda-mps-control']],
    mpsServer,
    libDir,
    env: { PATH: `${dirname(mpsServer)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`, LD_LIBRARY_PATH: libDir },
  }
}

/** `exec` all the way: the process that the caller started becomes the program, with its own name in /proc. */
function wrapper(argv: readonly string[], server: string, libDir: string): string {
  return `#!/bin/sh
export PATH=${shellWord(dirname(server))}:"$PATH" LD_LIBRARY_PATH=${shellWord(libDir)}
exec ${argv.map(shellWord).join(' ')} "$@"
`
}
