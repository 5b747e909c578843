// Is there really a daemon, whose is it, and which GPUs does it serve? Read from the kernel, without a word to the daemon.
// Files in a pipe directory prove nothing: a killed daemon leaves all of them behind.
import { basename, join } from 'node:path'
import type { ForeignDaemon } from '../../../shared/mps.ts'
import type { ProcessTable, TableEntry } from '../host/processTable.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Life } from './lifecycle.ts'

/** The part of /proc that is read here. */
export type Processes = Pick<Procfs, 'processStat' | 'processTable' | 'listeningSocket' | 'lockOwner' | 'environmentOf' | 'commandLine' | 'uidOf'>

/** 15 characters of nvidia-cuda-mps-control, and of nvidia-cuda-mps-server too. */
const COMM = 'nvidia-cuda-mps'
export const DEFAULT_PIPE_DIRECTORY = '/tmp/nvidia-mps'
export const DEFAULT_LOG_DIRECTORY = '/var/log/nvidia-mps'

export interface Owner {
  pid: number
  startTicks: number
}

export interface Evidence {
  listening: boolean | null
  lockOwnerPid: number | null
  life: Life
}

const isMps = ({ comm, state }: { comm: string; state: string }) => comm.startsWith(COMM) && state !== 'Z' && state !== 'X'

/** Processes of that name, zombies too. A table never changes once it is made, and the daemons of all GPUs ask it every second. */
const named = new WeakMap<ProcessTable, TableEntry[]>()
export function mpsNamed(table: ProcessTable): readonly TableEntry[] {
  const before = named.get(table)
  if (before) return before
  const entries = [...table.values()].filter(({ comm }) => comm.startsWith(COMM))
  named.set(table, entries)
  return entries
}

/**
 * `known`: the owner that an earlier look found. It keeps the lock until it dies, so the kernel's list of locks, which is slow to
 * read, is only read again when it does.
 */
export function daemonEvidence(processes: Processes, pipeDirectory: string, known: Owner | null = null): Evidence & { owner: Owner | null } {
  const listening = processes.listeningSocket(join(pipeDirectory, 'control'))
  const stat = listening === true && known !== null ? processes.processStat(known.pid) : null
  const kept = stat !== null && isMps(stat) && stat.startTicks === known?.startTicks
  const owner = kept ? known : liveOwner(processes, pipeDirectory)
  const lockOwnerPid = owner?.pid ?? null
  return { listening, lockOwnerPid, owner, life: lifeOf(listening, lockOwnerPid) }
}

/** The daemon that holds the lock of this pipe directory; null: none that lives, or it cannot be told here. */
function liveOwner(processes: Processes, pipeDirectory: string): Owner | null {
  const pid = processes.lockOwner(join(pipeDirectory, 'control_lock'))
  const stat = pid === null ? null : processes.processStat(pid)
  return stat !== null && isMps(stat) ? { pid: stat.pid, startTicks: stat.startTicks } : null
}

/** Whether this very process is the daemon of this pipe directory: its pid may be another's by now. */
export function isDaemonAt(processes: Processes, pipeDirectory: string, pid: number): boolean {
  const { life, lockOwnerPid } = daemonEvidence(processes, pipeDirectory)
  const stat = processes.processStat(pid)
  return life !== 'gone' && stat !== null && isMps(stat) && (lockOwnerPid ?? pid) === pid // its lock may be hidden
}

/** A listening socket decides; where sockets cannot be seen (or are another network namespace's), the lock speaks for life. */
export function lifeOf(listening: boolean | null, lockOwnerPid: number | null): Life {
  if (listening === true) return 'alive'
  if (listening === false) return lockOwnerPid === null ? 'gone' : 'unclear'
  return lockOwnerPid === null ? 'unclear' : 'alive'
}

/** Children of the daemon that are MPS servers: seen without asking it. */
export const serverChildren = (table: ProcessTable, daemonPid: number | null): number[] =>
  daemonPid === null ? [] : mpsNamed(table).filter((entry) => entry.ppid === daemonPid && isMps(entry)).map(({ pid }) => pid)

/** What a process was started with does not change while its entry is the same: those of others come and go, and all are looked through each time. */
const startedWith = new WeakMap<TableEntry, { argv: string[]; env: Record<string, string> | null }>()
function startOf(entry: TableEntry, processes: Processes): { argv: string[]; env: Record<string, string> | null } {
  const before = startedWith.get(entry)
  if (before) return before
  const start = { argv: processes.commandLine(entry.pid) ?? [], env: processes.environmentOf(entry.pid) }
  startedWith.set(entry, start)
  return start
}

export interface SeenDaemon extends ForeignDaemon {
  pid: number
  logDirectory: string | null
}

/**
 * Every live MPS control daemon of this machine, ours included. Open control sessions have the same name and are left out; so are
 * the stand-ins of other simulated workstations than `simulation` (null: a real one), which run on the same machine.
 */
export function daemonsOnMachine(processes: Processes, table: ProcessTable, simulation: string | null): SeenDaemon[] {
  return mpsNamed(table).filter(isMps).flatMap((entry) => {
    const { pid } = entry
    const { argv, env } = startOf(entry, processes)
    if (basename(argv[0] ?? '') !== 'nvidia-cuda-mps-control') return []
    if ((env?.['OVERLAP_SIM'] ?? null) !== simulation) return []
    const pipeDirectory = env?.['CUDA_MPS_PIPE_DIRECTORY'] ?? DEFAULT_PIPE_DIRECTORY
    const owns = liveOwner(processes, pipeDirectory)?.pid === pid
    // Without a lock to see, the option that makes it a daemon decides.
    const evident = owns || (argv.some(isDaemonOption) && processes.listeningSocket(join(pipeDirectory, 'control')) !== false)
    const hidden = env === null && argv.some(isDaemonOption)
    if (!evident && !hidden) return []
    return [{
      pid,
      uid: processes.uidOf(pid),
      pipeDirectory: env !== null || owns ? pipeDirectory : null,
      logDirectory: env === null ? null : (env['CUDA_MPS_LOG_DIRECTORY'] ?? DEFAULT_LOG_DIRECTORY),
      gpuUuids: env === null ? null : servedGpus(env['CUDA_VISIBLE_DEVICES']),
    }]
  })
}

const isDaemonOption = (argument: string) => /^-[a-zA-Z]*[df]/.test(argument)

/** From CUDA_VISIBLE_DEVICES. null: all GPUs, or ordinals, whose order is CUDA's and not ours to guess. */
export function servedGpus(visibleDevices: string | undefined): string[] | null {
  if (visibleDevices === undefined) return null
  const names = visibleDevices.split(',').map((name) => name.trim()).filter((name) => name !== '')
  return names.every((name) => /^(GPU|MIG)-/.test(name)) ? names : null
}

/** UUIDs may be shortened as far as they stay unique. */
export const mayServe = (daemon: Pick<ForeignDaemon, 'gpuUuids'>, gpuUuid: string): boolean =>
  daemon.gpuUuids === null || daemon.gpuUuids.some((name) => gpuUuid.startsWith(name))

/** Its number for a daemon that serves these; null: not among them, or they are not known. */
export function numberOf(gpuUuid: string, gpuUuids: readonly string[] | null): number | null {
  const at = gpuUuids?.findIndex((name) => gpuUuid.startsWith(name)) ?? -1
  return at < 0 ? null : at
}
