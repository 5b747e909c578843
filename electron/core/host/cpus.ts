// CPUs that this process may use, and which of them are on a GPU's NUMA node. Reads /sys; shares nothing out.
import { readFileSync } from 'node:fs'
import { Procfs } from './procfs.ts'

/**
 * `pciBusId` as nvidia-smi writes it (00000000:3B:00.0); null: not known. Threads of one core stand side by side, so that a
 * stretch of the list holds whole cores. `near` is `all` where the node is not known.
 */
export function cpusNear(pciBusId: string | null, { procfs = new Procfs(), sysRoot = '/sys' }: { procfs?: Procfs; sysRoot?: string } = {}): { all: number[]; near: number[] } {
  const listIn = (path: string): number[] => parseCpuList(textOf(`${sysRoot}/${path}`))
  const own = procfs.cpusOf('self')
  const allowed = own === null ? listIn('devices/system/cpu/online') : parseCpuList(own)
  const coreOf = new Map(allowed.map((cpu) => [cpu, listIn(`devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`)[0] ?? cpu]))
  const all = allowed.toSorted((a, b) => (coreOf.get(a) ?? a) - (coreOf.get(b) ?? b) || a - b)
  const local = new Set(pciBusId === null ? [] : listIn(`bus/pci/devices/${pciBusId.slice(-12).toLowerCase()}/local_cpulist`))
  const near = all.filter((cpu) => local.has(cpu))
  return { all, near: near.length === 0 ? all : near }
}

/** Empty for a file that is not there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** More CPUs than any kernel has: a list beyond is not one. */
const MOST_CPUS = 8192

/** `0-3,8` → [0, 1, 2, 3, 8]. Empty for what is no such list, also for a range that runs backwards. */
export function parseCpuList(text: string): number[] {
  const ranges = text.split(',').map((range) => /^(\d+)(?:-(\d+))?$/.exec(range.trim()))
  const cpus = new Set<number>()
  for (const range of ranges) {
    const first = Number(range?.[1] ?? Number.NaN)
    const last = Number(range?.[2] ?? first)
    if (!(first <= last && last < MOST_CPUS)) return []
    for (let cpu = first; cpu <= last; cpu += 1) cpus.add(cpu)
  }
  return [...cpus].toSorted((a, b) => a - b)
}

/** `cpus`: as taskset reads them; null: all. taskset becomes the program that it starts: pid and signals stay that one's. */
export const onCpus = (cpus: string | null, argv: readonly string[]): string[] => [...(cpus === null ? [] : ['taskset', '-c', cpus]), ...argv]

/** [0, 1, 2, 3, 8] → `0-3,8`, as taskset reads it. */
export function cpuList(cpus: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const cpu of cpus.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && cpu === last[1] + 1) last[1] = cpu
    else ranges.push([cpu, cpu])
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',')
}
