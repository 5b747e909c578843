// Which CPUs each engine of an arm gets, and which are left to the load generator. Pure; see host/cpus.ts for where they come from.
import { cpuList } from '../host/cpus.ts'

/** The generator of one machine needs no more: it reads text, the engines do the work. */
const MOST_FOR_GENERATOR = 8

/**
 * `cpus`: threads of one core side by side; `near`: on the GPU's NUMA node. Engines get equal stretches of `near`. The generator gets what is not
 * near where that is enough for it, else a quarter of `near`, the same whatever the number of engines. disjoint: false where there are too few for
 * all; nobody is pinned then.
 */
export function shareCores(cpus: { all: number[]; near: number[] }, engines: number): { engines: (string | null)[]; generator: string | null; disjoint: boolean } {
  const far = cpus.all.filter((cpu) => !cpus.near.includes(cpu))
  const quarter = wholeCores(Math.min(MOST_FOR_GENERATOR, Math.max(1, Math.floor(cpus.near.length / 4))))
  const generator = far.length >= quarter ? far : cpus.near.slice(cpus.near.length - quarter)
  const pool = cpus.near.filter((cpu) => !generator.includes(cpu))
  const each = wholeCores(Math.floor(pool.length / engines))
  if (engines < 1 || each < 1) return { engines: Array.from({ length: engines }, () => null), generator: null, disjoint: false }
  return {
    engines: Array.from({ length: engines }, (_, at) => cpuList(pool.slice(at * each, (at + 1) * each))),
    generator: cpuList(generator),
    disjoint: true,
  }
}

/** With two threads per core an odd number would split one between two neighbours. */
const wholeCores = (cpus: number): number => (cpus > 1 ? cpus - (cpus % 2) : cpus)
