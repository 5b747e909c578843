// NVIDIA's own control daemon, without a GPU: it runs, and its servers find no device.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PIPE_PATH_BYTES } from '../../../shared/mps.ts'
import type { Tools } from '../host/host.ts'
import { type Clock, systemClock } from '../kit/clock.ts'
import { LocalHost } from '../host/localHost.ts'
import { silentLog } from '../kit/log.ts'
import { serverChildren } from './detect.ts'
import { type Bench, bench, realTools } from './realDaemon.testkit.ts'

let open: Bench[] = []
afterEach(async () => {
  for (const one of open) await one.close()
  open = []
})
/** Never of null: that would be this process's own group. */
function kill(pid: number | null, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === null) throw new Error('there is no daemon')
  process.kill(pid, signal)
}
/** Control sessions so far, by the daemon's own log. */
const sessionsOf = (here: Bench) => here.controlLog().split('NEW UI').length - 1
const toDefault = (sharePercent: number | null, pinnedMemoryMiB: number | null = null) => ({ of: 'default', sharePercent, pinnedMemoryMiB }) as const
const fault = (code: string, sentence: RegExp = /./) => expect.objectContaining({ fault: expect.objectContaining({ code, sentence: expect.stringMatching(sentence) }) })

describe.each(['535', '550'] as const)("NVIDIA's daemon %s", (branch) => {
  let tools: Tools
  beforeAll(async () => {
    tools = await realTools(branch)
  }, 300_000)
  const fresh = () => {
    const one = bench(tools)
    open.push(one)
    return one
  }

  it('is started, proven, asked and stopped; the missing GPU is told in plain words', async () => {
    const here = fresh()
    const mps = here.gpuDaemon()
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'stopped', daemonPid: null, daemonUid: null, ownership: null, controlVersion: null, fault: null })
    expect(mps.clientPipeDirectory).toBeNull()
    const states: string[] = []
    mps.state.subscribe(({ state }) => void (states.at(-1) === state || states.push(state)))

    await expect(mps.start()).rejects.toEqual(fault('NO_CUDA_DEVICE', /no CUDA-capable device is detected/))
    const { value } = mps.state
    expect(states).toEqual(['stopped', 'starting', 'noServer'])
    expect(value).toMatchObject({ state: 'noServer', ownership: 'overlap', limits: { default: { sharePercent: 100, pinnedMemory: 'none' } }, servers: [], clients: [], fault: { code: 'NO_CUDA_DEVICE' } })
    expect(value.sentence).toContain('found no GPU')
    expect(value.proof).toMatchObject({ listening: true, lockOwnerPid: value.daemonPid, answers: true })
    expect(here.procfs.environmentOf(value.daemonPid ?? 0)?.['CUDA_VISIBLE_DEVICES']).toBe(here.gpuUuid)
    expect(mps.clientPipeDirectory).toBeNull() // an engine would not become a client

    await mps.setLimits(toDefault(41.5))
    expect(mps.state.value.limits.default).toEqual({ sharePercent: 41.5, pinnedMemory: 'none' })
    await expect(mps.setLimits(toDefault(140))).rejects.toEqual(fault('MPS_NO_PROOF', /share of 41.5 %/))
    expect((await mps.log(5)).control).toHaveLength(5)
    expect((await mps.log(100)).server.join('\n')).toContain('Failed to start : no CUDA-capable device is detected')

    await mps.stop({ forceAfterSeconds: null })
    expect(mps.state.value).toMatchObject({ state: 'stopped', daemonPid: null, limits: { wanted: { sharePercent: 41.5 }, default: { sharePercent: null, pinnedMemory: null } }, fault: null, ownership: null })
    expect(here.procfs.processStat(value.daemonPid ?? 0)?.state ?? 'Z').toBe('Z')
    expect(existsSync(join(here.pipe, 'control'))).toBe(true) // what the files say proves nothing
  }, 90_000)

  it('of an earlier run is ours again; a quiet daemon is asked seldom', async () => {
    const here = fresh()
    await here.gpuDaemon().start().catch(() => {})
    const steadyMs = systemClock.steady()
    const later = here.gpuDaemon({ clock: { ...systemClock, steady: () => steadyMs } }) // its answers never get old
    await later.check()
    expect(later.state.value).toMatchObject({ state: 'noServer', ownership: 'overlap', limits: { default: { sharePercent: 100 } }, fault: { code: 'NO_CUDA_DEVICE' } })
    // The server that found no GPU has ended, and what it wrote is known: from here on nothing moves.
    while (serverChildren(here.procfs.processTable(true) ?? new Map(), later.state.value.daemonPid).length > 0) await new Promise((resolve) => setImmediate(resolve))
    await later.check()
    const before = sessionsOf(here)
    expect(before).toBeGreaterThan(0)
    for (let check = 0; check < 20; check += 1) await later.check()
    expect(sessionsOf(here)).toBe(before)
    here.raw('set_default_active_thread_percentage 20\n')
    await later.restart({ forceAfterSeconds: null }).catch(() => {})
    expect(later.state.value).toMatchObject({ state: 'noServer', limits: { default: { sharePercent: 100 } } }) // what a script set is lost with the daemon
  }, 90_000)

  it('takes memory limits and reads them back; after a kill -9 its successor is told before it starts a server', async () => {
    const here = fresh()
    const mps = here.gpuDaemon()
    await mps.start().catch(() => {})
    for (const [mebibytes, pinnedMemory] of [[81_559, '79G'], [1024, '1G'], [1023, '1023M'], [1, '1M'], [1536, '1G']] as const) {
      await mps.setLimits(toDefault(33.3, mebibytes))
      expect(mps.state.value.limits.default).toEqual({ sharePercent: 33.3, pinnedMemory })
    }
    kill(mps.state.value.daemonPid)
    while (here.procfs.listeningSocket(join(here.pipe, 'control'))) await new Promise((resolve) => setImmediate(resolve))
    await expect(mps.start()).rejects.toEqual(fault('NO_CUDA_DEVICE'))
    expect(mps.state.value.limits.default).toEqual({ sharePercent: 33.3, pinnedMemory: '1G' })
    expect(here.controlLog().split('Starting control daemon').at(-1)).toMatch(/set_default_device_pinned_mem_limit 0 1536M[^]*start_server/)
    await mps.setLimits(toDefault(null))
    expect(here.raw('get_default_device_pinned_mem_limit 0\nget_default_active_thread_percentage\n')).toBe('100.0\n')
  }, 90_000)

  it('inherits no limit from the environment that Overlap was started in', async () => {
    const login = { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '20', CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=1G', CUDA_MPS_CLIENT_PRIORITY: '1', CUDA_MPS_PIPE_DIRECTORY: '/tmp/elsewhere', CUDA_MPS_LOG_DIRECTORY: '/tmp/elsewhere' }
    const here = fresh()
    const mps = here.gpuDaemon({ host: new LocalHost({ log: silentLog, environment: { ...process.env, ...login } }) })
    await mps.start().catch(() => {})
    const env = here.procfs.environmentOf(mps.state.value.daemonPid ?? 0) ?? {}
    expect(Object.keys(env).filter((name) => name.startsWith('CUDA_MPS')).sort()).toEqual(['CUDA_MPS_LOG_DIRECTORY', 'CUDA_MPS_PIPE_DIRECTORY'])
    expect(mps.state.value.limits.default).toEqual({ sharePercent: 100, pinnedMemory: 'none' })
    expect(here.raw('get_default_client_priority\n')).toBe('0\n')
  }, 90_000)

  it('is started beside the large logs of an earlier one, which are kept once', async () => {
    const here = fresh()
    mkdirSync(here.log, { recursive: true })
    for (const name of ['control.1.log', 'server.log']) writeFileSync(join(here.log, name), 'an old line\n')
    writeFileSync(join(here.log, 'control.log'), 'a line of long ago\n'.repeat(300_000))
    const mps = here.gpuDaemon()
    await expect(mps.start()).rejects.toEqual(fault('NO_CUDA_DEVICE'))
    expect((await mps.log(100)).control[0]).toMatch(/Starting control daemon|daemon/i)
    expect(here.controlLog()).not.toContain('long ago')
    expect(readFileSync(join(here.log, 'control.1.log'), 'utf8')).toMatch(/^a line of long ago/)
    expect(readFileSync(join(here.log, 'server.log'), 'utf8')).toMatch(/^an old line/)
    expect(readdirSync(here.log).sort()).toEqual(['control.1.log', 'control.log', 'server.log'])
  }, 90_000)

  it('takes the longest path that Overlap allows, and none that is longer', async () => {
    const here = fresh()
    const longest = join(here.folder, 'ü x'.padEnd(PIPE_PATH_BYTES - here.folder.length - 2, 'x'))
    expect(Buffer.byteLength(longest)).toBe(PIPE_PATH_BYTES)
    const mps = here.gpuDaemon({ directories: { pipe: longest, log: here.log } })
    await expect(mps.start()).rejects.toEqual(fault('NO_CUDA_DEVICE'))
    expect(mps.state.value).toMatchObject({ state: 'noServer', proof: { listening: true, answers: true } })
    expect(() => here.raw('', { argv: ['-d'], env: { CUDA_MPS_PIPE_DIRECTORY: `${longest}x` } })).toThrow()
  }, 90_000)

  it('killed, leaves files that do not look alive, and is started over them', async () => {
    const here = fresh()
    const mps = here.gpuDaemon()
    await mps.start().catch(() => {})
    const { daemonPid } = mps.state.value
    kill(daemonPid)
    while (here.procfs.listeningSocket(join(here.pipe, 'control'))) await new Promise((resolve) => setImmediate(resolve))
    await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'stopped', daemonPid: null, servers: [], proof: { listening: false, lockOwnerPid: null, answers: null } })
    await expect(mps.start()).rejects.toEqual(fault('NO_CUDA_DEVICE'))
    expect(mps.state.value.daemonPid).not.toBe(daemonPid)
    expect(mps.state.value.state).toBe('noServer')
  }, 90_000)

  it('started by somebody else is shown, not doubled, used on request, and never stopped', async () => {
    const here = fresh()
    const theirs = { CUDA_MPS_PIPE_DIRECTORY: join(here.folder, 'theirs'), CUDA_MPS_LOG_DIRECTORY: join(here.folder, 'their-log'), CUDA_VISIBLE_DEVICES: here.gpuUuid.slice(0, 12) }
    mkdirSync(theirs.CUDA_MPS_LOG_DIRECTORY)
    here.raw('', { argv: ['-d'], env: theirs })
    const mps = here.gpuDaemon()
    const elsewhere = here.gpuDaemon({ gpu: { uuid: 'GPU-11111111-2222', index: 1, memoryTotalMiB: null } })
    await mps.check()
    await elsewhere.check()
    expect(elsewhere.state.value.state).toBe('stopped') // it serves another GPU
    expect(mps.state.value).toMatchObject({ state: 'foreign', ownership: 'foreign', foreign: [{ pipeDirectory: theirs.CUDA_MPS_PIPE_DIRECTORY, gpuUuids: [here.gpuUuid.slice(0, 12)], uid: process.getuid?.() }] })
    await expect(mps.start()).rejects.toEqual(fault('MPS_FOREIGN', /did not start/))
    expect(existsSync(here.pipe)).toBe(false)
    await expect(mps.stop({ forceAfterSeconds: 0 })).rejects.toEqual(fault('MPS_FOREIGN'))
    await expect(mps.useForeign(join(here.folder, 'nowhere'))).rejects.toEqual(fault('NOT_FOUND'))

    await mps.useForeign(theirs.CUDA_MPS_PIPE_DIRECTORY)
    expect(mps.state.value).toMatchObject({ state: 'noServer', ownership: 'used', daemonUid: process.getuid?.(), foreign: [], logDirectory: theirs.CUDA_MPS_LOG_DIRECTORY })
    expect(mps.clientPipeDirectory).toBe(theirs.CUDA_MPS_PIPE_DIRECTORY)
    await expect(mps.stop({ forceAfterSeconds: 0 })).rejects.toEqual(fault('WRONG_STATE'))
    await mps.useForeign(null)
    expect(mps.state.value.state).toBe('foreign')
  }, 90_000)

  it('hung, is called so and stays where it is; it is believed again when it goes on', async () => {
    const here = fresh()
    let aheadMs = 0
    let speed = 1 // only while nothing can come that is waited for
    const clock: Clock = { ...systemClock, steady: () => systemClock.steady() + aheadMs, after: (ms, call) => systemClock.after(ms / speed, call), sleep: (ms, signal) => systemClock.sleep(ms / speed, signal) }
    const mps = here.gpuDaemon({ clock, host: new LocalHost({ log: silentLog, clock, procfs: here.procfs }) })
    await mps.start().catch(() => {})
    const { daemonPid } = mps.state.value
    kill(daemonPid, 'SIGSTOP')
    speed = 10
    await expect(mps.setLimits(toDefault(40))).rejects.toEqual(fault('COMMAND_TIMED_OUT', /MPS daemon took the command and did not answer/))
    expect(mps.state.value).toMatchObject({ state: 'unknown', daemonPid, proof: { listening: true, lockOwnerPid: daemonPid, answers: false }, fault: { code: 'COMMAND_TIMED_OUT' } })
    expect(mps.clientPipeDirectory).toBeNull()
    await expect(mps.stop({ forceAfterSeconds: null })).rejects.toEqual(fault('COMMAND_TIMED_OUT')) // nobody knows whom it would hurt
    kill(daemonPid, 'SIGCONT')
    speed = 1
    aheadMs += 60_000
    while (mps.state.value.state === 'unknown') await mps.check()
    expect(mps.state.value).toMatchObject({ state: 'noServer', daemonPid, fault: { code: 'NO_CUDA_DEVICE' }, limits: { wanted: { sharePercent: null } } })
    await mps.stop({ forceAfterSeconds: null })
    expect(mps.state.value.state).toBe('stopped')
  }, 90_000)

  it('is busy while somebody leaves a control session open, and not longer', async () => {
    const here = fresh()
    let aheadMs = 0
    const mps = here.gpuDaemon({ clock: { ...systemClock, steady: () => systemClock.steady() + aheadMs } })
    await mps.start().catch(() => {})
    const before = sessionsOf(here)
    const [program = '', ...rest] = tools.mpsControl
    const session = spawn(program, rest, { env: { ...process.env, ...tools.env, CUDA_MPS_PIPE_DIRECTORY: here.pipe }, stdio: ['pipe', 'ignore', 'ignore'] })
    while (sessionsOf(here) === before) await new Promise((resolve) => setImmediate(resolve))
    await expect(mps.setLimits(toDefault(50))).rejects.toEqual(fault('MPS_BUSY', /another control session/))
    expect(mps.state.value.fault?.code).toBe('MPS_BUSY')
    const ended = new Promise((resolve) => session.once('exit', resolve))
    session.stdin.end()
    await ended
    aheadMs += 60_000
    await mps.check()
    expect(mps.state.value.fault?.code).toBe('NO_CUDA_DEVICE') // it answers again, so it is not called busy any more
    await mps.setLimits(toDefault(50))
    expect(mps.state.value).toMatchObject({ state: 'noServer', limits: { default: { sharePercent: 50 } } })
  }, 90_000)
})
