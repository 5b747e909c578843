// The only reader of /proc. Whatever cannot be read here (gone, not ours, not offered by this kernel) is null, never an exception.
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'
import { type Clock, systemClock } from '../kit/clock.ts'
import { heldLocks, listeningPaths, listeningTcp } from './kernelTables.ts'
import { isOver, parseStat, TICKS_PER_SECOND, type ProcessStat } from './processStat.ts'
import { ProcessTables, treeOf, type ProcessTable } from './processTable.ts'

export class Procfs {
  readonly #root: string
  readonly #clock: Clock
  readonly #buffer = Buffer.alloc(4096)
  readonly #tables = new ProcessTables()
  readonly #turn = new Map<string, unknown>()

  constructor(parts: { root?: string; clock?: Clock } = {}) {
    this.#root = parts.root ?? '/proc'
    this.#clock = parts.clock ?? systemClock
  }

  processStat(pid: number): ProcessStat | null {
    const text = this.#short(`${pid}/stat`)
    return text === null ? null : parseStat(text)
  }

  /** Whether it still runs and is the same one. A zombie is gone, once its last thread is. */
  isAlive(process: { pid: number; startTicks: number }): boolean {
    const stat = this.processStat(process.pid)
    return stat !== null && stat.startTicks === process.startTicks && !isOver(stat)
  }

  /** All processes. `fresh`: every entry is read now; else old ones may be nine calls old (see readAtMs). Null: no /proc. */
  processTable(fresh = false): ProcessTable | null {
    const pids = this.#pids()
    return pids && this.#tables.next(pids, (pid) => this.processStat(pid), this.#clock.now(), fresh)
  }

  /** The process and all below it, itself first; empty when it is gone. */
  processTree(root: number, table: ProcessTable | null = this.processTable(true)): number[] {
    return table?.has(root) ? treeOf(root, table) : []
  }

  /** As it was at its exec. Null: gone, or another user's. */
  environmentOf(pid: number): Record<string, string> | null {
    const text = this.#text(`${pid}/environ`)
    if (text === null) return null
    const pairs = text.split('\0').filter((pair) => pair.includes('='))
    return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  }

  /** Null: gone, a zombie or a kernel thread. */
  commandLine(pid: number): string[] | null {
    const text = this.#text(`${pid}/cmdline`)
    if (!text) return null
    return text.replace(/\0$/, '').split('\0')
  }

  /** The user it runs as (effective). */
  uidOf(pid: number): number | null {
    return numbersIn(this.#short(`${pid}/status`), 'Uid')?.[1] ?? null
  }

  /** Null: gone, or another user's. */
  workingDirectory(pid: number): string | null {
    return this.#link(`${pid}/cwd`)
  }

  /** TCP ports at which one of these processes listens for callers on 127.0.0.1. Null: all gone, not ours to see, or of another network than ours. */
  listeningPorts(pids: readonly number[]): number[] | null {
    const network = this.#link('self/ns/net')
    const inodes = new Set<string>()
    let seen = false
    for (const pid of pids) {
      const descriptors = this.#link(`${pid}/ns/net`) === network ? this.#names(`${pid}/fd`) : null
      if (descriptors === null && this.#hasEnded(pid)) continue // it listens nowhere, and hides nothing of the others
      if (descriptors === null) return null
      seen = true
      for (const descriptor of descriptors) {
        const inode = /^socket:\[(\d+)\]$/.exec(this.#link(`${pid}/fd/${descriptor}`) ?? '')?.[1]
        if (inode !== undefined) inodes.add(inode)
      }
    }
    if (!seen) return null
    const sockets = [...(this.#inThisTurn('net/tcp', listeningTcp) ?? []), ...(this.#inThisTurn('net/tcp6', listeningTcp) ?? [])]
    return [...new Set(sockets.filter(({ inode }) => inodes.has(inode)).map(({ port }) => port))]
  }

  /** Whether it sees the processes and files of this machine as we do. Null: cannot be told here. */
  sharesOurWorld(pid: number): boolean | null {
    const kinds = ['pid', 'mnt'].map((kind) => [this.#link(`${pid}/ns/${kind}`), this.#link(`self/ns/${kind}`)])
    return kinds.some((pair) => pair.includes(null)) ? null : kinds.every(([its, ours]) => its === ours)
  }

  /** The systemd service that it belongs to; null: none, or it cannot be told here. */
  serviceOf(pid: number): string | null {
    return /([^/]+\.service)$/.exec(this.#unitPath(pid))?.[1] ?? null
  }

  /** Whether this process itself was started by the user's systemd manager, and not by a login. */
  inUserManager(): boolean {
    return /\/user@\d+\.service\//.test(this.#unitPath('self'))
  }

  #unitPath(pid: number | 'self'): string {
    const paths = [...(this.#text(`${pid}/cgroup`) ?? '').matchAll(/^\d+:(?:name=systemd)?:(.*)$/gm)].map(([, path = '']) => path)
    return paths.find((path) => path !== '/') ?? ''
  }

  /** How long ago a process began, whatever the wall clock says; null: cannot be told here. */
  ageMs(startTicks: number): number | null {
    const upSeconds = Number(this.#short('uptime')?.split(' ')[0] ?? Number.NaN)
    return Number.isNaN(upSeconds) ? null : (upSeconds - startTicks / TICKS_PER_SECOND) * 1000
  }

  /** Wall-clock time of a start time; null: cannot be told here. */
  timeOf(startTicks: number): number | null {
    const ageMs = this.ageMs(startTicks)
    return ageMs === null ? null : Math.round(this.#clock.now() - ageMs)
  }

  /** Whether a unix socket listens at this path, in our network namespace. Null: cannot be told here. */
  listeningSocket(path: string): boolean | null {
    return this.#inThisTurn('net/unix', listeningPaths)?.has(path) ?? null
  }

  /** The pid that holds a lock (fcntl or flock) on the file at `path`. Null: nobody, or it cannot be told here. */
  lockOwner(path: string): number | null {
    const file = inodeOf(path)
    if (file === null) return null
    // On overlay and btrfs the kernel's device differs from stat's: the inode decides, an equal device is preferred.
    const owners = this.#inThisTurn('locks', heldLocks)?.filter((lock) => lock.inode === file.ino) ?? []
    return (owners.find((owner) => owner.device === file.dev) ?? owners[0])?.pid ?? null
  }

  /** User and system time of the process without its children. */
  cpuSeconds(pid: number): number | null {
    return this.processStat(pid)?.cpuSeconds ?? null
  }

  /** Names this boot of the machine: start times of processes count from it. Null: cannot be told here. */
  bootId(): string | null {
    return this.#short('sys/kernel/random/boot_id')?.trim() || null
  }

  /** CPUs that a process may run on, as the kernel writes them: `0-3,8`. Null: cannot be told here. */
  cpusOf(pid: number | 'self'): string | null {
    return /^Cpus_allowed_list:\s+(\S+)/m.exec(this.#text(`${pid}/status`) ?? '')?.[1] ?? null
  }

  /** Soft limit of open files of this process; Infinity for `unlimited`. */
  ownOpenFileLimit(): number | null {
    const soft = /^Max open files\s+(\S+)/m.exec(this.#text('self/limits') ?? '')?.[1]
    return soft === undefined ? null : soft === 'unlimited' ? Infinity : Number(soft)
  }

  #hasEnded(pid: number): boolean {
    const stat = this.processStat(pid)
    return stat === null || isOver(stat)
  }

  #pids(): number[] | null {
    return this.#names('.')?.map(Number).filter((pid) => pid > 0) ?? null
  }

  /** A file of at most 4 KiB, with three system calls. */
  #short(path: string): string | null {
    let file: number | null = null
    try {
      file = openSync(`${this.#root}/${path}`, 'r')
      return this.#buffer.toString('utf8', 0, readSync(file, this.#buffer, 0, this.#buffer.length, 0))
    } catch {
      return null
    } finally {
      if (file !== null) closeSync(file)
    }
  }

  /** A table of the kernel is read once for all who ask in the same turn of the event loop: eight GPUs ask at once, every second. */
  #inThisTurn<Table>(path: string, parse: (text: string) => Table): Table | null {
    if (this.#turn.size === 0) process.nextTick(() => this.#turn.clear())
    if (!this.#turn.has(path)) {
      const text = this.#text(path)
      this.#turn.set(path, text === null ? null : parse(text))
    }
    return this.#turn.get(path) as Table | null
  }

  #text(path: string): string | null {
    return attempt(() => readFileSync(`${this.#root}/${path}`, 'utf8'))
  }

  #link(path: string): string | null {
    return attempt(() => readlinkSync(`${this.#root}/${path}`))
  }

  #names(path: string): string[] | null {
    return attempt(() => readdirSync(`${this.#root}/${path}`))
  }
}

function attempt<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch {
    return null
  }
}

function numbersIn(status: string | null, name: string): number[] | null {
  const line = status?.split('\n').find((text) => text.startsWith(`${name}:`))
  return line === undefined ? null : line.slice(name.length + 1).trim().split(/\s+/).map(Number)
}

/** Null: not there, or in a folder that is not ours to look into. */
function inodeOf(path: string): { ino: number; dev: number } | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}
