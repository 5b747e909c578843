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

it('of a cell that was interrupted, what was measured stays listed and does not count', () => {
  const report = syntheticReport({ axes: [{ vary: 'concurrency', values: [8, 16] }], alter: (block) => (block.index === 20 ? { ...block, validity: 'failed', total: null, reasons: ['It ended.'] } : block) }, { cellsDone: [0] })
  const { blocks, comparisons } = new Findings(report.plan, report)
  expect(blocks).toHaveLength(report.blocks.length)
  expect(blocks.filter(({ cell }) => cell === 0)).toEqual(report.blocks.filter(({ cell }) => cell === 0))
  expect(new Set(blocks.filter(({ cell }) => cell === 1).map(({ validity, reasons }) => `${validity}: ${reasons.join(' ')}`))).toEqual(new Set(['invalid: Its cell was interrupted, and measured anew.', 'failed: It ended. Its cell was interrupted, and measured anew.']))
  expect(comparisons.filter(({ cell, pairs }) => cell === 1 && pairs > 0)).toEqual([])
  expect(new Findings(report.plan, { ...report, blocks }).blocks).toEqual(blocks)
})

it('names the cells that an arm lacks blocks in, in one sentence', () => {
  const report = syntheticReport({ axes: [{ vary: 'concurrency', values: [8, 16, 32] }], alter: (block) => (block.armId === 'mps' && block.cell > 0 && block.round === 0 ? { ...block, validity: 'invalid', reasons: ['Late.'] } : block) })
  expect(new Findings(report.plan, report).outcome('over')).toEqual({ outcome: 'partial', reasons: ['Fewer than 6 valid blocks of “Two engines under MPS” (Concurrency 16; Concurrency 32).'] })
})
