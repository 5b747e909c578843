import { beforeEach, describe, expect, it } from 'vitest'
import type { Engine } from '../../shared/engine.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { LIMITS_UNKNOWN } from '../../shared/mps.testkit.ts'
import type { Client } from '../link/connect.ts'
import { useEngines } from '../state/engines.ts'
import { useMps } from '../state/mps.ts'
import type { Action } from './action.ts'
import { putEngineOnMps, startEngine } from './engineActions.ts'
import { restartMps, setLimits, startMps, stopMps } from './mpsActions.ts'

const daemon: MpsDaemon = {
  gpuUuid: 'GPU-a', gpuIndex: 0, state: 'running', sinceMs: 0, sentence: '', pipeDirectory: '/pipe', logDirectory: null, ownership: 'overlap', daemonPid: 100, daemonUid: null, controlVersion: null,
  servers: [], clients: [], limits: LIMITS_UNKNOWN, proof: { listening: true, lockOwnerPid: 100, answers: true, checkedAtMs: 0 }, foreign: [], fault: null,
}

/** What a preview asks of the core. */
async function asked(action: Action, forceAfterSeconds: number | null): Promise<unknown> {
  const calls: unknown[] = []
  const client = { mps: { preview: async (input: unknown) => { calls.push(input); return [] } } } as unknown as Client
  await action.preview?.(client, forceAfterSeconds)
  return calls[0]
}

describe('previews', () => {
  it.each([['stop', stopMps], ['restart', restartMps]] as const)('of %s show the consent that is given', async (action, of) => {
    expect(await asked(of(daemon), null)).toEqual({ gpuUuid: 'GPU-a', action, forceAfterSeconds: null })
    expect(await asked(of(daemon), 7)).toEqual({ gpuUuid: 'GPU-a', action, forceAfterSeconds: 7 })
  })
  it('of limits name them', async () => {
    const limits = { of: 'server', sharePercent: 40, pinnedMemoryMiB: null } as const
    expect(await asked(setLimits(daemon, limits), null)).toEqual({ gpuUuid: 'GPU-a', action: 'setLimits', limits })
  })
})

describe('what can be done', () => {
  it.each<[MpsDaemon['state'], boolean]>([['stopped', true], ['noServer', true], ['running', false], ['foreign', false], ['unknown', false]])('a daemon that is %s can be started: %s', (state, can) => {
    expect(startMps({ ...daemon, state }).blocked === null).toBe(can)
  })
  it('a daemon that Overlap did not start is neither stopped nor restarted', () => {
    for (const action of [stopMps, restartMps]) expect(action({ ...daemon, ownership: 'used' }).blocked).toContain('did not start')
    expect(stopMps(daemon).blocked).toBeNull()
  })
})

describe('a memory limit', () => {
  const engine = (name: string, onMps: boolean, mebibytes: number | null) =>
    ({ id: name, spec: { name, onMps, gpuUuid: 'GPU-a', pinnedMemoryLimitMiB: null }, state: 'stopped', attachment: {}, memoryNeed: mebibytes === null ? null : { mebibytes, measured: true } }) as unknown as Engine
  const engines = [engine('small', true, 2048), engine('large', true, 8192), engine('plain', false, 8192), engine('new', true, null)]

  it('warns of the engines that need more, and of no others', () => {
    useEngines.setState({ engines })
    const caution = (pinnedMemoryMiB: number | null) => setLimits(daemon, { of: 'default', sharePercent: null, pinnedMemoryMiB }).caution
    expect(caution(4096)).toBe('large has used 8.0 GiB before: with 4.0 GiB it is likely to run out of memory when it connects to a server started later.')
    expect([caution(8192), caution(null)]).toEqual([null, null])
  })
  it('that is set is told before a start that it is too small for', () => {
    useMps.setState({ daemons: [{ ...daemon, limits: { ...LIMITS_UNKNOWN, wanted: { sharePercent: null, pinnedMemoryMiB: 4096 } } }] })
    const [small, large, plain, unknown] = engines as [Engine, Engine, Engine, Engine]
    expect(startEngine(large).caution).toContain('Under MPS large gets at most 4.0 GiB')
    expect([startEngine(small).caution, startEngine(plain).caution, startEngine(unknown).caution]).toEqual([null, null, null])
    expect(putEngineOnMps(plain).caution).toContain('Under MPS plain gets at most 4.0 GiB')
  })
})

describe('setLimits', () => {
  beforeEach(() => useMps.setState({ daemons: [daemon] }))
  const seenWith = (of: 'default' | 'server', now: Partial<MpsDaemon>): boolean => {
    const seen = setLimits(daemon, { of, sharePercent: 33.35, pinnedMemoryMiB: null }).watch!()
    useMps.setState({ daemons: [{ ...daemon, ...now }] })
    return seen()
  }
  it.each([[33.3, true], [33.4, true], [33.2, false], [100, false], [null, false]])('of a server to 33.35 %, with %s told by it: %s', (sharePercent, reached) => {
    expect(seenWith('server', { limits: { ...LIMITS_UNKNOWN, servers: [{ pid: 7, sharePercent, pinnedMemory: null, changedAtMs: null }] } })).toBe(reached)
  })
  it('of the default are reached when they are kept, also while nothing runs', () => {
    expect(seenWith('default', { state: 'stopped' })).toBe(false)
    expect(seenWith('default', { state: 'stopped', limits: { ...LIMITS_UNKNOWN, wanted: { sharePercent: 33.35, pinnedMemoryMiB: null } } })).toBe(true)
  })
  it('of the default of a daemon that is used are reached when it tells them', () => {
    expect(seenWith('default', { ownership: 'used', limits: { ...LIMITS_UNKNOWN, default: { sharePercent: 33.3, pinnedMemory: 'none' } } })).toBe(true)
  })
})
