// `npm start` as a program: what it installs and builds, how it heals, how two of them share a clone, how it ends.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openClone, type Clone } from './clone.ts'
import { isAlive, READY, type Program } from './program.ts'

let clone: Clone
beforeEach(() => void (clone = openClone()))
afterEach(() => clone.close())

const WITHIN = { timeout: 40_000, interval: 20 }
const eventually = (check: () => void) => vi.waitFor(check, WITHIN)
const page = () => readFileSync(join(clone.folder, 'dist/page/index.html'), 'utf8')
const stepReached = (step: 'install' | 'build', times = 1) => eventually(() => expect(clone.runs(step)).toHaveLength(times))

async function endsWell(program: Program): Promise<void> {
  program.signal('SIGTERM')
  expect(await program.ended).toEqual({ code: 0, signal: null })
}

describe('installing and building', () => {
  it('happens once, and again only when something is missing', async () => {
    const first = clone.start()
    await first.until(READY)
    expect(page()).toBe('whole')
    await endsWell(first)
    const second = clone.start()
    await second.until(READY)
    await endsWell(second)
    expect([clone.runs('install').length, clone.runs('build').length]).toEqual([1, 1])

    // what npm writes last is gone: that install was interrupted
    rmSync(join(clone.folder, 'node_modules/.package-lock.json'))
    await endsWell(await ready(clone.start()))
    // a package was taken away by hand
    rmSync(join(clone.folder, 'node_modules/zod'))
    await endsWell(await ready(clone.start()))
    expect([clone.runs('install').length, clone.runs('build').length]).toEqual([3, 1])

    // a source of the page changed
    writeFileSync(join(clone.folder, 'shared/another.ts'), 'export {}\n')
    await endsWell(await ready(clone.start()))
    expect([clone.runs('install').length, clone.runs('build').length]).toEqual([3, 2])
  }, 120_000)

  it.each(['install', 'build'] as const)('heals when everything is killed in the middle of the %s', async (step) => {
    clone.hold(step)
    const killed = clone.start()
    await stepReached(step)
    process.kill(clone.runs(step)[0]!, 'SIGKILL')
    killed.signal('SIGKILL')
    await killed.ended
    clone.release(step)
    await ready(clone.start())
    expect(clone.runs(step)).toHaveLength(2)
    expect(page()).toBe('whole')
    expect(existsSync(join(clone.folder, 'node_modules/half'))).toBe(false)
  })

  it('does not install over an npm that outlived its start', async () => {
    clone.hold('install')
    const killed = clone.start()
    await stepReached('install')
    killed.signal('SIGKILL')
    await killed.ended
    const next = clone.start()
    await next.until(/Another start is installing/)
    expect(clone.runs('install')).toHaveLength(1)
    clone.release('install')
    await next.until(READY)
    expect(clone.runs('install')).toHaveLength(1)
  })

  it('says in one sentence that npm failed, and leaves the rest to the next start', async () => {
    writeFileSync(join(clone.folder, '../control/npm-fails'), '')
    const failing = clone.start()
    expect((await failing.ended).code).toBe(1)
    expect(failing.stderr()).toMatch(/npm error no network\nThe packages could not be installed.*\n$/)
    rmSync(join(clone.folder, '../control/npm-fails'))
    await ready(clone.start())
  })

  it('says in one sentence that there is no npm', async () => {
    const start = clone.start([], { npm_execpath: undefined, PATH: '/nowhere' })
    expect((await start.ended).code).toBe(1)
    expect(start.stderr()).toMatch(/\nnpm cannot be started \(ENOENT\)\.\n$/)
  })

  it('says in one sentence that its folder cannot be written', async () => {
    writeFileSync(join(clone.folder, 'dist'), 'a file')
    const start = clone.start()
    expect((await start.ended).code).toBe(1)
    expect(start.stderr()).toMatch(/\nBuilding the page\.\n.*dist.* cannot be written \(ENOTDIR\)\..*\n$/)
  })

  it('keeps the token from npm and from the build', async () => {
    const start = clone.start(undefined, { OVERLAP_TOKEN: 'a-token-of-a-test' })
    expect((await start.until(READY))[3]).toBe('a-token-of-a-test')
    for (const step of ['install', 'build'] as const) {
      expect(clone.seen(step)).toContain('CLONE_CONTROL')
      expect(clone.seen(step)).not.toContain('OVERLAP_TOKEN')
    }
  })
})

describe('the pinned Node', () => {
  it('is asked for in one sentence where the Node is too old and no package brings one', async () => {
    // a program that starts before start.mjs and makes this Node look old
    const old = join(clone.folder, '../old.cjs')
    writeFileSync(old, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } }); Object.defineProperty(process, 'arch', { value: 'pdp11' })`)
    const start = clone.start(undefined, {}, { node: [process.execPath, '-r', old] })
    expect((await start.ended).code).toBe(1)
    expect(start.stderr()).toMatch(/^Installing .*\nOverlap needs Node 24, and no package brings it to linux-pdp11\..*\n$/)
  })
})

describe('two starts at once', () => {
  it('install once; on one state folder the second points to the first', async () => {
    clone.hold('install')
    const first = clone.start()
    await stepReached('install')
    const second = clone.start()
    const third = clone.start(['--headless', '--scene', 'na-fields'])
    await Promise.all([second, third].map((start) => start.until(/Another start is installing or building here; waiting for it/)))
    clone.release('install')
    const lines = await Promise.all([first, second, third].map((start) => start.until(READY)))
    expect([clone.runs('install').length, clone.runs('build').length]).toEqual([1, 1])
    expect(lines[1]![0]).toBe(lines[0]![0])
    expect(lines[2]![0]).not.toBe(lines[0]![0])
    const pointed = [first, second].find((start) => start.stderr().includes('already runs here'))
    expect((await pointed?.ended)?.code).toBe(0)
    for (const start of [first, second, third]) if (start !== pointed) await endsWell(start)
  })
})

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  const code = signal === 'SIGTERM' ? 143 : 130

  it('ends the core and passes its exit code on', async () => {
    const start = await ready(clone.start())
    const pid = corePid()
    expect(isAlive(pid)).toBe(true)
    start.signal(signal)
    expect(await start.ended).toEqual({ code: 0, signal: null })
    expect(isAlive(pid)).toBe(false)
  })

  it('ends an install, and whoever waits for it', async () => {
    clone.hold('install')
    const start = clone.start()
    await stepReached('install')
    const waiting = clone.start()
    await waiting.until(/Another start is installing/)
    waiting.signal(signal)
    expect(await waiting.ended).toEqual({ code, signal: null })
    const [npm = 0] = clone.runs('install')
    expect(isAlive(npm)).toBe(true)
    start.signal(signal)
    expect(await start.ended).toEqual({ code, signal: null })
    expect(isAlive(npm)).toBe(false)
  })
})

it('ends well on one Ctrl-C in a terminal, with nothing said twice', async () => {
  const start = clone.start(['--headless', '--scene', 'two-engines'], {}, { terminal: true })
  await start.until(/^Overlap ready .*\r$/m)
  start.type('\x03')
  expect(await start.ended).toEqual({ code: 0, signal: null })
  const said = start.stdout().split('\r\n').filter((line) => line !== '')
  expect(said).toEqual([...new Set(said)])
  expect(start.stdout()).not.toMatch(/Error|at .*\.m?[jt]s:/)
})

it('passes on the exit code of a refusal', async () => {
  const start = clone.start(['--headless', '--scene', 'nope'])
  expect((await start.ended).code).toBe(1)
  expect(start.stderr()).toMatch(/\nThere is no scene nope\.\nScenes: .*two-engines.*\n$/)
})

describe('with a display', () => {
  const display = { DISPLAY: ':99' }

  it('tries to fetch Electron once, remembers that it could not, and goes on in the browser', async () => {
    const first = await ready(clone.start(['--scene', 'mps-off'], display))
    expect(first.stderr()).toMatch(/Fetching Electron .*\nElectron could not be fetched: going on in the browser\. To try again, remove .*electron-failed\.\n/)
    await endsWell(first)
    const second = await ready(clone.start(['--scene', 'mps-off'], display))
    expect(second.stderr()).not.toContain('Electron')
    await endsWell(second)
    expect(clone.runs('electron')).toHaveLength(1)
  })

  it('goes on in the browser when the window fails at once', async () => {
    const electron = join(clone.folder, '../control/electron-package')
    writeFileSync(join(electron, 'path.txt'), 'electron')
    writeFileSync(join(electron, 'install.js'), '')
    mkdirSync(join(electron, 'dist'))
    writeFileSync(join(electron, 'dist/electron'), '#!/bin/sh\necho "libgtk-3.so.0: cannot open shared object file" >&2\nexit 127\n', { mode: 0o755 })
    const start = await ready(clone.start(['--scene', 'mps-off'], display))
    expect(start.stderr()).toMatch(/libgtk.*\nThe window could not be opened \(Electron ended with 127; see above\): going on in the browser\.\n/)
    // page, desktop, preload
    expect(clone.runs('build')).toHaveLength(3)
    await endsWell(start)
  })

  it('neither fetches Electron nor builds the page to print its flags', async () => {
    const start = clone.start(['--help'], display)
    expect((await start.ended).code).toBe(0)
    expect(start.stdout()).toMatch(/^npm start -- \[flags\]\n/)
    expect([...clone.runs('electron'), ...clone.runs('build')]).toEqual([])
  })

  it('does not open a browser door for what the window has refused', async () => {
    const electron = join(clone.folder, '../control/electron-package')
    writeFileSync(join(electron, 'path.txt'), 'electron')
    writeFileSync(join(electron, 'install.js'), '')
    mkdirSync(join(electron, 'dist'))
    writeFileSync(join(electron, 'dist/electron'), '#!/bin/sh\necho "There is no scene nope." >&2\nexit 2\n', { mode: 0o755 })
    const start = clone.start(['--scene', 'nope'], display)
    expect((await start.ended).code).toBe(2)
    expect(start.stderr()).toMatch(/There is no scene nope\.\n$/)
  })

  it('does not think of Electron with --headless', async () => {
    const start = await ready(clone.start(undefined, display))
    expect(clone.runs('electron')).toEqual([])
    await endsWell(start)
  })
})

it('finds every package in package-lock.json, also those of other platforms: npm ci refuses a lock file without them', () => {
  const { packages } = JSON.parse(readFileSync(join(clone.folder, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dependencies?: object; optionalDependencies?: object }> }
  const found = (from: string, name: string): boolean => {
    if (packages[`${from === '' ? '' : `${from}/`}node_modules/${name}`]) return true
    return from !== '' && found(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
  }
  const missing = Object.entries(packages).flatMap(([from, entry]) => Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).filter((name) => !found(from, name)))
  expect(missing).toEqual([])
})

async function ready(program: Program): Promise<Program> {
  await program.until(READY)
  return program
}

function corePid(): number {
  return (JSON.parse(readFileSync(join(clone.state, 'sim/mps-off/core.json'), 'utf8')) as { pid: number }).pid
}
