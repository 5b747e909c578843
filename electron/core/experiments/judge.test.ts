import { describe, expect, it } from 'vitest'
import type { Attachment } from '../../../shared/engine.ts'
import { judge, type BlockFacts, type EngineFacts } from './judge.ts'
import { resultOf } from './report.testkit.ts'

const attachment = (state: Attachment['state'], sentence = 'As seen.'): Attachment => ({ state, reason: null, sentence, evidence: [], restartHelps: false })
const engine = (more: Partial<EngineFacts> = {}): EngineFacts => ({ name: 'mps-1', attachmentBefore: attachment('attached'), attachmentAfter: attachment('attached'), pidBefore: 42, pidAfter: 42, ready: true, ...more })
const gpu = { smActivityPercent: 60, dramBandwidthPercent: 30, kernelBusyPercent: 90, memoryControllerBusyPercent: 30, powerWatts: 690, temperatureCelsius: 86, smClockMHz: 1980, memoryClockMHz: 2619, frames: 12 }
const facts = (more: Partial<BlockFacts> = {}): BlockFacts => ({
  arm: { kind: 'mps', name: 'Under MPS' }, total: resultOf(1000), failure: null, troubles: [], engines: [engine(), engine({ name: 'mps-2' })], gpu, framesExpected: 12,
  clocksOfOthersMHz: [1980, 1965, 1980, null], foreign: [], ...more,
})
const plain = { kind: 'timeSliced', name: 'Time-sliced' } as const
const off = (more: Partial<EngineFacts> = {}) => engine({ name: 'off-1', attachmentBefore: attachment('notAttached'), attachmentAfter: attachment('notAttached'), ...more })

describe('judge', () => {
  it.each([
    ['all well under MPS', facts()],
    ['all well without MPS', facts({ arm: plain, engines: [off()] })],
    ['a workstation without readings', facts({ framesExpected: null, gpu: { ...gpu, frames: 0, smClockMHz: null } })],
    ['no clocks to compare with', facts({ gpu: { ...gpu, smClockMHz: 600 }, clocksOfOthersMHz: [1980, null, 1980] })],
    ['a clock that is 9 % lower', facts({ gpu: { ...gpu, smClockMHz: 1802 } })],
  ])('%s is valid', (_, given) => expect(judge(given)).toEqual({ validity: 'valid', reasons: [] }))

  it.each([
    ['a client-bound generator', { troubles: [{ name: 'clientBound', sentence: 'The generator used 97 % of a core.' }] }, 'The generator used 97 % of a core.'],
    ['not attached', { engines: [engine({ attachmentBefore: attachment('notAttached', 'Started before the daemon.') })] }, 'mps-1 was not an MPS client before the block: Started before the daemon.'],
    ['lost its attachment', { engines: [engine({ attachmentAfter: attachment('notAttached') })] }, 'mps-1 was not an MPS client after the block: As seen.'],
    ['not known', { engines: [engine({ attachmentAfter: attachment('unknown', 'Clients cannot be listed.') })] }, 'Whether mps-1 was an MPS client could not be told after the block: Clients cannot be listed.'],
    ['attached where it must not be', { arm: plain, engines: [off({ attachmentBefore: attachment('attached') })] }, 'off-1 was an MPS client before the block, in an arm without MPS: As seen.'],
    ['a single engine on MPS', { arm: { kind: 'single', name: 'One' }, engines: [engine()] }, 'mps-1 was an MPS client before the block, in an arm without MPS: As seen.'],
    ['ended', { engines: [engine({ pidAfter: null, ready: false, attachmentAfter: attachment('notAttached') })] }, 'mps-1 ended during the block.'],
    ['restarted', { engines: [engine({ pidAfter: 77 })] }, 'mps-1 was restarted: pid 42 before the block, 77 after it.'],
    ['no answer', { engines: [engine({ ready: false })] }, 'mps-1 no longer answered at the end of the block.'],
    ['throttled', { gpu: { ...gpu, smClockMHz: 1410 } }, 'The GPU was throttled: SM clock 1,410 MHz, 1,980 MHz in the other blocks of this arm (86 °C, 690 W).'],
    ['frames missing', { gpu: { ...gpu, frames: 5 } }, 'Only 5 of 12 readings of the GPU came: throttling and foreign processes would not have been seen.'],
    ['a foreign process', { foreign: ['pid 9 (python)'] }, 'Others were on the GPU: pid 9 (python).'],
    ['many', { foreign: ['1', '2', '3', '4', '5', '6', '7'] }, 'Others were on the GPU: 1, 2, 3, 4, 5 and 2 more.'],
    ['no token', { total: resultOf(0) }, 'No output token arrived within the measuring window.'],
  ] as [string, Partial<BlockFacts>, string][])('%s makes it invalid', (_, more, reason) => expect(judge(facts(more))).toEqual({ validity: 'invalid', reasons: [reason] }))

  it('tells every reason once, and a failure first', () => {
    expect(judge(facts({ total: null, failure: 'The generator died.', engines: [engine({ pidAfter: null }), engine({ pidAfter: null }), engine({ name: 'mps-2', ready: false })] }))).toEqual({
      validity: 'failed', reasons: ['The generator died.', 'mps-1 ended during the block.', 'mps-2 no longer answered at the end of the block.'],
    })
    expect(judge(facts({ total: null }))).toEqual({ validity: 'failed', reasons: ['The load generator gave no result.'] })
  })
})
