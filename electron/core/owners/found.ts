// What an engine that Overlap did not start uses, and whether it is an MPS client. Pure: the same join as for Overlap's own.
import type { FoundSighting } from '../engines/discovery.ts'
import type { EngineFacts } from '../engines/supervisor.ts'
import { ownersOf, type Observed } from './owners.ts'

export interface FoundFacts {
  id: string
  process: { pid: number; startTicks: number }
  pids: number[]
  spec: EngineFacts['spec']
  /** Where it looks for a daemon; null: not known. */
  pipeDirectory: string | null
}

export function foundSightings(found: readonly FoundFacts[], observed: Omit<Observed, 'engines'>): Map<string, FoundSighting> {
  const gpus = new Map(found.map(({ id, pids }) => [id, gpusOf(pids, observed.gpuProcesses)]))
  const engines = found.map(({ id, process, spec, pipeDirectory }): EngineFacts => {
    const used = gpus.get(id) ?? []
    return {
      id, spec: { ...spec, gpuUuid: used.length === 1 ? (used[0] ?? null) : null, onMps: true },
      run: { ...process, mps: pipeDirectory === null ? null : { pipeDirectory, daemonPid: null }, startedElsewhere: true },
    }
  })
  const { byEngine } = ownersOf({ ...observed, engines })
  return new Map([...byEngine].map(([id, owned]) => [id, { ...owned, gpuUuids: gpus.get(id) ?? null }]))
}

const gpusOf = (pids: readonly number[], rows: Observed['gpuProcesses']): string[] | null =>
  rows === null ? null : [...new Set(rows.filter(({ pid }) => pids.includes(pid)).map(({ gpuUuid }) => gpuUuid))].sort()
