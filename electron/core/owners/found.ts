// What an engine that Overlap did not start uses, and whether it is an MPS client. Pure: the same join as for Overlap's own.
import type { FoundFacts, FoundSighting } from '../engines/discovery.ts'
import type { EngineFacts } from '../engines/supervisor.ts'
import { ownersOf, type Observed } from './owners.ts'

/** `gpuUuids`: all of this workstation's. */
export function foundSightings(found: readonly FoundFacts[], observed: Omit<Observed, 'engines'>, gpuUuids: readonly string[]): Map<string, FoundSighting> {
  if (found.length === 0) return new Map()
  const gpus = new Map(found.map((one) => [one.id, gpusOf(one, observed.gpuProcesses, gpuUuids)]))
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

/** As nvidia-smi lists its processes. In a container it lists none of them: then what the engine was told, or the only GPU there is. */
function gpusOf({ pids, visibleDevices, needsGpu }: FoundFacts, rows: Observed['gpuProcesses'], gpuUuids: readonly string[]): string[] | null {
  const listed = [...new Set((rows ?? []).filter(({ pid }) => pids.includes(pid)).map(({ gpuUuid }) => gpuUuid))].sort()
  if (listed.length > 0) return listed
  const named = gpuUuids.filter((uuid) => visibleDevices?.startsWith('GPU-') === true && uuid.startsWith(visibleDevices))
  if (named.length === 1) return named
  return needsGpu && gpuUuids.length === 1 ? [...gpuUuids] : rows === null ? null : []
}
