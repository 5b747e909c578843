import { describe, expect, it } from 'vitest'
import { MPS_STATES, type ForeignDaemon, type MpsServer } from '../../../shared/mps.ts'
import { mpsSentence, mpsState, type MpsFacts } from './lifecycle.ts'
import { startFault } from './serverLog.ts'

const nothing: MpsFacts = { intent: null, life: 'gone', answers: null, ownership: 'overlap', servers: [], clients: 0, foreign: [], fault: null, gpuFaultAtMs: null }
const server = (status: MpsServer['status']): MpsServer => ({ pid: 528, status })
const stranger: ForeignDaemon = { pid: 9, uid: 1000, pipeDirectory: '/tmp/nvidia-mps', gpuUuids: null }
const up = { life: 'alive', answers: true } as const

describe('the state of MPS', () => {
  it.each<[string, Partial<MpsFacts>, string]>([
    ['stopped', {}, 'nothing there'],
    ['stopped', { answers: true, servers: [server('ACTIVE')] }, 'a dead daemon’s last answers do not count'],
    ['starting', { intent: 'start' }, 'not seen yet'],
    ['starting', { intent: 'start', life: 'unclear' }, 'not seen yet, on a host that shows little'],
    ['starting', { intent: 'start', life: 'alive' }, 'listens, has not answered'],
    ['noServer', { intent: 'start', ...up }, 'its server comes next'],
    ['noServer', up, 'no server'],
    ['noServer', { ...up, servers: [server('INITIALIZING')] }, 'a server in the list is not a running one'],
    ['noServer', { ...up, servers: [server(null)] }, 'status not known'],
    ['running', { ...up, servers: [server('ACTIVE')] }, 'ACTIVE'],
    ['running', { life: 'unclear', answers: true, servers: [server('ACTIVE')] }, 'no proof by the kernel, but it answers'],
    ['faulted', { ...up, servers: [server('FAULT')], clients: 2 }, 'FAULT'],
    ['faulted', { ...up, servers: [server('ACTIVE'), server('FAULT')] }, 'one of two in FAULT'],
    ['draining', { ...up, intent: 'drain', servers: [server('ACTIVE')], clients: 2 }, 'quit -t'],
    ['stopping', { ...up, intent: 'stop', servers: [server('ACTIVE')] }, 'quit'],
    ['stopped', { intent: 'stop' }, 'gone'],
    ['foreign', { foreign: [stranger] }, 'only another one'],
    ['running', { ...up, servers: [server('ACTIVE')], foreign: [stranger] }, 'ours, and another one'],
    ['unknown', { life: 'alive', answers: false }, 'there, and silent'],
    ['unknown', { life: 'alive', answers: null }, 'there, not asked yet'],
    ['unknown', { life: 'unclear' }, 'nothing known'],
    ['stopped', { life: 'unclear', answers: false }, 'its own program finds none'],
  ])('is %s (%j)', (state, facts) => expect(mpsState({ ...nothing, ...facts })).toBe(state))

  it.each<[Partial<MpsFacts>, RegExp]>([
    [{ ...up, servers: [server('ACTIVE')], clients: 1 }, /1 client attached\./],
    [{ ...up, servers: [server('ACTIVE')] }, /No client is attached yet\./],
    [{ ...up, servers: [server('ACTIVE')], clients: 2, gpuFaultAtMs: new Date('2026-11-23T23:40:17').getTime() }, /2 clients attached\. A fatal GPU error at 23:40:17 reached every client/],
    [{ ...up, servers: [server('INITIALIZING')] }, /initialising/],
    [{ ...up, fault: startFault('no CUDA-capable device is detected') }, /no CUDA-capable device is detected/],
    [{ ...up, intent: 'drain', clients: 2 }, /2 clients still attached/],
    [{ ownership: 'used' }, /you chose to use is gone/],
    [{ foreign: [stranger] }, /every GPU/],
    [{ ...up, servers: [server('ACTIVE')], foreign: [stranger] }, /take turns/],
  ])('%j reads %s', (facts, words) => {
    const whole = { ...nothing, ...facts }
    const state = mpsState(whole)
    expect(mpsSentence(state, whole)).toMatch(words)
    expect(mpsSentence(state, whole).startsWith(MPS_STATES[state])).toBe(true)
  })
})
