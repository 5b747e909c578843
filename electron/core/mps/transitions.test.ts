// Starting and stopping against a control program that does what a GPU would let it do, or lies. The host shows no sockets and
// no locks here, as some sandboxes do, so the program's own words decide.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Clock, HandClock, systemClock } from '../kit/clock.ts'
import { Procfs } from '../host/procfs.ts'
import type { GpuDaemonParts } from './daemon.ts'
import { bench, type Bench } from './realDaemon.testkit.ts'
import { STAND_IN, type StandInState } from './standIn.testkit.ts'

/** Faster than the wall clock, so that no test waits long for a limit. */
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
  const mps = here.gpuDaemon({ clock: faster(8), procfs: new Procfs({ root: join(here.folder, 'no-proc') }), ...parts })
  return { mps, here, write, read, said: () => readFileSync(`${path}.said`, 'utf8').split('\n') }
}
const fault = (code: string, sentence: RegExp = /./) => expect.objectContaining({ fault: expect.objectContaining({ code, sentence: expect.stringMatching(sentence), hint: expect.stringMatching(/./) }) })
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
    const preview = mps.preview({ action: 'start', forceAfterSeconds: null, sharePercent: null })
    const states: string[] = []
    mps.state.subscribe(({ state }) => void (states.at(-1) === state || states.push(state)))
    await mps.start()
    expect(states).toEqual(['stopped', 'starting', 'noServer', 'running'])
    expect(mps.state.value).toMatchObject({ state: 'running', servers: [{ pid: 528, status: 'ACTIVE' }], fault: null, proof: { listening: null, lockOwnerPid: null, answers: true } })
    expect(mps.clientEnvironment()).toEqual({ CUDA_MPS_PIPE_DIRECTORY: here.pipe })
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
    expect(mps.clientEnvironment()).toBeNull()
  }, 20_000)

  it('refuses a path that no socket address holds, and a missing program, with a hint', async () => {
    const { mps } = standIn({}, { directories: { pipe: `/tmp/${'x'.repeat(84)}`, log: '/tmp/x-log' } })
    await expect(mps.start()).rejects.toEqual(fault('BAD_INPUT', /89 bytes/))
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

  it('that is only said is told as such', async () => {
    const { mps, said } = standIn({ ...served('ACTIVE', []), deafTo: ['quit'] })
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
    await Promise.all([mps.restart({ forceAfterSeconds: null }), mps.setDefaultShare(60)])
    expect(mps.state.value).toMatchObject({ state: 'running', defaultSharePercent: 60 })
    const orders = said().filter((words) => /^(quit|-d|start_server|set_)/.test(words))
    expect(orders).toEqual(['quit', '-d', expect.stringMatching(/^start_server -uid \d+$/), expect.stringContaining('set_default_active_thread_percentage 60')])
  })
})

describe("Overlap's end", () => {
  it('does not wait for a stop under way, whose order the daemon has', async () => {
    const { mps, said } = standIn({ ...served('ACTIVE', [42]), slowTo: ['quit'] }, { clock: systemClock })
    const stopped = expect(mps.stop({ forceAfterSeconds: 40 })).rejects.toEqual(fault('WRONG_STATE', /closing/))
    await vi.waitFor(() => expect(said()).toContain('quit -t 40'), 10_000)
    const sinceMs = Date.now()
    await mps.stopIfIdle()
    await mps.close()
    expect(Date.now() - sinceMs).toBeLessThan(2000)
    await stopped
    await expect(mps.start()).rejects.toEqual(fault('WRONG_STATE', /closing/))
    expect(said().filter((words) => words.startsWith('quit'))).toEqual(['quit -t 40'])
  })

  it('does not wait for a start under way, and stops its daemon when nobody uses it', async () => {
    const { mps, said } = standIn({ initialising: 1e9 }, { clock: systemClock })
    const started = expect(mps.start()).rejects.toEqual(fault('WRONG_STATE', /closing/))
    await vi.waitFor(() => expect(mps.state.value.state).toBe('noServer'), 10_000)
    await mps.stopIfIdle()
    await started
    expect(mps.state.value).toMatchObject({ state: 'stopped', fault: null })
    expect(said()).toContain('quit')
  })
})

describe('the preview', () => {
  it('shows the forced stop, and the share, as they would be said', async () => {
    const { mps, said } = standIn(served('ACTIVE', [42]))
    await mps.check()
    const words = (asked: Partial<Parameters<typeof mps.preview>[0]>) => mps.preview({ action: 'stop', forceAfterSeconds: null, sharePercent: null, ...asked }).map(({ argv, stdin }) => stdin?.split('\n')[0] ?? argv.at(-1))
    expect(words({})).toEqual(['quit'])
    expect(words({ forceAfterSeconds: 3 })).toEqual(['quit -t 3'])
    expect(words({ action: 'restart', forceAfterSeconds: 3 })).toEqual(['quit -t 3', '-d', expect.stringContaining('start_server')])
    expect(words({ action: 'setDefaultShare', sharePercent: 40 })).toEqual(['set_default_active_thread_percentage 40'])
    expect(() => words({ action: 'setDefaultShare' })).toThrow(fault('BAD_INPUT', /share/))
    expect(said().join()).not.toMatch(/quit|set_/)
  })
})

describe('a running daemon', () => {
  it('in FAULT is no place for a new client, and is healed by its own word', async () => {
    const clock = new HandClock()
    const { mps, write } = standIn(served('FAULT', [42]), { clock })
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'faulted', clients: [{ pid: 42, serverPid: 528, command: '/usr/bin/python3' }], controlVersion: '13000' })
    expect(mps.clientEnvironment()).toBeNull()
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

  it('ends the GPU work of the clients that were named, and of no other', async () => {
    const { mps, read } = standIn(served('ACTIVE', [42, 43]))
    await mps.terminateClients([43, 99])
    expect(read().servers[0]?.clients).toEqual([42])
    expect(mps.state.value.clients.map(({ pid }) => pid)).toEqual([42])
  })
})
