import { describe, expect, it } from 'vitest'
import { armOf, syntheticReport, THREE_ARMS } from '../../electron/core/experiments/report.testkit.ts'
import { curvesIn, drawnCurves, expectedRows, gainRows, groupsOf, blockArms, heatOf } from './reportCharts.ts'

const plain = syntheticReport({ alter: (block) => (block.index === 1 ? { ...block, validity: 'failed', total: null, reasons: ['It died.'] } : block) })
const grid = syntheticReport({ axes: [{ vary: 'model', values: ['Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-7B'] }, { vary: 'promptTokens', values: [128, 2048] }] })
/** Saturates at 16 at a time; latency grows with what is above it. */
const sweep = syntheticReport({
  axes: [{ vary: 'concurrency', values: [4, 8, 16, 32, 64] }], noise: 0.001,
  truth: (arm, { concurrency = 1 }) => ({ tokensPerSecond: 100 * Math.min(concurrency, 16) * (arm.kind === 'mps' ? 1.2 : 1), ttft: 50, tpot: 10 * Math.max(1, concurrency / 16) }),
})

describe('gainRows', () => {
  it('has both named gains of MPS and one of time-slicing, in the order of the arms', () => expect(gainRows(plain, 0).map(({ comparison, arm }) => [arm, comparison.name])).toEqual([['Two engines, time-sliced', 'againstSingle'], ['Two engines under MPS', 'againstSingle'], ['Two engines under MPS', 'againstTimeSliced']]))
  it('has nothing of a cell that was not measured', () => expect(gainRows(plain, 1)).toEqual([]))
  it('says of each number whether it holds for this load only', () => {
    const single = plain.plan.file.arms.find(({ kind }) => kind === 'single')?.id
    const below = { ...plain, checks: [{ name: `plateau/${single}`, result: 'failed' as const, weight: 'warns' as const, sentence: '', evidence: [] }] }
    expect(gainRows(below, 0).map(({ only }) => only?.short ?? null)).toEqual(['below the plateau', 'below the plateau', null])
  })
})

describe('expectedRows', () => {
  it('pairs band and measurement, and leaves the single engine out', () => {
    const rows = expectedRows(plain, [0])
    expect(rows.map((row) => row.arm)).toEqual(['Two engines, time-sliced', 'Two engines under MPS'])
    expect(rows[1]).toMatchObject({ expected: { low: 0.08, likely: 0.2, high: 0.34 } })
    expect(rows[1]!.measured!.change).toBeGreaterThan(0.15)
  })
  it('keeps what was not measured unknown', () => expect(expectedRows({ plan: plain.plan, comparisons: [] }, [0])[0]!.measured).toBeNull())
})

it('shows a failed block at its place, without a number', () => {
  const failed = blockArms(plain, 0).flatMap((arm) => arm.blocks).find((block) => block.validity === 'failed')
  expect(failed).toMatchObject({ order: 1, tokensPerSecond: null, reasons: ['It died.'] })
})

describe('heatOf', () => {
  it('has no map without two axes', () => expect(heatOf(plain, 'againstSingle', 'mps')).toBeNull())
  it('puts the first axis down and the second across', () => {
    const heat = heatOf(grid, 'againstSingle', 'mps')!
    expect([heat.rows.values, heat.columns.values]).toEqual([['Qwen2.5-0.5B', 'Qwen2.5-7B'], ['128', '2,048']])
    expect(heat.cells).toHaveLength(4)
    expect(heat.cells.every((cell) => cell.verdict === 'higher')).toBe(true)
  })
  it('shows what is expected as long as nothing is measured, and never beside it', () => {
    expect(heatOf({ ...grid, comparisons: [] }, 'againstSingle', 'mps')!.cells[0]).toMatchObject({ change: 0.2, verdict: null })
    const half = heatOf({ ...grid, comparisons: grid.comparisons.filter((one) => one.cell === 0) }, 'againstSingle', 'mps')!
    expect(half.cells[3]).toMatchObject({ change: null, why: 'Not measured.' })
  })
})

describe('drawnCurves', () => {
  it('is one group where nothing else was varied', () => expect(groupsOf(sweep)).toEqual(['']))
  it('marks the knee over load and at the same point over latency', () => {
    const curves = curvesIn(sweep, '')
    const over = drawnCurves(THREE_ARMS, curves, 'load')
    expect(over.map((curve) => curve.knee?.x)).toEqual([16, 16, 16])
    const latency = drawnCurves(THREE_ARMS, curves, 'latency')
    expect(latency[0]!.knee!.y).toBeCloseTo(over[0]!.knee!.y)
    expect(latency[0]!.points.map((point) => point.note)).toEqual([4, 8, 16, 32, 64].map((load) => `concurrency ${load}, 6 blocks`)) // the order of the load, also where latency turns back
  })
  it('leaves out a point whose latency is unknown, over latency only', () => {
    const [curve] = curvesIn(sweep, '')
    const holed = { ...curve!, points: curve!.points.map((point, at) => (at === 0 ? { ...point, endToEndMsP95: null } : point)) }
    expect([drawnCurves(THREE_ARMS, [holed], 'load')[0]!.points.length, drawnCurves(THREE_ARMS, [holed], 'latency')[0]!.points.length]).toEqual([5, 4])
  })
  it('gives every arm a colour of its own', () => expect(new Set(drawnCurves([...THREE_ARMS, armOf('mps-4', 'mps', 4)], curvesIn(sweep, ''), 'load').map((curve) => curve.colour)).size).toBe(3))
})
