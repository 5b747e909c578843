// The built desktop program, run under plain Node over a stand-in for the module `electron`: what it does with a start, a window, a page,
// a second start, a quit. What Electron itself makes of it is seen where its binary is: the specs of e2e run on it there.
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'yaml'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting, PlainHttp } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import { endLeftovers, root } from '../e2e/core.ts'
import { isAlive } from '../e2e/program.ts'
import { firstOf, RunningCore } from './runningCore.ts'

const STAND_IN = pathToFileURL(join(root, 'e2e/standIns/electron.ts')).href
const HOOKS = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module'; registerHooks({ resolve: (name, context, next) => (name === 'electron' ? { url: ${JSON.stringify(STAND_IN)}, shortCircuit: true } : next(name, context)) })`)}`
const PAGE = '<meta name="nonce" content="__NONCE__">'

let app = ''
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'ov-desktop-'))
  for (const name of ['electron', 'shared', 'assets', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(app, name))
  mkdirSync(join(app, 'dist/page'), { recursive: true })
  writeFileSync(join(app, 'dist/page/index.html'), PAGE)
  const built = spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--mode', 'desktop', '--outDir', join(app, 'dist/desktop'), '--emptyOutDir', '--logLevel', 'warn'], { cwd: root, encoding: 'utf8' })
  expect(built.stderr + built.stdout).toBe('')
})
afterAll(() => rmSync(app, { recursive: true, force: true }))

type Told = { what: string } & Record<string, unknown>

class Desktop {
  readonly child: ChildProcess
  readonly told: Told[] = []
  printed = ''
  readonly ended: Promise<number | null>

  constructor(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = fork(join(app, 'dist/desktop/main.js'), ['--state', state, ...words], {
      cwd: app, execArgv: ['--import', HOOKS], stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // as start.mjs starts it: the app's folder stands where Electron has it
      execPath: process.execPath, env: { ...process.env, OVERLAP_NODE: process.execPath, STAND_IN_APP: app, ...env },
    })
    this.child.on('message', (said) => this.told.push(said as Told))
    for (const stream of [this.child.stdout, this.child.stderr]) stream!.on('data', (chunk: Buffer) => (this.printed += chunk))
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
  }

  /** The next thing of that kind that is told from now on. */
  async #next(what: string, after: number): Promise<Told> {
    return await vi.waitFor(() => {
      const found = this.told.slice(after).find((said) => said.what === what)
      if (!found) throw new Error(`${what} was not told: ${JSON.stringify(this.told)}\n${this.printed}`)
      return found
    }, { timeout: 30_000, interval: 20 })
  }

  first(what: string): Promise<Told> {
    return this.#next(what, 0)
  }

  async do(order: string, more: Record<string, unknown> = {}, answer: string = order): Promise<Told> {
    const after = this.told.length
    this.child.send({ do: order, ...more })
    return await this.#next(answer, after)
  }

  tell(order: string, more: Record<string, unknown> = {}): void {
    this.child.send({ do: order, ...more })
  }

  /** A call over the page's port, as oRPC writes it. */
  async call<Answer>(name: string, input?: unknown): Promise<Answer> {
    const id = String(++calls)
    this.child.send({ do: 'say', text: JSON.stringify({ i: id, p: { u: `/${name}`, b: { json: input } } }) })
    return await vi.waitFor(() => {
      const heard = this.told.map((said) => (said.what === 'heard' ? (JSON.parse(String(said['data'])) as { i: string; p: { s?: number; b?: { json: Answer } } }) : null)).find((message) => message?.i === id)
      if (!heard) throw new Error(`${name} was not answered`)
      expect(heard.p.s ?? 200, JSON.stringify(heard)).toBe(200)
      return heard.p.b!.json
    }, { timeout: 20_000, interval: 20 })
  }
}
let calls = 0

let state = ''
let desktops: Desktop[] = []
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), 'ov-main-'))))
afterEach(async () => {
  for (const { child } of desktops.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  await endLeftovers(state)
  rmSync(state, { recursive: true, force: true })
})

function start(words: readonly string[] = ['--scene', 'mps-off'], env: NodeJS.ProcessEnv = {}): Desktop {
  const desktop = new Desktop(words, env)
  desktops.push(desktop)
  return desktop
}
const corePath = (scene = 'mps-off') => join(state, 'sim', scene, 'core.json')

describe('a start', () => {
  it('opens one window: sandboxed, on its own scheme, with the page under its policy and nothing else', async () => {
    const desktop = start()
    expect((await desktop.first('schemes'))['schemes']).toEqual([{ scheme: 'overlap', privileges: { standard: true, secure: true, supportFetchAPI: true } }])
    const { options } = await desktop.first('window')
    expect(options).toMatchObject({ webPreferences: { preload: join(app, 'dist/preload/preload.cjs'), contextIsolation: true, sandbox: true, nodeIntegration: false, webviewTag: false } })
    expect((await desktop.first('load'))['url']).toBe('overlap://app/index.html')
    await desktop.first('show')
    const page = await desktop.do('fetch', { url: 'overlap://app/index.html' }, 'fetched')
    const policy = (page['headers'] as Record<string, string>)['content-security-policy']!
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[^']+'; /)
    expect(page['text']).toBe(PAGE.replace('__NONCE__', /nonce-([^']+)'/.exec(policy)![1]!))
    for (const url of ['overlap://elsewhere/index.html', 'overlap://app/../package.json', 'overlap://app/%2e%2e/%2e%2e/package.json']) expect((await desktop.do('fetch', { url }, 'fetched'))['status']).toBe(404)
  })

  it('lets the page go nowhere, open nothing, and ask for nothing but to write to the clipboard', async () => {
    const desktop = start()
    await desktop.first('load')
    for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      for (const url of ['https://evil.example/', 'file:///etc/passwd', 'overlap://appendix/x']) expect((await desktop.do('navigate', { event, url }, 'navigated'))['prevented'], url).toBe(true)
    }
    expect((await desktop.do('navigate', { event: 'will-navigate', url: 'overlap://app/index.html#mps' }, 'navigated'))['prevented']).toBe(false)
    expect(await desktop.do('open', { url: 'https://evil.example/' }, 'opened')).toMatchObject({ action: 'deny' })
    for (const name of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal']) expect(await desktop.do('permission', { name })).toMatchObject({ granted: false, checked: false })
    expect(await desktop.do('permission', { name: 'clipboard-sanitized-write' })).toMatchObject({ granted: true, checked: true })
  })

  it('gives a port of the core to its own page, to each load of it, and to nobody else', async () => {
    const desktop = start()
    await desktop.first('load')
    await desktop.do('page', { origin: 'https://evil.example' })
    await desktop.do('page', { isMain: false })
    await desktop.do('page', { own: false })
    desktop.tell('page')
    expect(await desktop.call<Greeting>('workstation/greeting')).toMatchObject({ simulated: true, scene: 'mps-off', stateDirectory: join(state, 'sim/mps-off') })
    desktop.tell('page')
    expect(await desktop.call<Greeting>('workstation/greeting')).toMatchObject({ scene: 'mps-off' })
    expect(desktop.told.filter((said) => said.what === 'given')).toEqual([{ what: 'given', channel: 'overlap.port' }, { what: 'given', channel: 'overlap.port' }])
  })

  it('refuses what it cannot do, in words, with an exit code of its own', async () => {
    const desktop = start(['--scene', 'nope'])
    expect(await desktop.ended).toBe(2)
    expect(desktop.printed).toMatch(/^There is no scene nope\.\nScenes: .*\n$/)
  })
})

it('packed, with nobody to name a Node, starts its programs with the one that is packed with it', async () => {
  const desktop = start(['--scene', 'two-engines'], { STAND_IN_PACKED: '1', OVERLAP_NODE: undefined })
  await desktop.first('load')
  const packed = join(app, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  const started = (program: string) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return argv[1]?.startsWith(app) && argv[1].endsWith(program) ? [argv[0]] : []
    } catch {
      return []
    }
  })
  await vi.waitFor(() => expect(new Set([...started('keeper.ts'), ...started('nvidiaSmi.ts')])).toEqual(new Set([packed])), { timeout: 40_000, interval: 100 })
  await vi.waitFor(() => expect(started('keeper.ts')).not.toEqual([]), { timeout: 40_000, interval: 100 })
})

it('is packed with a configuration that electron-builder takes, of files that there are, with the fuses as they must be', async () => {
  const config = parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as { files: string[]; electronFuses: object; linux: { target: string[]; icon: string } }
  const require = createRequire(join(root, 'node_modules/electron-builder/package.json'))
  const { validateConfiguration } = require('app-builder-lib/out/util/config/config.js') as { validateConfiguration(config: object, log: object): Promise<void> }
  const { DebugLogger } = require('builder-util') as { DebugLogger: new (isEnabled: boolean) => object }
  await validateConfiguration(config, new DebugLogger(false))
  await expect(validateConfiguration({ ...config, electronFuse: {} }, new DebugLogger(false))).rejects.toThrow(/electronFuse/)
  expect(config.linux.target).toEqual(['deb', 'AppImage'])
  expect(config.electronFuses).toEqual({ runAsNode: true, enableNodeOptionsEnvironmentVariable: false, enableNodeCliInspectArguments: false })
  for (const file of [config.linux.icon, ...config.files]) if (!file.startsWith('!') && !file.startsWith('dist/')) expect(existsSync(join(root, file)), file).toBe(true)
})

it('that cannot show itself ends what it has started, and says why', async () => {
  const desktop = start(['--scene', 'mps-off'], { STAND_IN_TRAY: 'none' })
  expect(await desktop.ended).toBe(1)
  expect(desktop.printed).toContain('there is no tray')
  expect(existsSync(corePath())).toBe(false)
  expect(await endLeftovers(state)).toEqual([])
})

describe('a second start', () => {
  it('of the same app ends at once and lets the first one show its window', async () => {
    const first = start()
    await first.first('show')
    expect(await start(['--scene', 'mps-off'], { STAND_IN_SECOND: '1' }).ended).toBe(0)
    await first.do('second', {}, 'show')
  })

  it('on the state folder of a running core says which, and ends', async () => {
    const first = start()
    await first.first('load')
    const second = start()
    expect(await second.ended).toBe(0)
    expect(second.printed).toBe(`Overlap already runs here as process ${first.child.pid}, in a window. A second one needs its own folder: --state DIR.\n`)
    expect(JSON.parse(readFileSync(corePath(), 'utf8'))).toMatchObject({ pid: first.child.pid, ready: true })
  })
})

describe('plain HTTP on the desktop', () => {
  it('is closed until it is opened, is in core.json while it is open, and is opened again by the next start', async () => {
    const desktop = start(['--scene', 'mps-off', '--port', '0'], { OVERLAP_TOKEN: 'token-of-a-desktop-test' })
    await desktop.first('load')
    desktop.tell('page')
    expect(await RunningCore.find(state)).toBeNull()
    expect(statSync(corePath()).mode & 0o777).toBe(0o600)
    await desktop.call('workstation/setPlainHttp', { open: true })
    const core = (await RunningCore.find(state))!
    expect(core.pid).toBe(desktop.child.pid)
    expect(await firstOf<PlainHttp>(core, 'workstation.plainHttp')).toEqual({ address: `http://127.0.0.1:${core.port}/#token=token-of-a-desktop-test`, canClose: true })
    expect(await core.call<Greeting>('workstation.greeting')).toMatchObject({ scene: 'mps-off' })
    expect(await (await fetch(`http://127.0.0.1:${core.port}/`)).text()).toMatch(/^<meta name="nonce" content="[^_]/)
    await desktop.call('workstation/setPlainHttp', { open: false })
    await expect(core.call('workstation.greeting')).rejects.toMatchObject({ fault: { code: 'LINK_LOST' } })
    expect(await RunningCore.find(state)).toBeNull()
    await desktop.call('workstation/setPlainHttp', { open: true })
    desktop.child.kill('SIGTERM')
    expect(await desktop.ended).toBe(0)

    const next = start(['--scene', 'mps-off', '--port', '0'])
    await next.first('load')
    expect((await RunningCore.find(state))?.pid).toBe(next.child.pid)
  })
})

describe('the end', () => {
  it('closing the window leaves the core in the tray; the tray shows it again', async () => {
    const desktop = start()
    await desktop.first('show')
    expect((await desktop.do('close', {}, 'closed'))['prevented']).toBe(true)
    await desktop.first('hide')
    await desktop.do('tray', { label: 'Show Overlap' }, 'show')
    expect(isAlive(desktop.child.pid!)).toBe(true)
  })

  it('without engines quits at once, and leaves nothing', async () => {
    const desktop = start()
    await desktop.first('load')
    desktop.tell('tray', { label: 'Quit' })
    expect(await desktop.ended).toBe(0)
    expect(existsSync(corePath())).toBe(false)
    expect(await endLeftovers(state)).toEqual([])
    expect(desktop.told.some((said) => said.what === 'asked')).toBe(false)
  })

  it('with engines asks, once: stays, stops them, or leaves them running and says so', async () => {
    const desktop = start(['--scene', 'two-engines'])
    await desktop.first('load')
    desktop.tell('page')
    const running = async (): Promise<Engine[]> => {
      // the first item of the stream is the whole list
      await desktop.call('workstation/setPlainHttp', { open: true })
      return (await firstOf<Engine[]>((await RunningCore.find(state))!, 'engine.list')).filter(({ pid }) => pid !== null)
    }
    const engines = await vi.waitFor(async () => {
      const found = await running()
      expect(found).toHaveLength(2)
      return found
    }, { timeout: 60_000, interval: 200 })
    const asked = await desktop.do('quit', {}, 'asked')
    expect(asked).toMatchObject({ buttons: ['Leave running', 'Stop them', 'Do not quit'], defaultId: 2, cancelId: 2, message: '2 engines are running: alpha, beta.' })
    desktop.tell('quit') // while the question is open
    desktop.tell('answer', { response: 2 })
    expect(await running()).toHaveLength(2)
    expect(desktop.told.filter((said) => said.what === 'asked')).toHaveLength(1)

    await desktop.do('quit', {}, 'asked')
    desktop.tell('answer', { response: -1 }) // it cannot be asked: said, and the next quit asks again
    await vi.waitFor(() => expect(desktop.printed).toContain('no question can be shown'), { timeout: 20_000 })
    await desktop.do('quit', {}, 'asked')
    desktop.tell('answer', { response: 0 })
    expect(await desktop.ended).toBe(0)
    expect(desktop.printed).toMatch(/Left running: engine alpha \(pid \d+\), engine beta \(pid \d+\)/)
    for (const { pid } of engines) expect(isAlive(pid!)).toBe(true)

    const next = start(['--scene', 'two-engines'])
    await next.first('load')
    await next.do('quit', {}, 'asked')
    next.tell('answer', { response: 1 })
    expect(await next.ended).toBe(0)
    for (const { pid } of engines) expect(isAlive(pid!)).toBe(false)
  })

  it('SIGTERM asks nobody', async () => {
    const desktop = start()
    await desktop.first('load')
    desktop.child.kill('SIGTERM')
    desktop.child.kill('SIGTERM')
    expect(await desktop.ended).toBe(0)
    expect(await endLeftovers(state)).toEqual([])
  })
})
