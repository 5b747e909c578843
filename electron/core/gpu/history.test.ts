import { describe, expect, it } from 'vitest'
import { METRIC_KEYS } from '../../../shared/gpu.ts'
import { History } from './history.ts'
import { gpuSeries } from './liveSeries.ts'

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

  it('joins values of the same moment into one row', () => {
    const history = new History()
    history.add(seconds(0), { a: 1 })
    history.add(seconds(0) + 300, { b: 2 })
    history.add(seconds(1) + 20, { a: 3 })
    expect(history.window(['a', 'b'], seconds(0), seconds(2), 10)).toMatchObject({ atMs: [seconds(0), seconds(1) + 20], series: { b: { max: [2, null] } } })
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
    const before = process.memoryUsage().arrayBuffers
    history.add(seconds(0), values)
    const grown = process.memoryUsage().arrayBuffers - before
    expect(Object.keys(values)).toHaveLength(152)
    expect(grown).toBeGreaterThanOrEqual(152 * 3600 * 4)
    expect(grown).toBeLessThan(2.4e6)
    const extra = Array.from({ length: 2000 }, (_, at) => `x/${at}`)
    for (const [at, name] of extra.entries()) history.add(seconds(at), { [name]: 1 })
    expect(known(history, extra)).toHaveLength(1000 - 152)
  })
})
