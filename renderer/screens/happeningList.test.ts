import { describe, expect, it } from 'vitest'
import type { MpsDaemon } from '../../shared/mps.ts'
import type { SettledEngine } from '../state/engines.ts'
import { happenings } from './happeningList.ts'

const engine = (more: Partial<SettledEngine>) => ({ state: 'ready', sinceMs: 5, colour: 1, lastExit: null, spec: { name: 'one', gpuUuid: 'GPU-a' }, ...more }) as SettledEngine
const daemon = { state: 'running', sinceMs: 3 } as MpsDaemon

describe('happenings', () => {
  it('tells a change once, whether it was seen or found, newest first', () => {
    const marks = [{ atMs: 5, gpuUuid: 'GPU-a', label: 'one ready', colour: 1 }, { atMs: 4, gpuUuid: 'GPU-a', label: 'one starting', colour: 1 }]
    expect(happenings(marks, [engine({})], daemon, 'GPU-a').map((one) => one.label)).toEqual(['one ready', 'one starting', 'MPS running'])
  })
  it('tells what happened in the same millisecond in its order', () => {
    const marks = ['one waiting', 'one starting', 'one ready'].map((label) => ({ atMs: 5, gpuUuid: 'GPU-a', label, colour: 1 }))
    expect(happenings(marks, [engine({})], null, 'GPU-a').map((one) => one.label)).toEqual(['one ready', 'one starting', 'one waiting'])
  })
  it('leaves out other GPUs and keeps what belongs to all', () => {
    const marks = [{ atMs: 1, gpuUuid: 'GPU-b', label: 'two ready', colour: 2 }, { atMs: 2, gpuUuid: null, label: 'three ready', colour: 3 }]
    expect(happenings(marks, [], null, 'GPU-a').map((one) => one.label)).toEqual(['three ready'])
  })
  it('says how an engine ended', () => {
    expect(happenings([], [engine({ state: 'failed', lastExit: { atMs: 4, code: 1, signal: null, sentence: 'Ended with exit code 1.' } })], null, 'GPU-a').map((one) => one.label))
      .toEqual(['one failed', 'one: Ended with exit code 1.'])
    expect(happenings([], [engine({ state: 'stopped', lastExit: { atMs: 4, code: 0, signal: null, sentence: 'one was stopped.' } })], null, 'GPU-a').map((one) => one.label))
      .toEqual(['one stopped', 'one was stopped.'])
  })
})
