// One process as the kernel's `stat` file tells it. Pure.

export interface ProcessStat {
  pid: number
  ppid: number
  /** At most 15 bytes of the name. */
  comm: string
  /** R S D T Z … as in proc(5). */
  state: string
  processGroup: number
  session: number
  /** User and system time together, seconds. */
  cpuSeconds: number
  /** Of a zombie above 1: its first thread has ended, the others still hold its memory, its files and its ports. */
  threads: number
  /** Clock ticks since boot: with the pid it names a process for good. */
  startTicks: number
  residentBytes: number
}

/** USER_HZ: 100 on every Linux that Overlap runs on. */
export const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096
/** proc(5) counts from one and past the name; nothing after `rss` is wanted. */
const FIELDS = 22

/** The name may hold spaces and brackets: what counts comes after the last bracket. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  const fields = text.slice(close + 2).trim().split(' ', FIELDS)
  const number = (field: number) => Number(fields[field - 3]) // numbered as in proc(5)
  if (open < 1 || close < open || fields.length < FIELDS) return null
  return {
    pid: Number(text.slice(0, open)), comm: text.slice(open + 1, close), state: fields[0] ?? '?',
    ppid: number(4), processGroup: number(5), session: number(6),
    cpuSeconds: (number(14) + number(15)) / TICKS_PER_SECOND, threads: number(20), startTicks: number(22), residentBytes: number(24) * PAGE_BYTES,
  }
}

/** Of a zombie, the first thread has ended: it is over with its last one. */
export const isOver = ({ state, threads }: ProcessStat): boolean => (state === 'Z' || state === 'X') && threads <= 1
