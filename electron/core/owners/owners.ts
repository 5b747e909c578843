// Which engine a process belongs to: process table × rows of nvidia-smi × MPS daemons × engines. Pure.
import type { Attachment } from '../../../shared/engine.ts'
import type { GpuProcess } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { NOT_RUNNING } from '../engines/engineParts.ts'
import type { EngineFacts } from '../engines/supervisor.ts'
import { treeOf } from '../host/processTable.ts'
import { attachmentOf } from './attachment.ts'

export interface Observed {
  engines: readonly EngineFacts[]
  /** Null: this machine's processes cannot be listed. */
  table: ReadonlyMap<number, { ppid: number; startTicks: number }> | null
  /** GpuFrame.processes. */
  gpuProcesses: readonly GpuProcess[] | null
  daemons: readonly MpsDaemon[]
  /** The uid that engines run as. */
  uid: number
}

export interface Owned {
  pids: number[]
  /** Sum over its rows on its GPU; null: no row, or one without a number. */
  gpuMemoryMiB: number | null
  attachment: Attachment
}

/** other: neither an engine of Overlap nor an MPS server. */
export type Owner = { kind: 'engine'; id: string } | { kind: 'mpsServer'; gpuUuid: string } | { kind: 'other' }

export interface Owners {
  /** One for every engine. */
  byEngine: Map<string, Owned>
  /** One for every row of nvidia-smi. */
  processes: { process: GpuProcess; owner: Owner }[]
}

export function ownersOf(observed: Observed): Owners {
  const table = observed.table ?? new Map()
  const trees = new Map(observed.engines.flatMap(({ id, run }) => (run === null ? [] : [[id, treeOf(run.pid, table)] as const])))
  const engineOfPid = new Map([...trees].flatMap(([id, tree]) => tree.map((pid) => [pid, id] as const)))
  const byEngine = new Map(observed.engines.map((engine) => [engine.id, ownedBy(engine, trees.get(engine.id) ?? [], observed)]))
  const processes = (observed.gpuProcesses ?? []).map((process) => ({ process, owner: ownerOf(process, engineOfPid, observed.daemons) }))
  return { byEngine, processes }
}

function ownerOf(process: GpuProcess, engineOfPid: ReadonlyMap<number, string>, daemons: readonly MpsDaemon[]): Owner {
  const id = engineOfPid.get(process.pid)
  if (id !== undefined) return { kind: 'engine', id }
  const daemon = daemons.find((candidate) => candidate.servers.some((server) => server.pid === process.pid))
  return daemon ? { kind: 'mpsServer', gpuUuid: daemon.gpuUuid } : { kind: 'other' }
}

function ownedBy({ spec, run }: EngineFacts, tree: number[], { table, gpuProcesses, daemons, uid }: Observed): Owned {
  if (run === null) return { pids: [], gpuMemoryMiB: null, attachment: NOT_RUNNING }
  const daemon = daemons.find((candidate) => candidate.gpuUuid === spec.gpuUuid) ?? null
  const rows = gpuProcesses?.filter((row) => spec.gpuUuid === null || row.gpuUuid === spec.gpuUuid) ?? null
  const servers = new Set(daemons.flatMap((candidate) => candidate.servers.map(({ pid }) => pid)))
  return {
    pids: tree,
    gpuMemoryMiB: memoryOf(rows?.filter((row) => tree.includes(row.pid)) ?? []),
    attachment: attachmentOf({
      spec, run, tree, daemon, uid,
      daemonStartTicks: daemon?.daemonPid == null ? null : (table?.get(daemon.daemonPid)?.startTicks ?? null),
      gpuProcesses: rows,
      strangers: table === null ? [] : (rows ?? []).map(({ pid }) => pid).filter((pid) => !table.has(pid) && !servers.has(pid)),
    }),
  }
}

function memoryOf(rows: readonly GpuProcess[]): number | null {
  if (rows.length === 0 || rows.some((row) => row.usedMemoryMiB === null)) return null
  return rows.reduce((sum, row) => sum + (row.usedMemoryMiB ?? 0), 0)
}
