import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReportSummary } from '../../../shared/experiment.ts'
import { syntheticReport } from '../experiments/report.testkit.ts'
import { HandClock } from '../kit/clock.ts'
import { Reports } from './reports.ts'

const clock = new HandClock(Date.UTC(2026, 0, 2, 3, 4, 5))
let folder = ''
let path = ''
const opened: Reports[] = []
const open = () => {
  const reports = Reports.open(path, clock)
  opened.push(reports)
  return reports
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-reports-'))
  path = join(folder, 'deep', 'reports.db')
})
afterEach(() => {
  for (const reports of opened.splice(0)) reports.close()
  rmSync(folder, { recursive: true, force: true })
})
const thrown = (call: () => unknown) => {
  try {
    call()
  } catch (error) {
    return error
  }
}

describe('Reports', () => {
  it('keeps whole reports through a restart, for their owner only', () => {
    const report = syntheticReport()
    open().save(report, { imported: false })
    for (const name of readdirSync(join(folder, 'deep'))) expect(statSync(join(folder, 'deep', name)).mode & 0o777, name).toBe(0o600)
    const again = open()
    expect(again.get(report.id)).toEqual(report)
    expect(again.fault).toBeNull()
    expect(again.summaries.value).toEqual([{
      id: 'report-1', title: 'Decode-heavy demo', startedAtMs: report.startedAtMs, endedAtMs: report.endedAtMs, outcome: 'valid', simulated: true, gpuName: 'NVIDIA H100 80GB HBM3', hostName: 'bench-1',
      cells: 1, cellsDone: 1, imported: false, headline: report.comparisons[0], holdsOnlyFor: null,
    }])
  })

  it('of a file of the version before, says what each headline holds for', () => {
    const below = syntheticReport()
    below.checks.push({ name: 'plateau/mps', result: 'failed', weight: 'warns', sentence: 'Below.', evidence: [] })
    open().save(below, { imported: false })
    opened.splice(0)[0]?.close()
    const before = new Database(path)
    before.exec(`ALTER TABLE reports DROP COLUMN holdsOnlyFor;
      CREATE TABLE one AS SELECT * FROM reports; UPDATE one SET id = 'cut', startedAtMs = 0, body = '{"version": 1, "i'; INSERT INTO reports SELECT * FROM one; DROP TABLE one`)
    before.pragma('user_version = 1')
    before.close()
    expect(open().summaries.value).toMatchObject([{ id: below.id, holdsOnlyFor: expect.stringContaining('below the plateau of Two engines under MPS') as string }, { id: 'cut', holdsOnlyFor: null }])
  })

  it('lists the newest first, tells every change, and finds what the list left out', () => {
    const reports = open()
    const told: ReportSummary[][] = []
    reports.summaries.subscribe((list) => void told.push(list))
    const report = syntheticReport()
    for (let i = 0; i < 3; i++) reports.save({ ...report, id: `r${i}`, startedAtMs: i }, { imported: i === 1 })
    expect(told.map((list) => list.map(({ id }) => id))).toEqual([['r0'], ['r1', 'r0'], ['r2', 'r1', 'r0']])
    expect(reports.summaries.value.map(({ imported }) => imported)).toEqual([false, true, false])
    reports.save({ ...report, id: 'r0', startedAtMs: 0, cellsDone: [], comparisons: [] }, { imported: false })
    expect(reports.summaries.value[2]).toMatchObject({ cellsDone: 0, headline: null })
    reports.remove('r1')
    expect(told.at(-1)?.map(({ id }) => id)).toEqual(['r2', 'r0'])
    for (const call of [() => reports.get('r1'), () => reports.remove('r1')]) expect(thrown(call)).toMatchObject({ fault: { code: 'NOT_FOUND' } })
    const small = { ...report, blocks: [] }
    for (let i = 10; i < 510; i++) reports.save({ ...small, id: `r${i}`, startedAtMs: i }, { imported: false })
    expect(reports.summaries.value).toHaveLength(500)
    expect(reports.get('r0').id).toBe('r0')
  })

  it('lets no imported report take the place of one\'s own, and refuses one that is too large', () => {
    const reports = open()
    const report = syntheticReport()
    reports.save(report, { imported: false })
    reports.save(report, { imported: true })
    const { id, ...rest } = report
    reports.save({ ...rest, id }, { imported: true }) // the same, its fields in another order
    expect(reports.summaries.value).toMatchObject([{ imported: false }])
    expect(thrown(() => reports.save({ ...report, reasons: ['changed'] }, { imported: true }))).toMatchObject({ fault: { code: 'WRONG_STATE' } })
    expect(reports.get(report.id)).toEqual(report)
    expect(thrown(() => reports.save({ ...report, id: 'large', reasons: ['x'.repeat(33 * 1024 * 1024)] }, { imported: false }))).toMatchObject({ fault: { code: 'TOO_LARGE' } })
  })

  const broken = (name: string, spoil: () => void) => it(`keeps ${name} aside, untouched`, () => {
    open().save(syntheticReport(), { imported: false })
    opened.splice(0).forEach((reports) => reports.close())
    spoil()
    const before = readFileSync(path)
    const reports = open()
    const aside = `${path}.broken-2026-01-02T03-04-05.000Z`
    expect(reports.fault).toMatchObject({ code: 'CONFIG_BROKEN', sentence: expect.stringContaining(path), hint: expect.stringContaining(aside) })
    expect(readFileSync(aside).equals(before)).toBe(true)
    expect(reports.summaries.value).toEqual([])
    reports.save(syntheticReport(), { imported: false })
    expect(reports.summaries.value).toHaveLength(1)
  })
  broken('a file that is no database', () => writeFileSync(path, 'not a database, but long enough to have a header\n'.repeat(100)))
  broken('a damaged file', () => {
    const bytes = readFileSync(path)
    bytes.fill(0xee, 4096, bytes.length)
    writeFileSync(path, bytes)
  })
  broken('a file of a later version', () => {
    const later = join(folder, 'later.db')
    const database = new Database(later)
    database.exec('CREATE TABLE x (y); PRAGMA user_version = 99')
    database.close()
    copyFileSync(later, path)
  })

  it('throws, and moves nothing, when the file cannot be opened', () => {
    path = folder
    expect(thrown(open)).toMatchObject({ fault: { code: 'NO_PERMISSION', sentence: expect.stringContaining(folder) } })
    expect(statSync(folder).isDirectory()).toBe(true)
  })
})
