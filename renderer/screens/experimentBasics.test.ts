import { describe, expect, it } from 'vitest'
import type { ExperimentFile } from '../../shared/experiment.ts'
import { syntheticReport } from '../../electron/core/experiments/report.testkit.ts'
import { basicsField, basicsOf, fileWith, isChanged } from './experimentBasics.ts'

const file = syntheticReport().plan.file
const sweep: ExperimentFile = { ...file, axes: [{ vary: 'model', values: ['a', 'b'] }, { vary: 'concurrency', values: [1, 8, 64] }] }
const made = (of: ExperimentFile, more: Partial<ReturnType<typeof basicsOf>>) => fileWith(of, { ...basicsOf(of), ...more })
const fileOf = (answer: ReturnType<typeof fileWith>): ExperimentFile => { if ('errors' in answer) throw new Error(JSON.stringify(answer.errors)); return answer.file }

describe('fileWith', () => {
  it('gives back what was not changed', () => { expect(fileOf(made(file, {}))).toEqual(file); expect(fileOf(made(sweep, {}))).toEqual(sweep) })
  it('changes the load of a plain experiment', () => expect(fileOf(made(file, { arrivals: '128', seed: 9 })).load).toMatchObject({ arrivals: { kind: 'closed', concurrency: 128 }, seed: 9 }))
  it('changes the axis of a sweep and leaves the others', () => expect(fileOf(made(sweep, { arrivals: '2; 4 16' })).axes).toEqual([sweep.axes[0], { vary: 'concurrency', values: [2, 4, 16] }]))
  it('keeps the kind of an open loop', () => expect(fileOf(made({ ...file, load: { ...file.load, arrivals: { kind: 'bursty', perSecond: 3, burstiness: 0.5 } } }, { arrivals: '7.5' })).load.arrivals).toEqual({ kind: 'bursty', perSecond: 7.5, burstiness: 0.5 }))
  it('leaves arms out in their order', () => expect(fileOf(made(file, { arms: ['mps', 'single'] })).arms.map((arm) => arm.id)).toEqual(['single', 'mps']))
  it.each([
    [{ rounds: '' as const }, 'rounds'], [{ rounds: 999 }, 'rounds'], [{ seconds: 0 }, 'seconds'], [{ arrivals: '' }, 'arrivals'], [{ arrivals: '1, x' }, 'arrivals'], [{ arrivals: '1, 2' }, 'arrivals'], [{ arrivals: '1.5' }, 'arrivals'],
    [{ arms: [] }, 'arms'], [{ seed: -1 }, 'seed'],
  ] as const)('%j is wrong at %s', (more, field) => expect(Object.keys((made(file, { ...more, ...('arms' in more ? { arms: [...more.arms] } : {}) } as never) as { errors: object }).errors)).toEqual([field]))
})

it.each([[{ rounds: 999 }, 'rounds', 'At most 200.'], [{ seconds: 0 }, 'seconds', 'At least 1.'], [{ arrivals: '1.5' }, 'arrivals', 'A whole number.']] as const)('%j says %s: %s', (more, field, sentence) => expect((made(file, more) as { errors: Record<string, string> }).errors[field]).toBe(sentence))
it.each([['file.blocks.rounds', 'rounds'], ['blocks.seconds', 'seconds'], ['file.load.arrivals.concurrency', 'arrivals'], ['file.axes.0.values', 'arrivals'], ['file.arms.1.sharePercent', 'arms'], ['engineId', null], [null, null]])('%s is the field %s', (path, field) => expect(basicsField(path)).toBe(field))
it('knows a change', () => { expect(isChanged(file, basicsOf(file))).toBe(false); expect(isChanged(file, { ...basicsOf(file), rounds: 12 })).toBe(true) })
