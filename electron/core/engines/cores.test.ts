// Machines of different sizes → who runs where.
import { describe, expect, it } from 'vitest'
import { parseCpuList } from '../host/cpus.ts'
import { shareCores } from './cores.ts'

const first = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at)
const flat = (count: number) => ({ all: first(count), near: first(count) })
/** 4 cores of two threads: 0 and 4 are one core. */
const threaded = { all: [0, 4, 1, 5, 2, 6, 3, 7], near: [0, 4, 1, 5, 2, 6, 3, 7] }

describe('shareCores', () => {
  it.each<[string, { all: number[]; near: number[] }, number, (string | null)[], string | null]>([
    ['one CPU', flat(1), 1, [null], null],
    ['two CPUs, one engine', flat(2), 1, ['0'], '1'],
    ['two CPUs, two engines: too few', flat(2), 2, [null, null], null],
    ['four CPUs, two engines', flat(4), 2, ['0', '1'], '3'],
    ['sixteen CPUs, two engines', flat(16), 2, ['0-5', '6-11'], '12-15'],
    ['sixteen CPUs, three engines', flat(16), 3, ['0-3', '4-7', '8-11'], '12-15'],
    ['192 CPUs: the generator takes no more than eight', flat(192), 2, ['0-91', '92-183'], '184-191'],
    ['two sockets: the generator on the far one', { all: first(16), near: first(8) }, 2, ['0-3', '4-7'], '8-15'],
    ['one CPU elsewhere is too few for the generator', { all: first(17), near: first(16) }, 2, ['0-5', '6-11'], '12-15'],
    ['threads of a core stay together', threaded, 3, ['0,4', '1,5', '2,6'], '3,7'],
    ['nothing known', { all: [], near: [] }, 2, [null, null], null],
  ])('%s', (_, cpus, engines, each, generator) => {
    expect(shareCores(cpus, engines)).toEqual({ engines: each, generator, disjoint: generator !== null })
  })

  it('never gives one CPU twice, and the generator the same for every number of engines', () => {
    for (let count = 2; count <= 64; count += 1) {
      for (let engines = 1; engines <= 8; engines += 1) {
        const { engines: each, generator, disjoint } = shareCores(flat(count), engines)
        if (!disjoint) continue
        const given = [...each, generator].flatMap((list) => parseCpuList(list ?? ''))
        expect(new Set(given).size).toBe(given.length)
        expect(new Set(each.map((list) => parseCpuList(list ?? '').length)).size).toBe(1)
        expect(generator).toBe(shareCores(flat(count), 1).generator)
      }
    }
  })
})
