// Starting and stopping against a control program that does what a GPU would let it do, or lies. The host shows no sockets and
// no locks here, as some sandboxes do, so the program's own words decide.
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Clock, HandClock, systemClock } from '../kit/clock.ts'
import { Procfs } from '../host/procfs.ts'
import type { LimitsChange } from '../../../shared/mps.ts'
import type { GpuDaemonParts } from './daemon.ts'
import { bench, type Bench } from './realDaemon.testkit.ts'
import { STAND_IN, type StandInState } from './standIn.testkit.ts'

/** Faster than the wall clock, so that no test waits long for what never comes. Where something comes, a slow machine needs the whole time. */
const start = systemClock.now()
const faster = (speed: number): Clock => ({
  now: () => start + (systemClock.now() - start) * speed,
  steady: () => systemClock.steady() * speed,
  after: (ms, call) => systemClock.after(ms / speed, call),
  every: (ms, call) => systemClock.every(ms / speed, call),
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
})

let open: Bench | null = null
afterEach(async () => {
  await open?.close()
  open = null
})

function standIn(change: Partial<StandInState> = {}, parts: Partial<GpuDaemonParts> = {}) {
  const env: Record<string, string> = {}
  const here = (open = bench({ nvidiaSmi: [], mpsControl: [process.execPath, fileURLToPath(new URL('standIn.testkit.ts', import.meta.url))], env }))
  const path = (env['STAND_IN'] = join(here.folder, 'state.json'))
  const write = (state: Partial<StandInState>) => writeFileSync(path, JSON.stringify({ ...read(), ...state }))
  const read = (): StandInState => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as StandInState
    } catch {
      return STAND_IN
    }
  }
  write(change)
  const mps = here.gpuDaemon({ procfs: new Procfs({ root: join(here.folder, 'no-proc') }), ...parts })
  return { mps, here, write, read, said: () => readFileSync(`${path}.said`, 'utf8').split('\n') }
}
const fault = (code: string, sentence: RegExp = /./) => expect.objectContaining({ fault: expect.objectContaining({ code, sentence: expect.stringMatching(sentence), hint: expect.stringMatching(/./) }) })
const toDefault = (sharePercent: number | null, pinnedMemoryMiB: number | null = null): LimitsChange => ({ of: 'default', sharePercent, pinnedMemoryMiB })
const served = (status: string, clients: number[]) => ({ running: true, servers: [{ pid: 528, status, clients }] })

it('a fatal GPU error that is over when one looks is told of from server.log', async () => {
  const { mps, here } = standIn(served('ACTIVE', [42]))
  mkdirSync(here.log, { recursive: true })
  const atMs = Date.now() - 60_000
  const local = new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000).toISOString().replace('T', ' ').replace('Z', '')
  writeFileSync(join(here.log, 'server.log'), `[${local} Server   528] Client {PID: 41, Context: 1} encountered a fatal GPU error.\n`)
  await mps.start()
  expect(mps.state.value).toMatchObject({ state: 'running', fault: null, sentence: expect.stringContaining(`1 client attached. A fatal GPU error at ${new Date(atMs).toTimeString().slice(0, 8)} reached`) })
  expect(mps.state.value.sentence).not.toMatch(/41/)
})

describe('starting', () => {
  it('ends with an ACTIVE server, every step on the state, in the commands that the preview showed', async () => {
    const { mps, said, here } = standIn({ initialising: 2 })
    const preview = mps.preview({ action: 'start', forceAfterSeconds: null, limits: null })
    const states: string[] = []
    mps.state.subscribe(({ state }) => void (states.at(-1) === state || states.push(state)))
    await mps.start()
    expect(states).toEqual(['stopped', 'starting', 'noServer', 'running'])
    expect(mps.state.value).toMatchObject({ state: 'running', servers: [{ pid: 528, status: 'ACTIVE' }], fault: null, proof: { listening: null, lockOwnerPid: null, answers: true } })
    expect(mps.clientPipeDirectory).toBe(here.pipe)
    expect(preview.map(({ argv, stdin }) => stdin?.split('\n')[0] ?? argv.at(-1))).toEqual(said().filter((words) => /^(-d|start_server)/.test(words)))
    expect(preview[0]?.env).toMatchObject({ CUDA_MPS_PIPE_DIRECTORY: here.pipe, CUDA_MPS_LOG_DIRECTORY: here.log, CUDA_VISIBLE_DEVICES: mps.state.value.gpuUuid })
    await mps.start() // again: nothing to do
    expect(said().filter((words) => /^(-d|start_server)/.test(words))).toHaveLength(2)
  })

  it.each<[string, Partial<StandInState>, string, RegExp, string]>([
    ['a silent exit code 100 is the missing GPU', { startExit: 100 }, 'NO_CUDA_DEVICE', /no GPU/, 'stopped'],
    ['244 is the missing driver library', { startExit: 244 }, 'COMMAND_FAILED', /driver library/, 'stopped'],
    ['exit code 0 without a daemon is no success', { deafTo: ['-d'] }, 'MPS_NO_PROOF', /nothing answers/, 'stopped'],
    ['a server that never appears is no success', { deafTo: ['start_server'] }, 'MPS_NO_PROOF', /did nothing/, 'noServer'],
    ['a server that never gets ready is no success', { initialising: 1e9 }, 'MPS_NO_PROOF', /ACTIVE in a minute/, 'noServer'],
  ])('%s', async (_, change, code, sentence, state) => {
    const { mps } = standIn(change, { clock: faster(change.initialising ? 60 : 8) })
    await expect(mps.start()).rejects.toEqual(fault(code, sentence))
    expect(mps.state.value).toMatchObject({ state, fault: { code } })
    expect(mps.clientPipeDirectory).toBeNull()
  }, 20_000)

  it('refuses a path that no socket address holds, and a missing program, with a hint', async () => {
    const { mps } = standIn({}, { directories: { pipe: `/tmp/${'x'.repeat(83)}`, log: '/tmp/x-log' } })
    await expect(mps.start()).rejects.toEqual(fault('BAD_INPUT', /88 bytes/))
    await open?.close()
    const { mps: without } = standIn({}, { tools: { nvidiaSmi: [], mpsControl: ['/nowhere/nvidia-cuda-mps-control'], env: {} } })
    await without.check()
    expect(without.state.value.fault?.code).toBe('TOOL_MISSING')
    await expect(without.start()).rejects.toEqual(fault('TOOL_MISSING'))
  })
})

describe('stopping', () => {
  it('with clients asks for consent by name; with consent forces, and is seen to be over', async () => {
    const { mps, said, read } = standIn(served('ACTIVE', [42, 43, 43]), { nameOf: (pid) => (pid === 42 ? 'Llama A' : null) })
    await expect(mps.stop({ forceAfterSeconds: null })).rejects.toEqual(fault('NEEDS_CONSENT', /Llama A, \/usr\/bin\/python3\./))
    expect(mps.state.value).toMatchObject({ state: 'running', fault: null, sentence: expect.stringContaining('2 clients attached') })
    expect(read().running).toBe(true)
    const states: string[] = []
    mps.state.subscribe(({ state }) => void (states.at(-1) === state || states.push(state)))
    await mps.stop({ forceAfterSeconds: 3 })
    expect(states).toEqual(['running', 'draining', 'stopped'])
    expect(said()).toContain('quit -t 3')
  })

  it('asks for consent too while an engine is being started for it, and then is forced, so that it does not wait for that engine', async () => {
    const { mps, said } = standIn(served('ACTIVE', []), { onTheirWay: () => ['Llama B'] })
    await expect(mps.stop({ forceAfterSeconds: null })).rejects.toEqual(fault('NEEDS_CONSENT', /^Being started under MPS: Llama B\.$/))
    await expect(mps.restart({ forceAfterSeconds: null })).rejects.toEqual(fault('NEEDS_CONSENT'))
    expect(said()).not.toContain('quit')
    await mps.stop({ forceAfterSeconds: 3 })
    expect(said()).toContain('quit -t 3')
  })

  it('that is only said is told as such', async () => {
    const { mps, said } = standIn({ ...served('ACTIVE', []), deafTo: ['quit'] }, { clock: faster(8) })
    await expect(mps.stop({ forceAfterSeconds: null })).rejects.toEqual(fault('MPS_NO_PROOF', /still runs/))
    expect(mps.state.value).toMatchObject({ state: 'running', fault: null })
    expect(said().filter((words) => words === 'quit').length).toBeGreaterThan(1) // a lost order is given again
  }, 20_000)

  it('of nothing is done', async () => {
    const { mps, said } = standIn()
    await mps.stop({ forceAfterSeconds: null })
    expect(mps.state.value.state).toBe('stopped')
    expect(said()).not.toContain('quit')
  })

  it('and starting again is one transition, and takes its turn', async () => {
    const { mps, said } = standIn({ ...served('ACTIVE', []), share: 30 })
    await Promise.all([mps.restart({ forceAfterSeconds: null }), mps.setLimits(toDefault(60))])
    expect(mps.state.value).toMatchObject({ state: 'running', limits: { default: { sharePercent: 60 } } })
    const orders = said().filter((words) => /^(quit|-d|start_server|set_)/.test(words))
    expect(orders).toEqual(['quit', '-d', expect.stringMatching(/^start_server -uid \d+$/), expect.stringContaining('set_default_active_thread_percentage 60')])
  })
})

describe("Overlap's end", () => {
  it('does not wait for a stop under way, whose order the daemon has', async () => {
    const { mps, said, read } = standIn({ ...served('ACTIVE', [42]), slowTo: ['quit'] })
    const stopped = expect(mps.stop({ forceAfterSeconds: 40 })).rejects.toEqual(fault('WRONG_STATE', /closing/))
    await vi.waitFor(() => expect(said()).toContain('quit -t 40'), 10_000)
    await mps.stopIfIdle()
    await mps.close()
    expect(read().running).toBe(true) // the daemon is still at it
    await stopped
    await expect(mps.start()).rejects.toEqual(fault('WRONG_STATE', /closing/))
    expect(said().filter((words) => words.startsWith('quit'))).toEqual(['quit -t 40'])
  })

  it('does not wait for a start under way, and stops its daemon when nobody uses it', async () => {
    const { mps, said } = standIn({ initialising: 1e9 })
    const started = expect(mps.start()).rejects.toEqual(fault('WRONG_STATE', /closing/))
    await vi.waitFor(() => expect(mps.state.value.state).toBe('noServer'), 10_000)
    await mps.stopIfIdle()
    await started
    expect(mps.state.value).toMatchObject({ state: 'stopped', fault: null })
    expect(said()).toContain('quit')
  })
})

describe('the preview', () => {
  it('shows the forced stop, and the limits, as they would be said', async () => {
    const { mps, said } = standIn(served('ACTIVE', [42]))
    await mps.check()
    const words = (asked: Partial<Parameters<typeof mps.preview>[0]>) => mps.preview({ action: 'stop', forceAfterSeconds: null, limits: null, ...asked }).map(({ argv, stdin }) => stdin?.split('\n')[0] ?? argv.at(-1))
    expect(words({})).toEqual(['quit'])
    expect(words({ forceAfterSeconds: 3 })).toEqual(['quit -t 3'])
    expect(words({ action: 'restart', forceAfterSeconds: 3 })).toEqual(['quit -t 3', '-d', expect.stringContaining('start_server')])
    expect(words({ action: 'setLimits', limits: toDefault(40) })).toEqual(['set_default_active_thread_percentage 40'])
    expect(words({ action: 'setLimits', limits: { of: 'server', sharePercent: 30, pinnedMemoryMiB: 4096 } })).toEqual(['set_active_thread_percentage 528 30', 'set_device_pinned_mem_limit 528 0 4096M'])
    expect(() => words({ action: 'setLimits' })).toThrow(fault('BAD_INPUT', /limits/))
    expect(said().join()).not.toMatch(/quit|set_/)
  })
})

describe('a running daemon', () => {
  it('in FAULT is no place for a new client, and is healed by its own word', async () => {
    const clock = new HandClock()
    const { mps, write } = standIn(served('FAULT', [42]), { clock })
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'faulted', clients: [{ pid: 42, serverPid: 528, command: '/usr/bin/python3' }], controlVersion: '13000' })
    expect(mps.clientPipeDirectory).toBeNull()
    write(served('ACTIVE', []))
    await mps.check()
    expect(mps.state.value.state).toBe('faulted') // asked a moment ago
    await clock.advance(10_000)
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'running', clients: [] })
  })

  it('whose server calls itself FAULT before it ever started has a server that fails to start, not a GPU fault', async () => {
    const clock = new HandClock()
    const { mps, here } = standIn(served('FAULT', []), { clock })
    mkdirSync(here.log)
    writeFileSync(join(here.log, 'control.log'), '[2026-11-23 22:35:37.364 Control   1] Starting new server 528 for user 0\n')
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'noServer', servers: [{ pid: 528, status: 'INITIALIZING' }], fault: null })
    appendFileSync(join(here.log, 'server.log'), '[2026-11-23 22:35:37.397 Other   528] Failed to start : no CUDA-capable device is detected\n')
    await mps.check() // the log has grown: asked at once
    expect(mps.state.value).toMatchObject({ state: 'noServer', servers: [], fault: { code: 'NO_CUDA_DEVICE' } })
  })

  it('whose log cannot be looked at is shown all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ov-log-'))
    try {
      symlinkSync('log', join(folder, 'log')) // fails as a closed folder of another user's does, for root too
      const { mps } = standIn(served('ACTIVE', [42]), { directories: { pipe: join(folder, 'pipe'), log: join(folder, 'log') } })
      await mps.check()
      expect(mps.state.value).toMatchObject({ state: 'running', clients: [{ pid: 42 }] })
      expect(await mps.log(5)).toEqual({ control: [], server: [] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('ends the GPU work of the clients that were named, and of no other', async () => {
    const { mps, read } = standIn(served('ACTIVE', [42, 43]))
    await mps.terminateClients([43, 99])
    expect(read().servers[0]?.clients).toEqual([42])
    expect(mps.state.value.clients.map(({ pid }) => pid)).toEqual([42])
  })
})

describe('limits', () => {
  const orders = (said: () => string[]) => said().flatMap((words) => words.split('; ')).filter((words) => /^(quit|-d|start_server|set_)/.test(words))

  it('of the default are kept, and said again before every server, as the preview shows', async () => {
    const { mps, said } = standIn(served('ACTIVE', []))
    await mps.setLimits(toDefault(40, 8192))
    expect(mps.state.value.limits).toMatchObject({ wanted: { sharePercent: 40, pinnedMemoryMiB: 8192 }, default: { sharePercent: 40, pinnedMemory: '8G' } })
    const preview = mps.preview({ action: 'restart', forceAfterSeconds: null, limits: null }).map(({ stdin }) => stdin?.split('\n')[0] ?? '-d')
    await mps.restart({ forceAfterSeconds: null })
    const set = ['set_default_active_thread_percentage 40', 'set_default_device_pinned_mem_limit 0 8192M']
    expect(orders(said)).toEqual([...set, 'quit', '-d', ...set, expect.stringMatching(/^start_server/)])
    expect(preview).toEqual(['quit', '-d', set[0], expect.stringMatching(/^start_server/)])
    await mps.check()
    expect(mps.state.value.limits).toMatchObject({ default: { sharePercent: 40, pinnedMemory: '8G' }, servers: [{ pid: 528, sharePercent: 40, pinnedMemory: '8G', changedAtMs: null }] })
    await mps.setLimits(toDefault(null))
    expect(mps.state.value.limits).toMatchObject({ wanted: { sharePercent: null, pinnedMemoryMiB: null }, default: { sharePercent: 100, pinnedMemory: 'none' } })
    await mps.restart({ forceAfterSeconds: null })
    expect(orders(said).slice(-3)).toEqual(['quit', '-d', expect.stringMatching(/^start_server/)])
  })

  it('that were set while nothing ran, or in an earlier run, wait for the start', async () => {
    const { mps, said } = standIn({}, { limits: { sharePercent: 25, pinnedMemoryMiB: null } })
    await mps.setLimits(toDefault(30, 512))
    expect(orders(said)).toEqual([])
    expect(mps.preview({ action: 'setLimits', forceAfterSeconds: null, limits: toDefault(30, 512) })).toEqual([])
    await mps.start()
    expect(mps.state.value).toMatchObject({ state: 'running', limits: { wanted: { sharePercent: 30, pinnedMemoryMiB: 512 }, default: { sharePercent: 30, pinnedMemory: '512M' } } })
  })

  it.each([['set_default_device_pinned_mem_limit', 'pinnedMemoryMiB'], ['set_default_active_thread_percentage', 'sharePercent']])('a daemon that swallows %s gets no server without it', async (verb, field) => {
    const { mps, read } = standIn({ deafTo: [verb] }, { limits: { sharePercent: 40, pinnedMemoryMiB: 8192 } })
    await expect(mps.start()).rejects.toEqual(verb.includes('mem') ? fault('MPS_NO_PROOF', /none instead of 8G/) : fault('MPS_BUSY'))
    expect(read().servers).toEqual([])
    if (verb.includes('mem')) expect(mps.state.value).toMatchObject({ state: 'noServer', fault: { code: 'MPS_NO_PROOF', field } })
  }, 20_000)

  it('that no GPU can have are refused, and nothing is said', async () => {
    const { mps, said } = standIn(served('ACTIVE', []))
    await mps.check()
    await expect(mps.setLimits(toDefault(40, 90_000))).rejects.toEqual(fault('BAD_INPUT', /81559 MiB/))
    await expect(mps.setLimits({ of: 'server', sharePercent: 40, pinnedMemoryMiB: 90_000 })).rejects.toEqual(fault('BAD_INPUT'))
    expect(orders(said)).toEqual([])
    expect(mps.state.value).toMatchObject({ fault: null, limits: { wanted: { sharePercent: null } } })
  })

  it("of the running server are its own: set, read back, told apart from the default, lifted to the whole GPU", async () => {
    const { mps, said } = standIn(served('ACTIVE', [42]))
    await mps.check()
    expect(mps.state.value.limits.servers).toEqual([{ pid: 528, sharePercent: 100, pinnedMemory: 'none', changedAtMs: null }])
    await mps.setLimits({ of: 'server', sharePercent: 30, pinnedMemoryMiB: 4096 })
    expect(mps.state.value.limits).toEqual({ wanted: { sharePercent: null, pinnedMemoryMiB: null }, default: { sharePercent: 100, pinnedMemory: 'none' }, servers: [{ pid: 528, sharePercent: 30, pinnedMemory: '4G', changedAtMs: expect.any(Number) as number }] })
    const lift = { of: 'server', sharePercent: null, pinnedMemoryMiB: null } as const
    expect(mps.preview({ action: 'setLimits', forceAfterSeconds: null, limits: lift }).map(({ stdin }) => stdin?.split('\n')[0])).toEqual(['set_active_thread_percentage 528 100', 'set_device_pinned_mem_limit 528 0 81559M'])
    await mps.setLimits(lift)
    expect(orders(said).slice(-2)).toEqual(['set_active_thread_percentage 528 100', 'set_device_pinned_mem_limit 528 0 81559M'])
  })

  it('that a server may be slow to tell delay no state', async () => {
    const { mps } = standIn(served('ACTIVE', [42]))
    const told: [string, number][] = []
    mps.state.subscribe(({ state, limits }) => void told.push([state, limits.servers.length]))
    await mps.check()
    expect(told.slice(-2)).toEqual([['running', 0], ['running', 1]])
  })

  it('of a server need one that is ACTIVE', async () => {
    const { mps } = standIn(served('FAULT', [42]))
    await expect(mps.setLimits({ of: 'server', sharePercent: 30, pinnedMemoryMiB: null })).rejects.toEqual(fault('WRONG_STATE', /ACTIVE/))
  })
})
