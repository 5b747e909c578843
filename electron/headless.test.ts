// The headless entry as a program: its one ready line, its refusals, two of them on one folder, its end and what outlives it.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting, OwnCost } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import type { GpuFrame } from '../shared/gpu.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { endLeftovers, openCore, root, type Core, type CoreFlags } from '../e2e/core.ts'
import { isAlive, READY, startProgram, type Program } from '../e2e/program.ts'
import { SCENES } from './sim/scenes.ts'

let state = ''
const programs: Program[] = []
const cores: Core[] = []
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), 'ov-head-'))))
afterEach(async () => {
  for (const { pid, signal } of programs.splice(0)) if (isAlive(pid)) signal('SIGKILL')
  for (const core of cores.splice(0)) await core.close()
  await endLeftovers(state)
  rmSync(state, { recursive: true, force: true })
})

const WITHIN = { timeout: 30_000, interval: 50 }

function headless(words: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const program = startProgram([process.execPath, join(root, 'electron/headless.ts'), ...words], { cwd: root, env: { ...process.env, OVERLAP_TOKEN: undefined, ...env } })
  programs.push(program)
  return program
}

async function core(flags: CoreFlags): Promise<Core> {
  const opened = await openCore({ state, ...flags })
  cores.push(opened)
  return opened
}

/** A PATH on which a program called nvidia-smi stands, or none at all. */
function pathWith(nvidiaSmi: string | null): string {
  const folder = mkdtempSync(join(state, 'path-'))
  if (nvidiaSmi !== null) writeFileSync(join(folder, 'nvidia-smi'), nvidiaSmi, { mode: 0o755 })
  const elsewhere = (process.env['PATH'] ?? '').split(':').filter((entry) => !existsSync(join(entry, 'nvidia-smi')))
  return [folder, ...elsewhere].join(':')
}

/** Pids of nvidia-smi streams that the core of this state folder runs. */
function streams(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return argv.includes('nvidiaSmi.ts') && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`OVERLAP_SIM=${state}/`)
    } catch {
      return false
    }
  })
}

async function enginesReady(opened: Core): Promise<Engine[]> {
  return await vi.waitFor(async () => {
    const engines = await opened.first<Engine[]>('engine.list')
    expect(engines.map((engine) => engine.state)).toEqual(['ready', 'ready'])
    return engines
  }, { timeout: 40_000, interval: 300 })
}

describe('the ready line', () => {
  it('is all of standard output, and names a port that answers', async () => {
    const program = headless(['--port', '0', '--state', state, '--scene', 'mps-off'])
    const [, url = ''] = await program.until(READY)
    expect(program.stdout()).toMatch(/^Overlap ready http:\/\/127\.0\.0\.1:\d+\/#token=[A-Za-z0-9_-]{32}\n$/)
    expect((await fetch(`${url}api/workstation/greeting`)).status).toBe(401)
    expect(program.stderr()).toMatch(/^Simulated workstation, scene mps-off: no number below comes from a GPU\.\n$/)
  })

  it('takes the token of OVERLAP_TOKEN, which nothing that is started inherits', async () => {
    const token = 'token-for-this-test-only'
    const opened = await core({ scene: 'two-engines', env: { OVERLAP_TOKEN: token } })
    expect(opened.token).toBe(token)
    const engines = await enginesReady(opened)
    const pids = [...engines.flatMap((engine) => engine.pids), ...streams()]
    expect(pids.length).toBeGreaterThan(4)
    for (const pid of pids) expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(token)
    const folder = join(state, 'sim/two-engines')
    for (const name of ['ledger.jsonl', 'overlap.log', 'settings.json']) expect(readFileSync(join(folder, name), 'utf8')).not.toContain(token)
  })
})

it('lists its flags, and every scene with what it shows', async () => {
  const program = headless(['--help'])
  expect(await program.ended).toEqual({ code: 0, signal: null })
  const lines = program.stdout().split('\n')
  expect(lines[0]).toBe('npm start -- [flags]')
  for (const [name, { sentence }] of Object.entries(SCENES)) expect(lines.find((line) => line.startsWith(`  ${name} `))).toContain(sentence)
})

it('what watching costs is measured anew for whoever asks', async () => {
  const opened = await core({ real: true, env: { PATH: pathWith(null) } })
  const first = await opened.first<OwnCost>('workstation.cost')
  await vi.waitFor(async () => expect((await opened.first<OwnCost>('workstation.cost')).atMs).toBeGreaterThan(first.atMs + 500), { timeout: 20_000 })
  // the percentile is of samples that the watch over the event loop took
  for (const value of [first.corePercent, first.residentMiB, first.eventLoopDelayP99Ms]) expect(value).toBeGreaterThan(0)
})

describe('a refusal is two sentences and exit code 1', () => {
  it.each<[string, string[], NodeJS.ProcessEnv, RegExp]>([
    ['a flag without its value', ['--state'], {}, /^--state needs a value\.\nnpm start -- /],
    ['an unknown flag', ['--colour'], {}, /^--colour is not understood\.\nnpm start -- \[flags\]\n {2}--headless /],
    ['a word that is no flag', ['7650'], {}, /^7650 is not understood\.\nnpm start -- \[flags\]\n/],
    ['a flag without its value', ['--port'], {}, /^--port /],
    ['a port that is none', ['--port', '70000'], {}, /^--port 70000 is not a port\.\n/],
    ['a scene and --real', ['--scene', 'mps-off', '--real'], {}, /^--scene and --real contradict each other\.\n/],
    ['a short token', ['--scene', 'mps-off'], { OVERLAP_TOKEN: 'short' }, /^OVERLAP_TOKEN cannot be used\.\nUse 16 to 256 /],
    ['a state folder that cannot be made', ['--scene', 'mps-off', '--state', '/dev/null/x'], {}, /^The folder \/dev\/null\/x\/sim\/mps-off cannot be used: ENOTDIR.*\nChoose another with --state DIR\.\n$/],
    ['a state folder that cannot be written', ['--real', '--state', '/sys'], {}, /^The folder \/sys cannot be used: E[A-Z]+: .*'\.\nChoose another with --state DIR\.\n$/],
  ])('for %s', async (_, words, env, expected) => {
    const program = headless(words.includes('--state') ? words : [...words, '--state', state], env)
    expect(await program.ended).toEqual({ code: 1, signal: null })
    expect(program.stderr()).toMatch(expected)
    expect(program.stdout()).toBe('')
  })

  it('for a port that is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    const { port } = holder.address() as AddressInfo
    const program = headless(['--port', String(port), '--state', state, '--scene', 'mps-off'])
    expect(await program.ended).toEqual({ code: 1, signal: null })
    expect(program.stderr()).toBe(`Port ${port} is taken.\nChoose another with --port, or --port 0 for any free one.\n`)
    expect(existsSync(join(state, 'sim/mps-off/core.json'))).toBe(false)
    holder.close()
  })
})

describe('one state folder', () => {
  it('has one core; a second one points to it, and after kill -9 the next one takes over', async () => {
    const first = await core({ scene: 'mps-off' })
    const second = headless(['--state', state, '--scene', 'mps-off'])
    expect(await second.ended).toEqual({ code: 0, signal: null })
    expect(second.stdout()).toBe(`Overlap ready ${first.url}#token=${first.token}\n`)
    expect(second.stderr()).toContain(`Overlap already runs here as process ${first.pid}.`)
    first.signal('SIGKILL')
    await first.exited
    const third = await core({ scene: 'mps-off' })
    expect(third.token).not.toBe(first.token)
  })

  it('started twice at the same moment has one core, and both print its line', async () => {
    const both = [1, 2].map(() => headless(['--port', '0', '--state', state, '--scene', 'mps-off']))
    const lines = await Promise.all(both.map((program) => program.until(READY)))
    expect(lines[0]![0]).toBe(lines[1]![0])
    expect(both.filter((program) => program.stderr().includes('already runs here'))).toHaveLength(1)
  })

  it('with broken settings: kept aside, said in the terminal and in the greeting', async () => {
    const before = await core({ scene: 'two-engines' })
    const engines = await enginesReady(before)
    before.signal('SIGTERM')
    await before.exited
    const folder = join(state, 'sim/two-engines')
    const half = readFileSync(join(folder, 'settings.json'), 'utf8').slice(0, -20)
    writeFileSync(join(folder, 'settings.json'), half)
    const after = await core({ scene: 'two-engines' })
    const [aside = ''] = readdirSync(folder).filter((name) => name.startsWith('settings.json.broken-'))
    expect(readFileSync(join(folder, aside), 'utf8')).toBe(half)
    expect(after.printed()).toContain(`The file ${join(folder, 'settings.json')} cannot be used`)
    expect((await after.call<Greeting>('workstation.greeting')).faults).toMatchObject([{ code: 'CONFIG_BROKEN', hint: expect.stringContaining(aside) as string }])
    // what ran is the same, and can be ended again
    expect(new Set((await enginesReady(after)).map(({ pid }) => pid))).toEqual(new Set(engines.map(({ pid }) => pid)))
  })
})

describe('the end', () => {
  it('by SIGTERM ends the streams and leaves the engines, which the next start adopts; so does kill -9', async () => {
    const first = await core({ scene: 'two-engines' })
    const engines = await enginesReady(first)
    const watched = streams()
    expect(watched.length).toBeGreaterThanOrEqual(3)
    first.signal('SIGTERM')
    expect(await first.exited).toEqual({ code: 0, signal: null })
    expect(watched.filter(isAlive)).toEqual([])
    for (const { spec, pid } of engines) {
      expect(isAlive(pid ?? 0)).toBe(true)
      expect(first.printed()).toContain(`engine ${spec.name} (pid ${pid})`)
    }
    const second = await core({ scene: 'two-engines' })
    expect((await enginesReady(second)).map(({ pid }) => pid)).toEqual(engines.map(({ pid }) => pid))
    const orphans = streams()
    second.signal('SIGKILL')
    await second.exited
    await vi.waitFor(() => expect(orphans.filter(isAlive)).toEqual([]), WITHIN)
    const third = await core({ scene: 'two-engines' })
    expect((await enginesReady(third)).map(({ pid }) => pid)).toEqual(engines.map(({ pid }) => pid))
  })

  it('comes once, however often it is asked for', async () => {
    const program = headless(['--port', '0', '--state', state, '--scene', 'two-engines'])
    await program.until(READY)
    await vi.waitFor(() => expect(streams().length).toBeGreaterThan(0), WITHIN)
    program.signal('SIGTERM')
    program.signal('SIGINT')
    program.signal('SIGTERM')
    expect(await program.ended).toEqual({ code: 0, signal: null })
    expect(program.stderr()).not.toMatch(/Error|at .*\.ts:/)
    expect(streams()).toEqual([])
  })

  it('while MPS is being started ends its daemon too, and starts no engine', async () => {
    const opened = await core({ scene: 'two-engines' })
    await vi.waitFor(async () => expect((await opened.first<MpsDaemon[]>('mps.daemons'))[0]?.state).toBe('starting'), { timeout: 20_000, interval: 20 })
    opened.signal('SIGTERM')
    expect(await opened.exited).toEqual({ code: 0, signal: null })
    expect(opened.printed()).not.toContain('Left running')
    expect(await endLeftovers(state)).toEqual([])
  })

  it('during the start leaves nothing behind and prints no ready line', async () => {
    // a driver that hangs: Overlap still waits for its first answer
    const asked = join(state, 'asked')
    const program = headless(['--port', '0', '--state', state], { PATH: pathWith(`#!/bin/sh\necho $$ > ${asked}\nexec sleep 600\n`) })
    const pid = await vi.waitFor(() => {
      const number = Number(readFileSync(asked, 'utf8'))
      expect(number).toBeGreaterThan(0)
      return number
    }, WITHIN)
    program.signal('SIGTERM')
    expect(await program.ended).toEqual({ code: 0, signal: null })
    expect(program.stdout()).toBe('')
    expect(isAlive(pid)).toBe(false)
  })

  it('is clean when whoever read the output has gone', async () => {
    const sh = startProgram(['/bin/sh', '-c', `"$0" "$@" 2>&1 | head -n 1`, process.execPath, join(root, 'electron/headless.ts'), '--port', '0', '--state', state, '--scene', 'mps-off'], { cwd: root })
    programs.push(sh)
    const file = join(state, 'sim/mps-off/core.json')
    const pid = await vi.waitFor(() => {
      const written = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; ready: boolean }
      expect(written.ready).toBe(true)
      return written.pid
    }, WITHIN)
    await vi.waitFor(() => expect(streams().length).toBeGreaterThan(0), WITHIN)
    process.kill(pid, 'SIGTERM')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WITHIN)
    expect(existsSync(file)).toBe(false)
    expect(streams()).toEqual([])
  })
})

describe('without a GPU', () => {
  it('--real shows living screens whose states are named', async () => {
    const opened = await core({ real: true, env: { PATH: pathWith(null) } })
    expect((await opened.call<Greeting>('workstation.greeting')).simulated).toBe(false)
    const frame = await vi.waitFor(async () => {
      const seen = await opened.first<GpuFrame | null>('gpu.frames')
      expect(seen?.streams.length).toBeGreaterThan(0)
      return seen
    }, WITHIN)
    expect(JSON.stringify(frame)).toContain('TOOL_MISSING')
    expect(opened.printed()).not.toMatch(/Error|at .*\.ts:/)
  })

  it('simulates, and says so, where nvidia-smi finds no driver', async () => {
    const opened = await core({ env: { PATH: pathWith('#!/bin/sh\necho "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."\nexit 9\n') } })
    expect(opened.printed()).toContain('Simulated workstation, scene two-engines')
    expect((await opened.call<Greeting>('workstation.greeting')).scene).toBe('two-engines')
  })
})

describe('real or simulated', () => {
  const says = (text: string, exitCode: number) => `#!/bin/sh\necho "${text}"\nexit ${exitCode}\n`
  it.each([
    ['no nvidia-smi', null, true],
    ['no driver', says("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9), true],
    ['no GPU', says('No devices were found', 6), true],
    ['a lost GPU', says('Unable to determine the device handle for GPU0000:07:00.0: Unknown Error', 255), false],
    ['a driver and library that differ', says('Failed to initialize NVML: Driver/library version mismatch', 18), false],
  ])('%s: a real machine in trouble is never hidden behind a simulated one', async (_name, nvidiaSmi, simulated) => {
    const opened = await core({ env: { PATH: pathWith(nvidiaSmi) } })
    expect((await opened.call<Greeting>('workstation.greeting')).simulated).toBe(simulated)
  })
})
