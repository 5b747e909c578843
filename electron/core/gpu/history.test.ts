import { describe, expect, it, vi } from 'vitest'
import { METRIC_KEYS } from '../../../shared/gpu.ts'
import { History } from './history.ts'
import { gpuSeries } from './liveSeries.ts'

/** Numbers from 0 to 1, the same at every run. */
const lcg = (seed: number) => () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) / 0x7fff_ffff
const START = 1_700_000_000_000
const seconds = (count: number) => START + count * 1000
/** Those of `names` that have a value anywhere. */
const known = (history: History, names: string[]) => Object.entries(history.window(names, 0, seconds(99_999), 4000).series).flatMap(([name, { max }]) => (max.some((value) => value !== null) ? [name] : []))

describe('History', () => {
  it('gives rows as they are while they fit, unknown as null', () => {
    const history = new History()
    history.add(seconds(0), { a: 1, b: null })
    history.add(seconds(1), { a: null, b: 5 })
    history.add(seconds(2), { a: 3, b: Number.NaN })
    expect(history.window(['a', 'b', 'c'], seconds(0), seconds(2), 10)).toEqual({
      atMs: [seconds(0), seconds(1), seconds(2)],
      bucketMs: 1000,
      series: {
        a: { min: [1, null, 3], max: [1, null, 3] },
        b: { min: [null, 5, null], max: [null, 5, null] },
        c: { min: [null, null, null], max: [null, null, null] },
      },
    })
  })

  it('keeps the spike and the dip of every bucket', () => {
    const history = new History()
    for (let at = 0; at < 3600; at += 1) history.add(seconds(at), { load: at === 1234 ? 100 : at === 2345 ? 1 : 50 })
    const { atMs, series, bucketMs } = history.window(['load'], seconds(0), seconds(3599), 100)
    expect(atMs.length).toBeLessThanOrEqual(100)
    expect(atMs.length).toBeGreaterThan(90)
    const place = (at: number) => atMs.findIndex((left) => seconds(at) >= left && seconds(at) < left + bucketMs)
    expect(series['load']?.max[place(1234)]).toBe(100)
    expect(series['load']?.min[place(1234)]).toBe(50)
    expect(series['load']?.min[place(2345)]).toBe(1)
    expect(series['load']?.max.filter((value) => value === 100)).toHaveLength(1)
    expect(series['load']?.min).not.toContain(null)
  })

  it('forgets what is older than an hour, and series that gave nothing for an hour', () => {
    const history = new History()
    history.add(seconds(0), { gone: 1, kept: 1 })
    for (let at = 1; at <= 3600; at += 1) history.add(seconds(at), { kept: at })
    expect(known(history, ['gone', 'kept'])).toEqual(['kept'])
    const { atMs } = history.window(['kept'], 0, seconds(9999), 4000)
    expect(atMs[0]).toBe(seconds(1))
    expect(atMs).toHaveLength(3600)
  })

  it('does not carry values of an hour ago into a row that has none', () => {
    const history = new History()
    for (let at = 0; at < 3600; at += 1) history.add(seconds(at), { a: 7 })
    history.add(seconds(3600), { b: 1 })
    expect(history.window(['a'], seconds(3600), seconds(3600), 10).series['a']?.max).toEqual([null])
  })

  it('loses no spike where rows come late and close together, or at the same moment', () => {
    const history = new History()
    history.add(seconds(0), { a: 1 })
    history.add(seconds(1) + 700, { a: 99 })
    history.add(seconds(2), { a: 2 })
    history.add(seconds(2), { a: 98 })
    expect(history.window(['a'], seconds(0), seconds(2), 10)).toMatchObject({
      atMs: [seconds(0), seconds(1) + 700, seconds(2)], series: { a: { min: [1, 99, 2], max: [1, 99, 98] } },
    })
  })

  it('keeps every value of every window within its bucket, through gaps, holes and a clock that goes back', () => {
    const random = lcg(7)
    for (let round = 0; round < 20; round += 1) {
      const history = new History()
      const rows: { atMs: number; value: number | null }[] = []
      let atMs = START
      for (let count = Math.floor(random() * 5000); count > 0; count -= 1) {
        const kind = random()
        atMs += kind < 0.9 ? 1000 : kind < 0.95 ? Math.floor(random() * 3000) : kind < 0.97 ? 60_000 : kind < 0.98 ? -30_000 : 200
        const value = random() < 0.8 ? Math.floor(random() * 100) : null
        history.add(atMs, { a: value, b: 1 })
        rows.push({ atMs, value })
      }
      for (let query = 0; query < 5; query += 1) {
        const fromMs = START + Math.floor((random() - 0.1) * 5_000_000)
        const toMs = fromMs + Math.floor(random() * 4_000_000)
        const maxPoints = 2 + Math.floor(random() * 500)
        const { atMs: edges, bucketMs, series } = history.window(['a'], fromMs, toMs, maxPoints)
        expect(edges.length).toBeLessThanOrEqual(maxPoints)
        const expected = edges.map((left, at) => rows.slice(-3600).filter((row) => row.value !== null && row.atMs >= fromMs && row.atMs <= toMs
          && row.atMs >= left && row.atMs < (bucketMs === 1000 ? (edges[at + 1] ?? Infinity) : left + bucketMs)).map((row) => row.value ?? 0))
        expect(series['a']?.min).toEqual(expected.map((values) => (values.length === 0 ? null : Math.min(...values))))
        expect(series['a']?.max).toEqual(expected.map((values) => (values.length === 0 ? null : Math.max(...values))))
      }
    }
  })

  it('stays in order when the clock is set back', () => {
    const history = new History()
    for (const at of [100, 101, 102, 50, 51, 101]) history.add(seconds(at), { a: at === 101 ? 9 : at })
    const { atMs, series } = history.window(['a'], seconds(0), seconds(200), 20)
    expect(atMs).toEqual([50, 51, 52, 100, 101, 102].map(seconds))
    expect(series['a']?.max).toEqual([50, 51, null, 100, 9, 102])
  })

  it('breaks the line where nothing was recorded', () => {
    const history = new History()
    for (const at of [0, 1, 2, 60, 61]) history.add(seconds(at), { a: 1 })
    expect(history.window(['a'], seconds(0), seconds(61), 100).series['a']?.max).toEqual([1, 1, 1, null, 1, 1])
    const buckets = history.window(['a'], seconds(0), seconds(61), 5)
    expect(buckets.atMs.length).toBeLessThanOrEqual(5)
    expect(buckets.series['a']?.max).toContain(null)
  })

  it('never gives more points than asked, ascending, for any window', () => {
    const history = new History()
    for (let at = 0; at < 2000; at += 1) history.add(seconds(at) + (at % 7) * 40, { a: at })
    for (const maxPoints of [2, 3, 17, 999, 1999, 4000]) {
      for (const [from, to] of [[0, 1999], [5, 6], [-500, 100], [1990, 9000], [10, 5]] as const) {
        const { atMs } = history.window(['a'], seconds(from), seconds(to), maxPoints)
        expect(atMs.length).toBeLessThanOrEqual(maxPoints)
        expect(atMs.every((left, place) => place === 0 || left > (atMs[place - 1] ?? 0))).toBe(true)
      }
    }
  })

  it('drops series by prefix', () => {
    const history = new History()
    history.add(seconds(0), { 'engine/a/x': 1, 'engine/b/x': 2 })
    history.drop('engine/a/')
    expect(known(history, ['engine/a/x', 'engine/b/x'])).toEqual(['engine/b/x'])
  })

  it('needs 2.2 MB for 8 GPUs and 16 engines', () => {
    const history = new History()
    const values: Record<string, number> = {}
    for (let gpu = 0; gpu < 8; gpu += 1) for (const key of METRIC_KEYS) values[gpuSeries(`GPU-${gpu}`, key)] = 1
    for (let engine = 0; engine < 16; engine += 1) for (const key of ['tokens', 'prompt', 'running', 'waiting']) values[`engine/e${engine}/${key}`] = 1
    // of this History alone, whatever else the process frees or takes meanwhile
    let grown = 0
    const Column = globalThis.Float32Array
    vi.stubGlobal('Float32Array', class extends Column {
      constructor(length: number) {
        super(length)
        grown += this.byteLength
      }
    })
    history.add(seconds(0), values)
    vi.unstubAllGlobals()
    expect(Object.keys(values)).toHaveLength(152)
    expect(grown).toBeGreaterThanOrEqual(152 * 3600 * 4)
    expect(grown).toBeLessThan(2.4e6)
    const extra = Array.from({ length: 2000 }, (_, at) => `x/${at}`)
    for (const [at, name] of extra.entries()) history.add(seconds(at), { [name]: 1 })
    expect(known(history, extra)).toHaveLength(1000 - 152)
  })
})
