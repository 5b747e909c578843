import { describe, expect, it } from 'vitest'
import { Track } from './track.ts'

describe('Track', () => {
  it('gives back what was pushed, null where a series was not named', () => {
    const track = new Track()
    track.push(1000, new Map([['a', 1], ['b', null]]))
    track.push(2000, new Map([['a', 2], ['c', 9]]))
    expect([track.newest('a'), track.newest('b'), track.newest('never')]).toEqual([2, null, null])
    expect(track.read(['a', 'b', 'c', 'never'], 0)).toEqual({
      atMs: [1000, 2000], bucketMs: null,
      series: [
        { min: null, max: [1, 2] }, { min: null, max: [null, null] },
        { min: null, max: [null, 9] }, { min: null, max: [null, null] },
      ],
    })
  })

  it('cuts at fromMs and ignores moments that are not newer', () => {
    const track = new Track()
    for (const at of [1000, 2000, 2000, 1500, 3000]) track.push(at, new Map([['a', at]]))
    expect(track.read(['a'], 2000).series[0]?.max).toEqual([2000, 3000])
  })

  it('keeps the newest when full and does not show a former round of the ring', () => {
    const track = new Track()
    track.push(1, new Map([['once', 1]]))
    for (let at = 2; at <= 1500; at++) track.push(at, new Map([['a', at]]))
    const read = track.read(['a', 'once'], 0)
    expect(read.atMs.length).toBe(1024)
    expect(read.atMs[0]).toBe(477)
    expect(read.series[0]?.max.at(-1)).toBe(1500)
    expect(read.series[1]?.max.every((value) => value === null)).toBe(true)
  })

  it('starts from the kept past', () => {
    const track = new Track()
    track.push(99, new Map([['old', 1]]))
    track.replace({ atMs: [100, 200], bucketMs: 100, series: { a: { min: [1, null], max: [3, null] } } })
    expect(track.read(['a', 'old'], 0).series.map((one) => one.max)).toEqual([[3, null], [null, null]])
  })
})
