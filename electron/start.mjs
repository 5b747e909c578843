// What `npm start` runs, on whatever Node there is (18 or newer): installs, builds what is stale, then hands over to the pinned Node.
// No dependency: it must work in a fresh clone.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)
const say = (line) => process.stderr.write(`${line}\n`)
const STATE = at('.overlap')

class Stop extends Error {}

// ---- one at a time: two starts in one clone must not install or build over each other

const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** A folder is made by exactly one; the pid in it tells whether its maker still lives. */
async function alone(work) {
  mkdirSync(STATE, { recursive: true })
  const lock = join(STATE, 'start.lock')
  for (let said = false; ; ) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    let holder = 0
    try {
      holder = Number(readFileSync(join(lock, 'pid'), 'utf8'))
    } catch {
      // its maker has not written its pid yet, or is gone: give it two seconds
      if (Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) < 2000) holder = process.pid
    }
    if (!holder || !alive(holder)) {
      // renamed first: only one of several waiters gets to remove it
      const stale = `${lock}.${process.pid}`
      try {
        renameSync(lock, stale)
        rmSync(stale, { recursive: true, force: true })
      } catch {}
      continue
    }
    if (!said) say('Another start is installing or building here; waiting for it.')
    said = true
    await wait(200)
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

// ---- children

const children = new Set()
let stopping = null
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopping ??= signal
    // a terminal sends Ctrl-C to the whole group; a child that gets it twice takes it once
    for (const child of children) child.kill(signal)
  })
}

function run(argv, options = {}) {
  if (stopping) throw new Stop()
  const { limitMs, ...rest } = options
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: root, stdio: 'inherit', ...rest })
    children.add(child)
    const timer = limitMs ? setTimeout(() => child.kill('SIGKILL'), limitMs) : undefined
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      children.delete(child)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}

// ---- install

/** npm writes node_modules/.package-lock.json last: what it lists is there, and an interrupted install has none. */
function installed() {
  try {
    const wanted = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages
    const got = JSON.parse(readFileSync(at('node_modules/.package-lock.json'), 'utf8')).packages
    for (const [path, entry] of Object.entries(wanted)) {
      if (path === '') continue
      if (got[path] ? got[path].version !== entry.version : !entry.optional && !entry.devOptional && !entry.peer) return false
    }
    return Object.keys(got).every((path) => wanted[path])
  } catch {
    return false
  }
}

async function install() {
  if (installed()) return
  say('Installing the packages of package-lock.json (once, about a minute).')
  const npm = process.env.npm_execpath
  const argv = npm && /\.c?js$/.test(npm) ? [process.execPath, npm] : ['npm']
  // npm passes its own settings on to scripts: without its variables it reads them afresh, as in a terminal.
  // Old Nodes only bring npm; the packages run on the pinned one, so its engine warnings mean nothing here.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(config_|lifecycle|package|command)/i.test(name)))
  let code
  try {
    code = await run([...argv, 'ci', '--no-fund', '--no-audit', '--loglevel=error'], { stdio: ['ignore', 2, 2], env })
  } catch (error) {
    if (error instanceof Stop) throw error
    throw new Stop(`npm cannot be started (${error.message}). Install npm, or run \`npm ci\` by hand.`)
  }
  if (stopping) throw new Stop()
  if (code !== 0 || !installed()) throw new Stop('The packages could not be installed; npm said why above. Run it again when that is mended.')
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

/** Names, sizes and times of all sources of the page: cheap enough to look at in every start. */
function sourcesStamp() {
  const hash = createHash('sha256')
  const walk = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) return
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name))
    else if (!path.endsWith('.test.ts')) hash.update(`${path.slice(root.length)} ${stat.size} ${Math.floor(stat.mtimeMs)}\n`)
  }
  for (const name of ['renderer', 'shared', 'assets', 'electron', 'vite.config.ts', 'package-lock.json']) walk(at(name))
  return hash.digest('hex')
}

async function build(node, what) {
  const stamp = sourcesStamp()
  const stampFile = at('dist', what, '.stamp')
  try {
    if (readFileSync(stampFile, 'utf8') === stamp) return
  } catch {}
  say(`Building the ${what}.`)
  // built aside and put in place whole, so that an interrupted build leaves the old one or none
  const aside = at('dist', `${what}.new`)
  rmSync(aside, { recursive: true, force: true })
  const code = await run([node, at('node_modules/vite/bin/vite.js'), 'build', '--mode', what, '--outDir', aside, '--emptyOutDir', '--logLevel', 'warn'], { stdio: ['ignore', 2, 2] })
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
  const code = await run([node, join(folder, 'install.js')], { stdio: ['ignore', 2, 2], limitMs: 60_000 }).catch(() => 1)
  if (stopping) throw new Stop()
  if (code === 0 && binary()) return binary()
  writeFileSync(remembered, version)
  say(`Electron could not be fetched: going on in the browser. To try again, remove ${remembered}.`)
  return null
}

const wantsDesktop = (flags) => !flags.includes('--headless') && Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)

async function prepared(flags) {
  return await alone(async () => {
    await install()
    const node = pinnedNode()
    await build(node, 'page')
    const electron = wantsDesktop(flags) ? await electronBinary(node) : null
    if (electron) for (const what of ['desktop', 'preload']) await build(node, what)
    return { node, electron }
  })
}

async function main(words) {
  // `run FILE …`: everything else that needs the pinned Node and the built page (tests, benchmarks, the command line)
  if (words[0] === 'run') {
    const { node } = await prepared(['--headless'])
    return await run([node, at(words[1] ?? ''), ...words.slice(2)], { env: { ...process.env, OVERLAP_NODE: node } })
  }
  const { node, electron } = await prepared(words)
  const env = { ...process.env, OVERLAP_NODE: node }
  if (electron) {
    const code = await run([electron, at('.'), ...words], { env })
    // Chromium's sandbox needs what some kernels forbid (Ubuntu 24.04's AppArmor): never without it, rather without a window
    if (code !== 133 && code !== 134) return code
    say('Electron cannot start its sandbox on this system: going on in the browser.')
  } else if (!words.includes('--headless') && !wantsDesktop(words)) say('No display here: open the address below in a browser (from elsewhere through ssh -L).')
  return await run([node, at('electron/headless.ts'), ...words.filter((word) => word !== '--headless')], { env })
}

process.chdir(realpathSync(root))
main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    if (!(error instanceof Stop)) throw error
    if (error.message) say(error.message)
    process.exitCode = stopping ? 128 + constants.signals[stopping] : 1
  },
)
