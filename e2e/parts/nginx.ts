// nginx, the yardstick of the router benchmark, and wrk, which drives it.
// Programs only: the benchmark writes its own configuration.

import { join } from 'node:path'
import { aptFolder, type AptNeed } from './aptFolder.ts'
import { placeFile, shellWord } from './cacheFolder.ts'

export interface NginxParts {
  readonly version: string
  readonly wrkVersion: string
  /** Holds executables `nginx` and `wrk`, which need no environment. */
  readonly bin: string
  /**
   * argv prefix. The compiled-in paths belong to root: a configuration must name `pid` and all five
   * `*_temp_path` folders (client_body, proxy, fastcgi, uwsgi, scgi), or an ordinary user's nginx does not start.
   * `-e stderr` is here already: the log that is opened before any configuration is read.
   */
  readonly nginx: readonly string[]
  readonly wrk: readonly string[]
}

export const nginxNeed: AptNeed = {
  name: 'nginx',
  suite: 'bookworm',
  components: ['main'],
  packages: ['nginx', 'libpcre2-8-0', 'libssl3', 'zlib1g', 'libcrypt1', 'wrk', 'libluajit-5.1-2'],
}

export async function nginxParts(): Promise<NginxParts> {
  const { root, versions } = await aptFolder(nginxNeed)
  const bin = join(root, '..', 'bin')
  await placeFile(join(bin, 'nginx'), wrapper(root, 'usr/sbin/nginx'), 0o755)
  await placeFile(join(bin, 'wrk'), wrapper(root, 'usr/bin/wrk'), 0o755)
  return {
    version: versions['nginx'] ?? '',
    wrkVersion: versions['wrk'] ?? '',
    bin,
    nginx: [join(bin, 'nginx'), '-e', 'stderr'],
    wrk: [join(bin, 'wrk')],
  }
}

/** Debian 12 keeps libcrypt1 and zlib1g under /lib, everything else under /usr/lib. */
function wrapper(root: string, program: string): string {
  const libraries = `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu`
  return `#!/bin/sh
LD_LIBRARY_PATH=${shellWord(libraries)} exec ${shellWord(join(root, program))} "$@"
`
}
