import { beforeEach, expect, it } from 'vitest'
import type { FoundEngine } from '../../shared/foundEngine.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { LIMITS_UNKNOWN } from '../../shared/mps.testkit.ts'
import type { Client } from '../link/connect.ts'
import { useMps } from '../state/mps.ts'
import { putFoundOnMps } from './foundActions.ts'
import { startMps } from './mpsActions.ts'

const daemon: MpsDaemon = {
  gpuUuid: 'GPU-a', gpuIndex: 0, state: 'running', sinceMs: 0, sentence: 'Why not.', pipeDirectory: '/pipe', logDirectory: null, ownership: 'overlap', daemonPid: 100, daemonUid: null, controlVersion: null,
  servers: [], clients: [], limits: LIMITS_UNKNOWN, proof: { listening: true, lockOwnerPid: 100, answers: true, checkedAtMs: 0 }, foreign: [], fault: null,
}
const found = { id: '7-5', name: 'one', gpuUuid: 'GPU-a', attachment: { state: 'notAttached' }, obstacle: null, caution: null } as FoundEngine

beforeEach(() => useMps.setState({ daemons: null }))

it('a found engine can be put on MPS where it runs, and wherever it can be started', () => {
  expect(putFoundOnMps(found).blocked).not.toBeNull()
  for (const state of ['stopped', 'starting', 'noServer', 'running', 'draining', 'faulted', 'foreign', 'unknown'] as const) {
    const now = { ...daemon, state }
    useMps.setState({ daemons: [now] })
    expect([state, putFoundOnMps(found).blocked === null]).toEqual([state, state === 'running' || startMps(now).blocked === null])
  }
})

it('a found engine is put on MPS by one call: a page that is closed meanwhile leaves nothing half done', async () => {
  useMps.setState({ daemons: [{ ...daemon, state: 'stopped' }] })
  const calls: unknown[] = []
  const client = { engine: { putFoundOnMps: async (input: unknown) => { calls.push(input); return { id: 'e1' } } } } as unknown as Client
  await putFoundOnMps(found).run(client, null)
  expect(calls).toEqual([{ id: '7-5' }])
})
