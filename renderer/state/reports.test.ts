// What may be played back on a stage in place of a run that failed.
import { expect, it } from 'vitest'
import type { ReportSummary } from '../../shared/experiment.ts'
import { lastGood } from './reports.ts'

const summary = (id: string, change: Partial<ReportSummary> = {}): ReportSummary => ({
  id, title: 'demo', startedAtMs: 0, endedAtMs: 1, outcome: 'valid', simulated: true, gpuName: 'g', hostName: 'h', cells: 1, cellsDone: 1, imported: false, holdsOnlyFor: null,
  headline: { cell: 0, name: 'againstSingle', armId: 'mps', baselineId: 'single', measure: 'outputTokensPerSecond', change: 0.2, low: 0.1, high: 0.3, pairs: 6, verdict: 'higher' }, ...change,
})

it.each<[string, ReportSummary[] | null, string | null, string | null]>([
  ['the newest of this experiment', [summary('other', { title: 'shares' }), summary('new'), summary('old')], 'demo', 'new'],
  ['of another one, where this one has none', [summary('other', { title: 'shares' })], 'demo', 'other'],
  ['never somebody else\'s', [summary('theirs', { imported: true })], 'demo', null],
  ['never an invalid one, or one without a gain', [summary('bad', { outcome: 'invalid' }), summary('none', { headline: null })], 'demo', null],
  ['nothing before anything was heard', null, 'demo', null],
])('%s', (_, reports, title, id) => expect(lastGood(reports, title)?.id ?? null).toBe(id))
