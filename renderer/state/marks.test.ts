import { describe, expect, it } from 'vitest'
import type { Engine } from '../../shared/engine.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { addMarks, daemonMarks, engineMarks } from './marks.ts'

const engine = (state: Engine['state'], sinceMs: number) => ({ id: 'e1', colour: 2, state, sinceMs, spec: { name: 'one', gpuUuid: 'GPU-a' } }) as Engine
const daemon = (state: MpsDaemon['state']) => ({ gpuUuid: 'GPU-a', state, sinceMs: 7 }) as MpsDaemon

describe('marks', () => {
  it('are made of a change of state, never of a first sight', () => {
    expect(engineMarks(null, [engine('ready', 1)])).toEqual([])
    expect(engineMarks([engine('ready', 1)], [engine('ready', 1)])).toEqual([])
    expect(engineMarks([engine('starting', 1)], [engine('ready', 5)])).toEqual([{ atMs: 5, gpuUuid: 'GPU-a', label: 'one ready', colour: 2 }])
    expect(daemonMarks([daemon('starting')], [daemon('running')])).toEqual([{ atMs: 7, gpuUuid: 'GPU-a', label: 'MPS running', colour: null }])
  })
  it('speak of a state as the badge does', () => expect(daemonMarks([daemon('starting')], [daemon('noServer')])[0]?.label).toBe('MPS no server yet'))
  it('are capped, newest kept', () => {
    const mark = (atMs: number) => ({ atMs, gpuUuid: null, label: '', colour: null })
    expect(addMarks([mark(1), mark(2)], [mark(3)], 2).map((one) => one.atMs)).toEqual([2, 3])
  })
})
