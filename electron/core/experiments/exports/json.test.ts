import { describe, expect, it } from 'vitest'
import { FaultError } from '../../../../shared/fault.ts'
import { syntheticReport } from '../report.testkit.ts'
import { jsonText, parseReport, REPORT_TEXT_MAX } from './json.ts'

const report = syntheticReport()
const faultOf = (text: string) => {
  try {
    parseReport(text)
  } catch (error) {
    if (error instanceof FaultError) return error.fault
    throw error
  }
}
/** The report's JSON with the value at a path replaced; `undefined` takes it away. */
function changed(path: string, value: unknown): string {
  const copy = JSON.parse(jsonText(report)) as Record<string, never>
  const keys = path.split('.')
  const parent = keys.slice(0, -1).reduce<Record<string, never>>((at, key) => at[key]!, copy)
  parent[keys.at(-1)!] = value as never
  return JSON.stringify(copy)
}

describe('parseReport', () => {
  it('reads back what was written, also with a byte order mark', () => {
    expect(parseReport(jsonText(report))).toEqual(report)
    expect(parseReport(`\uFEFF${jsonText(report)}`)).toEqual(report)
  })

  it.each([
    ['version', 2, 'report.version'], ['blocks.3.total', 'much', 'report.blocks.3.total'], ['blocks.3.total.outputTokensPerSecond', null, 'report.blocks.3.total.outputTokensPerSecond'], ['workstation', undefined, 'report.workstation'],
    ['plan.file.arms.0.kind', 'vgpu', 'report.plan.file.arms.0.kind'], ['blocks.2.cell', 1, 'report.blocks.2.cell'], ['blocks.2.armId', 'other', 'report.blocks.2'], ['comparisons.1.baselineId', 'nobody', 'report.comparisons.1'],
    ['cellsDone.0', -1, 'report.cellsDone.0.cell'], ['engines.0.armId', 'x', 'report.engines.0'], ['plan.file.arms.1.id', 'mps', 'report.plan.file.arms'], ['endedAtMs', 0, 'report.endedAtMs'],
    ['endedAtMs', 1e300, 'report.endedAtMs'], ['blocks.2.startedAtMs', -1e300, 'report.blocks.2.startedAtMs'],
  ])('refuses another %s and names the place', (path, value, field) => {
    expect(faultOf(changed(path, value))).toMatchObject({ code: 'BAD_INPUT', field, sentence: expect.stringContaining(field) })
  })

  it.each([['half a file', jsonText(report).slice(0, 500)], ['no report', '[]'], ['nothing', '']])('refuses %s', (_, text) => expect(faultOf(text)).toMatchObject({ code: 'BAD_INPUT' }))
  it.each<[string, (copy: typeof report) => void, string]>([
    ['cells', (copy) => copy.plan.cells.push(...Array.from({ length: 500 }, () => copy.plan.cells[0]!)), 'report.plan.cells'],
    ['blocks', (copy) => copy.blocks.push(...Array.from({ length: 20_000 }, () => ({ ...copy.blocks[0]!, total: null, engines: [] }))), 'report.blocks'],
    ['predictions', (copy) => copy.plan.cells[0]!.predictions.push(copy.plan.cells[0]!.predictions[0]!), 'report.plan.cells.0.predictions'],
    ['a comparison twice', (copy) => copy.comparisons.push(copy.comparisons[0]!), 'report.comparisons'],
  ])('refuses more than an experiment makes, which would only keep Overlap busy: %s', (_, change, field) => {
    const copy = structuredClone(report)
    change(copy)
    expect(faultOf(JSON.stringify(copy))).toMatchObject({ code: 'BAD_INPUT', field })
  })
  it('refuses a name after which numbers would read backwards', () => expect(faultOf(changed('plan.file.title', 'Gain \u202E'))).toMatchObject({ code: 'BAD_INPUT', sentence: expect.stringContaining('backwards') as string }))
  it('takes no name for anything but a name, and no depth for a reason to fall over', () => {
    const text = jsonText(report).replace('"env": {', '"env": {"__proto__": "x", "constructor": "y",').replace('"version": 1,', `"version": 1, "extra": ${'['.repeat(100_000)}${']'.repeat(100_000)},`)
    const read = parseReport(text)
    expect(Object.getPrototypeOf(read.engines[0]!.env)).toBe(Object.prototype)
    expect(read).not.toHaveProperty('extra')
  })
  it('refuses what is too large before it reads it', () => expect(faultOf('{'.repeat(REPORT_TEXT_MAX + 1))).toMatchObject({ code: 'TOO_LARGE' }))
})
