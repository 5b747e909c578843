import { expect, it } from 'vitest'
import { continuityCheck } from './continuity.ts'
import { syntheticReport } from './report.testkit.ts'

const report = syntheticReport({ axes: [{ vary: 'concurrency', values: [8, 16] }] }, { cellsDone: [0] })
const AT = Date.UTC(2026, 1, 4, 8, 30)

it('a report that is gone on with says when, and that the workstation was as before', () => {
  expect(continuityCheck(report, report.workstation, AT)).toEqual({
    name: 'resumed/2026-02-04T08:30:00.000Z', weight: 'warns', result: 'passed', evidence: [], sentence: 'Gone on with on 2026-02-04 08:30 UTC, when 1 of 2 cells were done. The workstation was as before.',
  })
})

it('names every change; what is not known is none', () => {
  const now = { ...report.workstation, driverVersion: '590.10', powerLimitWatts: 500, mpsControlVersion: null }
  expect(continuityCheck(report, now, AT)).toMatchObject({ result: 'failed', evidence: ['driver: 580.126, then 590.10', 'power limit, W: 700, then 500'], sentence: expect.stringContaining('are not alike') })
})
