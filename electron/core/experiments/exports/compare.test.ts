import { describe, expect, it } from 'vitest'
import { syntheticReport } from '../report.testkit.ts'
import { compareReports } from './compare.ts'

const a = syntheticReport({ noise: 0 })
const b = syntheticReport({ noise: 0, truth: (arm) => ({ tokensPerSecond: arm.kind === 'mps' ? 12_000 : 9000, ttft: 80, tpot: 12 }) }, { simulated: false, scene: null })
const find = (rows: ReturnType<typeof compareReports>['rows'], group: string, what: string) => rows.find((row) => row.group === group && row.what === what)

describe('compareReports', () => {
  it('finds nothing between a report and itself', () => {
    const { rows } = compareReports(a, a)
    expect(rows.length).toBeGreaterThan(80)
    expect(rows.filter((row) => row.differs || (row.change ?? 0) !== 0)).toEqual([])
  })

  it('sets figures side by side with their change, and words without one', () => {
    const { rows } = compareReports(a, b)
    expect(find(rows, 'Arm mps', 'Output tokens/s')).toEqual({ group: 'Arm mps', what: 'Output tokens/s', a: '11,200', b: '12,000', change: expect.closeTo(12 / 11.2 - 1, 10), differs: true })
    expect(find(rows, 'Arm off', 'Output tokens/s')).toMatchObject({ differs: false, change: 0 })
    expect(find(rows, 'Report', 'Numbers')).toMatchObject({ a: 'SIMULATED', b: 'measured', change: null, differs: true })
    expect(find(rows, 'Gain: 2 engines under MPS against the best single engine', 'Output tokens/s')).toMatchObject({ a: '+23.1 % (+23.1 … +23.1 %, 6 pairs)', b: '+33.3 % (+33.3 … +33.3 %, 6 pairs)', change: null, differs: true })
    expect(find(rows, 'Engine 2 of mps', 'KV cache, tokens')).toMatchObject({ a: '200,000', change: 0 })
  })

  it('shows whatever of load and engines was another, and no port', () => {
    const other = structuredClone(a)
    Object.assign(other.plan.file.load, { streamIntervalTokens: 16, ignoreEos: false, goodput: null })
    other.engines[0]!.argv = other.engines[0]!.argv.map((word) => (word === '8100' ? '9999' : word))
    other.engines[1]!.env = { ...other.engines[1]!.env, VLLM_USE_V1: '0', PATH: '/elsewhere' }
    expect(compareReports(a, other).rows.filter((row) => row.differs).map((row) => `${row.group}: ${row.what}`)).toEqual(['Load: Past the end token', 'Load: Tokens per chunk', 'Load: Goodput limits', 'Engine 1 of off: Environment'])
  })

  it('knows cells by what they are, not by their place, and says where one has none', () => {
    const truth = (_: unknown, { concurrency = 0 }) => ({ tokensPerSecond: 100 * concurrency, ttft: 80, tpot: 12 })
    const one = syntheticReport({ noise: 0, truth, axes: [{ vary: 'concurrency', values: [8, 16] }] })
    const other = syntheticReport({ noise: 0, truth, axes: [{ vary: 'concurrency', values: [16, 32] }] })
    const { rows } = compareReports(one, other)
    const at = (concurrency: number) => find(rows, `Arm mps, Concurrency ${concurrency}`, 'Output tokens/s')
    expect([at(8), at(16), at(32)]).toMatchObject([{ a: '800', b: null, change: null, differs: true }, { a: '1,600', b: '1,600', change: 0, differs: false }, { a: null, b: '3,200', change: null, differs: true }])
    const groups = rows.map((row) => row.group)
    expect(groups.filter((group, index) => group !== groups[index - 1])).toHaveLength(new Set(groups).size)
  })
})
