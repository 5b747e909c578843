// Comparisons in words.
import { expect, it } from 'vitest'
import { Arm, type Check, type Comparison } from './experiment.ts'
import { armPhrase, checksNote, headlineOf, headlineSentence, intervalText, signedPercent } from './headline.ts'

const arm = (id: string, kind: Arm['kind'], more: Partial<Arm> = {}) => Arm.parse({ id, name: `The arm ${id}`, kind, engines: kind === 'single' ? 1 : 2, ...more })

it.each<[string, Arm]>([
  ['2 engines under MPS', arm('mps', 'mps')],
  ['1 engine under MPS', arm('mps', 'mps', { engines: 1 })],
  ['2 engines time-sliced', arm('sliced', 'timeSliced')],
  ['The arm single', arm('single', 'single')],
  ['The arm half', arm('half', 'mps', { sharePercent: [50] })],
  ['The arm limited', arm('limited', 'mps', { pinnedMemoryLimitMiB: 8192 })],
  ['The arm priority', arm('priority', 'mps', { clientPriority: [0, 1] })],
  ['The arm sync', arm('sync', 'mps', { asyncScheduling: false })],
  ['The arm more', arm('more', 'timeSliced', { extraArguments: ['--x'] })],
])('%s: two arms of one experiment are not called the same', (phrase, of) => expect(armPhrase(of)).toBe(phrase))

it.each<[number | null, string]>([[0.2312, '+23.1 %'], [-0.04, '−4.0 %'], [0.0001, '0.0 %'], [-0.0001, '0.0 %'], [null, '—'], [Infinity, '—']])('%s is %s', (ratio, text) => expect(signedPercent(ratio)).toBe(text))

it('an interval that is wide beyond sense says so', () => {
  expect(intervalText({ low: 0.21, high: 0.253 })).toBe('+21.0 … +25.3 %')
  expect(intervalText({ low: -0.88, high: 40 })).toBe('−88.0 … > +999 %')
  expect(intervalText({ low: null, high: 1 })).toBe('—')
})

it('is known by the first MPS arm, not by the best', () => {
  const comparison = (armId: string, change: number, name: Comparison['name'] = 'againstSingle'): Comparison =>
    ({ cell: 0, name, armId, baselineId: 'single', measure: 'outputTokensPerSecond', change, low: change - 0.01, high: change + 0.01, pairs: 6, verdict: 'higher' })
  const arms = [arm('single', 'single'), arm('mps', 'mps'), arm('half', 'mps', { sharePercent: [50] })]
  const report = { plan: { file: { arms } }, comparisons: [comparison('half', 0.5), comparison('mps', 0.2, 'againstTimeSliced'), comparison('mps', 0.1)] } as unknown as Parameters<typeof headlineOf>[0]
  const headline = headlineOf(report)
  expect(headline).toMatchObject({ armId: 'mps', name: 'againstSingle' })
  expect(headline && headlineSentence(headline, arms)).toBe('2 engines under MPS against the best single engine: +10.0 % output tokens/s (95 % interval +9.0 … +11.0 %, 6 paired blocks)')
  expect(headlineSentence(comparison('half', 0.5), arms)).toMatch(/^The arm half against the best single engine: \+50\.0 %/)
})

it('a check that only warns has not failed', () => {
  const check = (result: Check['result'], weight: Check['weight']): Check => ({ name: 'x', weight, result, sentence: '', evidence: [] })
  expect(checksNote([check('failed', 'warns'), check('failed', 'warns'), check('failed', 'invalidates'), check('notChecked', 'warns'), check('passed', 'refuses')])).toBe('1 failed, 2 warn, 1 not checked, 1 passed')
})
