import { beforeEach, describe, expect, it } from 'vitest'
import { LIMITS_UNKNOWN, type MpsDaemon } from '../../shared/mps.ts'
import type { Client } from '../link/connect.ts'
import { useMps } from '../state/mps.ts'
import type { Action } from './action.ts'
import { restartMps, setDefaultShare, stopMps } from './mpsActions.ts'

const daemon: MpsDaemon = {
  gpuUuid: 'GPU-a', gpuIndex: 0, state: 'running', sinceMs: 0, sentence: '', pipeDirectory: '/pipe', logDirectory: null, ownership: 'overlap', daemonPid: 100, controlVersion: null,
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
  it('of the default share name it', async () => {
    expect(await asked(setDefaultShare(daemon, 40), null)).toEqual({ gpuUuid: 'GPU-a', action: 'setDefaultShare', sharePercent: 40 })
  })
})

describe('setDefaultShare', () => {
  beforeEach(() => useMps.setState({ daemons: [daemon] }))
  it.each([[33.3, true], [33.4, true], [33.2, false], [100, false], [null, false]])('of 33.35, with %s told by the daemon: %s', (told, reached) => {
    const seen = setDefaultShare(daemon, 33.35).watch!()
    useMps.setState({ daemons: [{ ...daemon, defaultSharePercent: told }] })
    expect(seen()).toBe(reached)
  })
})
