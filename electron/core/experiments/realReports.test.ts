// Reports of experiments that ran on a real H100 and a real H200 (driver 580.159.04, MPS control 13000): read back, recomputed and written out.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportReport } from './exports/exportReport.ts'
import { headlineOf } from './exports/headline.ts'
import { parseReport } from './exports/json.ts'
import { comparisonsOf } from './gains.ts'

const read = (name: string) => parseReport(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8'))

describe.each([
  ['h100-decode-loop', 'NVIDIA H100 80GB HBM3', '−24.0 %', 0.2301],
  ['h100-decode-loop-host-work', 'NVIDIA H100 80GB HBM3', '+37.6 %', 0.0288],
  ['h200-llama-server', 'NVIDIA H200', '+75.6 %', 0.2498],
  ['h200-four-llama-servers', 'NVIDIA H200', '+201.5 %', 1.7783],
])('%s', (name, gpu, againstSingle, againstTimeSliced) => {
  const report = read(name)

  it('says what was measured', () => {
    expect(headlineOf(report)).toContain(againstSingle)
    const overTimeSlicing = report.comparisons.find((one) => one.name === 'againstTimeSliced' && one.armId === 'mps' && one.measure === 'outputTokensPerSecond')
    expect(overTimeSlicing?.change).toBeCloseTo(againstTimeSliced, 4)
    expect(overTimeSlicing?.verdict).toBe('higher')
  })

  it('holds blocks from which the same gains follow', () => {
    const again = comparisonsOf(report.plan.file.arms, report.blocks, report.plan.file.blocks.rounds)
    expect(again).toHaveLength(report.comparisons.length)
    for (const [at, comparison] of report.comparisons.entries()) {
      expect(again[at]).toMatchObject({ armId: comparison.armId, baselineId: comparison.baselineId, measure: comparison.measure, pairs: comparison.pairs, verdict: comparison.verdict })
      expect(again[at]!.change).toBeCloseTo(comparison.change!, 9)
    }
  })

  it('proved every arm', () => {
    const proofs = report.checks.filter((check) => check.name.startsWith('attached/'))
    expect(proofs.map(({ name, result }) => `${name} ${result}`).sort()).toEqual(['attached/mps passed', 'attached/single passed', 'attached/time-sliced passed'])
    for (const { armId, pids } of report.engines) {
      const evidence = proofs.find(({ name }) => name === `attached/${armId}`)?.evidence.join(' ')
      for (const pid of pids) expect(evidence).toMatch(new RegExp(armId === 'mps' ? `pid ${pid} is in get_client_list` : `lists pid ${pid} as C(?![+\\w])`))
    }
  })

  it.each(['html', 'markdown', 'csv', 'json'] as const)('can be written as %s', (format) => {
    const { text } = exportReport(report, format)
    expect(text).toContain(format === 'csv' ? 'time-sliced' : gpu)
    expect(text).not.toContain('SIMULATED')
  })
})
