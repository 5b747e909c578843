// What `npm start` runs, on whatever Node there is (18 or newer): installs, builds what is stale, then hands over to the pinned Node.
// No dependency: it must work in a fresh clone.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createConnection, createServer } from 'node:net'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)
const say = (line) => process.stderr.write(`${line}\n`)
const STATE = at('.overlap')

class Stop extends Error {}

// ---- children

const children = new Set()
let stopping = null
let stopWaiting = () => {}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopping ??= signal
    stopWaiting()
    // a terminal sends Ctrl-C to the whole group; a child that gets it twice takes it once
    for (const child of children) child.kill(signal)
  })
}
// whoever reads our output may leave before us
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

// the token is for the core alone: neither install scripts nor the build inherit it
const quietEnv = { ...process.env }
delete quietEnv.OVERLAP_TOKEN

function run(argv, { limitMs, ...options } = {}) {
  if (stopping) throw new Stop()
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: root, stdio: 'inherit', ...options })
    children.add(child)
    const timer = limitMs ? setTimeout(() => child.kill('SIGKILL'), limitMs) : undefined
    const gone = () => {
      clearTimeout(timer)
      children.delete(child)
    }
    child.on('error', (error) => {
      gone()
      reject(new Stop(`${argv[0]} cannot be started (${error.code ?? error.message}).`))
    })
    child.on('exit', (code, signal) => {
      gone()
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}

/** npm, vite and Electron's download: their output is no result (stderr), and killed without us they still hold the lock. */
const runQuiet = (argv, options = {}) => run(argv, { stdio: ['ignore', 2, 2, ...(lock ? [lock._handle.fd] : [])], env: quietEnv, ...options })

// ---- one at a time: two starts in one clone must not install or build over each other

/** The bound abstract socket while this start has the lock. The kernel frees its name when the last process that holds it is gone. */
let lock = null

function bound(path, waiters) {
  return new Promise((resolve, reject) => {
    const server = createServer((waiter) => {
      waiters.add(waiter.on('error', () => {}).on('close', () => waiters.delete(waiter)).resume())
    })
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen({ path }, () => resolve(server))
  })
}

/** Until the holder lets go, or we are told to stop. */
function holderGone(path) {
  return new Promise((resolve) => {
    const socket = createConnection({ path }).on('error', () => {}).resume()
    stopWaiting = () => socket.destroy()
    socket.once('close', (failed) => setTimeout(resolve, failed ? 50 : 0))
  })
}

async function alone(work) {
  const path = `\0overlap-start-${createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 32)}`
  const waiters = new Set()
  for (let said = false; !(lock = await bound(path, waiters)); said = true) {
    if (!said) say('Another start is installing or building here; waiting for it.')
    await holderGone(path)
    if (stopping) throw new Stop()
  }
  try {
    return await work()
  } finally {
    lock.close()
    lock = null
    for (const waiter of waiters) waiter.destroy()
  }
}

// ---- install

/** npm writes node_modules/.package-lock.json last, so an interrupted install has none. What it lists must still be there. */
function installed() {
  try {
    const wanted = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages
    const got = JSON.parse(readFileSync(at('node_modules/.package-lock.json'), 'utf8')).packages
    for (const [path, entry] of Object.entries(wanted)) {
      if (path === '') continue
      if (got[path] ? got[path].version !== entry.version : !entry.optional && !entry.devOptional && !entry.peer) return false
    }
    return Object.keys(got).every((path) => wanted[path] && existsSync(at(path, 'package.json')))
  } catch {
    return false
  }
}

async function install() {
  if (installed()) return
  say('Installing the packages of package-lock.json (once, about a minute).')
  const npm = process.env.npm_execpath ?? ''
  const argv = /npm-cli\.c?js$/.test(npm) ? [process.execPath, npm] : ['npm']
  // Whatever NODE_ENV or the user's settings leave out elsewhere: the page is built with packages that are "dev" and "optional".
  // No package needs its install script; better-sqlite3's would compile what it already brings, and there may be no compiler.
  const code = await runQuiet([...argv, 'ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'])
  if (stopping) throw new Stop()
  if (code !== 0 || !installed()) throw new Stop(`The packages could not be installed (npm ended with ${code}; see above). Start again when that is mended.`)
}

// ---- the pinned Node

/** The optional package with a Node for this machine, else this Node when it is new enough. */
function pinnedNode() {
  const packaged = at('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(packaged)) return packaged
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  throw new Stop(`Overlap needs Node 24, and no package brings it to ${process.platform}-${process.arch}. Install Node 24 and run it with that.`)
}

// ---- build

/** Names, sizes and times of all sources: cheap enough to look at in every start. */
function sourcesStamp(what) {
  const hash = createHash('sha256')
  const walk = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) return
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name))
    else if (!path.endsWith('.test.ts')) hash.update(`${path.slice(root.length)} ${stat.size} ${Math.floor(stat.mtimeMs)}\n`)
  }
  for (const name of [...(what === 'page' ? ['renderer'] : ['electron']), 'shared', 'assets', 'vite.config.ts', 'package-lock.json']) walk(at(name))
  return hash.digest('hex')
}

async function build(node, what) {
  const stamp = sourcesStamp(what)
  const stampFile = at('dist', what, '.stamp')
  try {
    if (readFileSync(stampFile, 'utf8') === stamp) return
  } catch {}
  say(`Building the ${what}.`)
  // built aside and put in place whole, so that an interrupted build leaves the old one or none
  const aside = at('dist', `${what}.new`)
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true })
  const code = await runQuiet([node, at('node_modules/vite/bin/vite.js'), 'build', '--mode', what, '--outDir', aside, '--emptyOutDir', '--logLevel', 'warn'])
  if (stopping) throw new Stop()
  if (code !== 0) throw new Stop(`The ${what} could not be built; see above.`)
  writeFileSync(join(aside, '.stamp'), stamp)
  const old = at('dist', `${what}.old`)
  rmSync(old, { recursive: true, force: true })
  if (existsSync(at('dist', what))) renameSync(at('dist', what), old)
  renameSync(aside, at('dist', what))
  rmSync(old, { recursive: true, force: true })
}

// ---- which shell

const ELECTRON_LIMIT_MS = 60_000
/** A window that fails, fails at once; later it is an end like any other. */
const WINDOW_FAILS_WITHIN_MS = 15_000
/** main.ts ends so where it refuses what was asked for: the browser's entry would only say the same again. */
const REFUSED = 2

/** Path of Electron's executable, or null. It downloads itself on first use: tried once, a failure is remembered. */
async function electronBinary(node) {
  const folder = at('node_modules/electron')
  const binary = () => {
    try {
      const path = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim())
      return existsSync(path) ? path : null
    } catch {
      return null
    }
  }
  if (binary()) return binary()
  const version = createRequire(import.meta.url)(join(folder, 'package.json')).version
  const remembered = join(STATE, 'electron-failed')
  if (existsSync(remembered) && readFileSync(remembered, 'utf8') === version) return null
  say('Fetching Electron for the desktop window (once, at most a minute) …')
  const code = await runQuiet([node, join(folder, 'install.js')], { limitMs: ELECTRON_LIMIT_MS })
  if (stopping) throw new Stop()
  if (code === 0 && binary()) return binary()
  mkdirSync(STATE, { recursive: true })
  writeFileSync(remembered, version)
  say(`Electron could not be fetched: going on in the browser. To try again, remove ${remembered}.`)
  return null
}

const asksForHelp = (flags) => flags.includes('--help') || flags.includes('-h')
const wantsDesktop = (flags) => !flags.includes('--headless') && !asksForHelp(flags) && Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)

/** `desktop`: also what only the desktop needs, whether or not there is a display. */
async function prepared(flags, desktop = false) {
  return await alone(async () => {
    await install()
    const node = pinnedNode()
    if (!asksForHelp(flags)) await build(node, 'page')
    const electron = wantsDesktop(flags) ? await electronBinary(node) : null
    if (electron || desktop) for (const what of ['desktop', 'preload']) await build(node, what)
    return { node, electron }
  })
}

/** With a folder where Node keeps what it made of our sources, by their content: 0.3 s of CPU and 20 MB of memory less at every later start. */
const envFor = (node) => ({ ...process.env, OVERLAP_NODE: node, NODE_COMPILE_CACHE: join(STATE, 'compiled') })

/** MiB of young objects: with Node's own 16 the core, which lives long and makes little, holds 15 MB more (measured after 45 s). */
const SMALL_HEAP = ['--max-semi-space-size=2']

async function main(words) {
  // `run FILE …`: everything else that needs the pinned Node and the built page (tests, benchmarks, the command line)
  if (words[0] === 'run') {
    const { node } = await prepared(['--headless'])
    return await run([node, at(words[1] ?? ''), ...words.slice(2)], { env: envFor(node) })
  }
  if (words[0] === 'package') {
    const { node } = await prepared(['--headless'], true)
    return await run([node, at('node_modules/electron-builder/cli.js'), '--linux', '--publish', 'never', ...words.slice(1)])
  }
  const { node, electron } = await prepared(words)
  const env = envFor(node)
  if (electron) {
    const began = performance.now()
    const code = await run([electron, at('.'), ...words], { env })
    // a missing library, a dead display, a sandbox that this kernel forbids (Ubuntu 24.04's AppArmor): never without it, rather without a window
    if (code === 0 || code === REFUSED || stopping || performance.now() - began > WINDOW_FAILS_WITHIN_MS) return code
    say(`The window could not be opened (Electron ended with ${code}; see above): going on in the browser.`)
  } else if (!words.includes('--headless') && !asksForHelp(words) && !wantsDesktop(words)) say('No display here: open the address below in a browser (from elsewhere through ssh -L).')
  return await run([node, ...SMALL_HEAP, at('electron/headless.ts'), ...words.filter((word) => word !== '--headless')], { env })
}

/** A full disk or a folder of somebody else's is said in one sentence; everything else that is thrown here is a bug. */
function sentence(error) {
  if (error instanceof Stop) return error.message
  if (error.path && ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR'].includes(error.code)) return `${error.path} cannot be written (${error.code}). Overlap installs and builds in its own folder.`
  return error.stack
}

process.chdir(realpathSync(root))
main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    if (sentence(error)) say(sentence(error))
    process.exitCode = stopping ? 128 + constants.signals[stopping] : 1
  },
)
