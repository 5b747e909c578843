import { describe, expect, it } from 'vitest'
import { carryOut, type Action } from '../actions/action.ts'
import { FaultError } from '../../shared/fault.ts'
import type { Client } from '../link/connect.ts'
import { SEEN_WITHIN_MS, settleAttempts, useAttempts } from './attempts.ts'

const client = {} as Client
const action = (id: string, more: Partial<Action>): Action => ({ id, label: id, group: 'MPS', about: '', blocked: null, run: async () => ({}), ...more })
const stateOf = (id: string) => useAttempts.getState().attempts[id]?.name ?? null

describe('an attempt', () => {
  it('stays pending after a good answer until its effect is seen', async () => {
    let there = false
    expect(await carryOut(action('a', { watch: () => () => there }), client, null)).toBeNull()
    settleAttempts()
    expect(stateOf('a')).toBe('pending')
    there = true
    settleAttempts()
    expect(stateOf('a')).toBeNull()
  })
  it('fails with the fault of a refusal', async () => {
    const fault = await carryOut(action('b', { run: async () => { throw new FaultError('HELD', 'Held.', 'Wait.') } }), client, null)
    expect(fault?.code).toBe('HELD')
    expect(stateOf('b')).toBe('failed')
  })
  it('fails when its effect never shows', async () => {
    await carryOut(action('c', { watch: () => () => false }), client, null)
    settleAttempts(performance.now() + SEEN_WITHIN_MS + 1000)
    expect(stateOf('c')).toBe('failed')
  })
})
