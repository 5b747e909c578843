// A clone of the sources in a folder of its own, with stand-ins for npm and vite that are quick, count their runs and stop where a test wants them to.
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endLeftovers, root } from './core.ts'
import { isAlive, startProgram, type Program } from './program.ts'

type Step = 'install' | 'build' | 'electron'

export interface Clone {
  readonly folder: string
  readonly state: string
  /** `node`: what runs start.mjs. */
  start(words?: readonly string[], env?: NodeJS.ProcessEnv, options?: { node?: readonly string[]; terminal?: boolean }): Program
  /** Pids of the runs of one step so far. */
  runs(step: Step): number[]
  /** The step stops half-way until `release`. */
  hold(step: Step): void
  release(step: Step): void
  /** Environment variable names that a step saw. */
  seen(step: Step): string[]
  /** Ends everything that was started from here and removes it. */
  close(): Promise<void>
}

/** Common to the stand-ins: counts itself, does the first half, waits while held, does the second. */
const STEP = `
const { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const control = process.env.CLONE_CONTROL
function step(name, first, second) {
  appendFileSync(join(control, name), JSON.stringify({ pid: process.pid, names: Object.keys(process.env), argv: process.argv.slice(2) }) + '\\n')
  first()
  const go = () => (existsSync(join(control, name + '.hold')) ? setTimeout(go, 20) : second())
  go()
}
`
const NPM = `${STEP}
const from = process.env.CLONE_PACKAGES
if (existsSync(join(control, 'npm-fails'))) { console.error('npm error no network'); process.exit(1) }
step('install', () => {
  rmSync('node_modules', { recursive: true, force: true })
  mkdirSync('node_modules/half', { recursive: true })
}, () => {
  for (const name of readdirSync(from)) if (!name.startsWith('.') && !['vite', 'electron'].includes(name)) symlinkSync(join(from, name), join('node_modules', name))
  for (const name of ['vite', 'electron']) cpSync(join(control, name + '-package'), join('node_modules', name), { recursive: true })
  rmSync('node_modules/half', { recursive: true })
  cpSync(join(from, '.package-lock.json'), 'node_modules/.package-lock.json')
})
`
const VITE = `${STEP}
const out = process.argv[process.argv.indexOf('--outDir') + 1]
step('build', () => {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'index.html'), 'half')
}, () => writeFileSync(join(out, 'index.html'), 'whole'))
`
const ELECTRON = `${STEP}
step('electron', () => {}, () => process.exit(1))
`

export function openClone(): Clone {
  const top = mkdtempSync(join(tmpdir(), 'ov-clone-'))
  const folder = join(top, 'overlap')
  const state = join(top, 'state')
  const control = join(top, 'control')
  for (const name of ['electron', 'shared', 'assets', 'package.json', 'package-lock.json', 'vite.config.ts']) cpSync(join(root, name), join(folder, name), { recursive: true })
  const write = (path: string, text: string) => {
    mkdirSync(join(control, path, '..'), { recursive: true })
    writeFileSync(join(control, path), text, { mode: 0o755 })
  }
  write('npm-cli.js', NPM)
  write('vite-package/package.json', '{}')
  write('vite-package/bin/vite.js', VITE)
  write('electron-package/package.json', '{"version":"0.0.1"}')
  write('electron-package/install.js', ELECTRON)
  const lines = (step: Step) => {
    const path = join(control, step)
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { pid: number; names: string[] }) : []
  }
  const programs: Program[] = []
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|OVERLAP_|DISPLAY$|WAYLAND_DISPLAY$|VITEST|NODE_OPTIONS$)/.test(name)))
  return {
    folder,
    state,
    start(words = ['--headless', '--scene', 'mps-off'], env = {}, { node = [process.execPath], terminal = false } = {}) {
      const program = startProgram([...node, join(folder, 'electron/start.mjs'), ...words, '--port', '0', '--state', state], {
        env: { ...inherited, npm_execpath: join(control, 'npm-cli.js'), CLONE_CONTROL: control, CLONE_PACKAGES: join(root, 'node_modules'), ...env },
        terminal,
      })
      programs.push(program)
      return program
    },
    runs: (step) => lines(step).map(({ pid }) => pid),
    seen: (step) => lines(step).flatMap(({ names }) => names),
    hold: (step) => appendFileSync(join(control, `${step}.hold`), ''),
    release: (step) => rmSync(join(control, `${step}.hold`), { force: true }),
    async close() {
      for (const pid of [...programs.map((program) => program.pid), ...(['install', 'build', 'electron'] as const).flatMap((step) => lines(step).map((line) => line.pid))]) {
        if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      }
      await endLeftovers(top)
      rmSync(top, { recursive: true, force: true })
    },
  }
}
