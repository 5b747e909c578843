// The environment that children start from: the login environment, without what npm, Electron, an AppImage or a test
// runner put there. Pure. CUDA_MPS_* goes too: inherited, it would silently send every engine to another daemon, give limits that nobody asked for
// and speak another protocol.

interface CleanEnvironment {
  environment: Record<string, string>
  /** Names that were taken away, sorted; PATH and LD_LIBRARY_PATH are listed when entries of them were. */
  removed: string[]
}

const REMOVED = [
  /^npm_/i, /^NODE_OPTIONS$/, /^NODE_ENV$/, /^NODE_CHANNEL_FD$/, /^NODE_CHANNEL_SERIALIZATION_MODE$/, /^NODE_V8_COVERAGE$/, /^NODE_COMPILE_CACHE$/, /^INIT_CWD$/,
  /^ELECTRON_/, /^CHROME_/, /^APPIMAGE$/, /^APPDIR$/, /^ARGV0$/, /^OWD$/,
  /^OVERLAP_/, /^VITEST/, /^TEST$/, /^PLAYWRIGHT_/, /^CUDA_MPS_/,
]
const NPM_PATH = /\/(?:node_modules\/\.bin|node-gyp-bin)\/?$/

export function cleanEnvironment(inherited: Readonly<Record<string, string | undefined>>): CleanEnvironment {
  const environment: Record<string, string> = {}
  const removed: string[] = []
  const keep = (name: string, value: string, unwanted: (entry: string) => boolean) => {
    const entries = value.split(':')
    const kept = entries.filter((entry) => !unwanted(entry))
    if (kept.length < entries.length) removed.push(name)
    if (kept.length > 0) environment[name] = kept.join(':')
  }
  const appDir = inherited['APPDIR']?.replace(/\/+$/, '')
  const inAppImage = (entry: string) => !!appDir && (entry === appDir || entry.startsWith(appDir + '/'))
  const fromRunner = inherited['VITEST'] !== undefined
  for (const [name, value] of Object.entries(inherited)) {
    if (value === undefined) continue
    if (REMOVED.some((pattern) => pattern.test(name)) && (name !== 'TEST' || fromRunner)) removed.push(name)
    else if (name === 'PATH') keep(name, value, (entry) => NPM_PATH.test(entry) || inAppImage(entry))
    // An empty entry means the working folder: it comes from `$APPDIR/lib:$LD_LIBRARY_PATH` with nothing behind it.
    else if (name === 'LD_LIBRARY_PATH') keep(name, value, (entry) => inAppImage(entry) || (entry === '' && appDir !== undefined))
    else environment[name] = value
  }
  return { environment, removed: removed.sort() }
}
