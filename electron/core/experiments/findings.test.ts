// What an experiment comes to, however it ended.
import { expect, it } from 'vitest'
import { Findings } from './findings.ts'
import { syntheticReport } from './report.testkit.ts'

const whole = syntheticReport()
const findings = (cellsDone: number[]) => new Findings(whole.plan, { ...whole, cellsDone })

it.each([
  ['all cells', [0], 'over', 'valid', ''],
  ['all cells, cancelled while it was tidied up', [0], 'cancelled', 'valid', ''],
  ['no cell, cancelled', [], 'cancelled', 'partial', '0 of 1 cells are done: it was cancelled.'],
  ['no cell, kept while it goes on', [], 'underWay', 'partial', '0 of 1 cells are done.'],
  ['no cell, over', [], 'over', 'invalid', '0 of 1 cells are done.'],
] as const)('%s', (_, cellsDone, end, outcome, reasons) => {
  expect(whole.plan.cells).toHaveLength(1)
  const found = findings([...cellsDone]).outcome(end)
  expect({ ...found, reasons: found.reasons.join(' ') }).toEqual({ outcome, reasons })
})
