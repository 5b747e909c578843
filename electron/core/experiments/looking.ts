// The facts of a preflight, as they are here and now. deep: a copy of the engine is planned to its last argument, and not started.
import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Plan } from '../../../shared/experiment.ts'
import { faultOf } from '../../../shared/fault.ts'
import { shareCores } from '../engines/cores.ts'
import { fleetOf } from '../engines/fleet.ts'
import type { Chosen } from './choice.ts'
import type { Lab } from './lab.ts'
import type { PreflightFacts } from './preflight.ts'

export async function factsOf(plan: Plan, chosen: Chosen, lab: Lab, depth: 'quick' | 'deep'): Promise<PreflightFacts> {
  const replicas = Math.max(...plan.file.arms.map(({ engines }) => engines))
  const { engine, gpu } = chosen
  return {
    plan, engine, gpu, frame: lab.frames.value, hold: lab.hold.value, engines: lab.engines.list.value, found: lab.foundEngines(),
    daemon: lab.daemons.value.find(({ gpuUuid }) => gpuUuid === gpu.uuid) ?? null,
    coresDisjoint: shareCores(lab.cpus(gpu.uuid), replicas).disjoint,
    kvIsAbsolute: engine.recipe === 'llamaServer' || (engine.recipe === 'vllm' ? engine.kvCacheMemoryMiB !== null : engine.kvTokens !== null),
    neededMiB: plan.estimate.gpuMemoryMiB,
    copy: depth === 'deep' ? await copyOf(firstOf(plan, chosen, replicas), lab) : null,
  }
}

/** Off MPS, so that it can be planned before MPS runs. */
function firstOf(plan: Plan, { engine, gpu }: Chosen, replicas: number): EngineSpec | null {
  const arm = plan.file.arms.find(({ kind }) => kind !== 'mps') ?? plan.file.arms[0]
  const [spec] = arm ? fleetOf({ engine, arm, model: plan.cells[0]?.point.model ?? null, gpuUuid: gpu.uuid, replicas, prefix: 'rehearsal', streamIntervalTokens: plan.file.load.streamIntervalTokens, cpus: Array.from({ length: arm.engines }, () => null) }) : []
  return spec ? { ...spec, onMps: false, sharePercent: null, clientPriority: null, pinnedMemoryLimitMiB: null } : null
}

async function copyOf(spec: EngineSpec | null, lab: Lab): Promise<PreflightFacts['copy']> {
  let id: string | null = null
  try {
    if (spec === null) return null
    id = await lab.engines.addTemporary(spec)
    const [preview] = await lab.engines.preview(id)
    const argv = preview?.argv.slice(preview.argv.indexOf('--') + 1) ?? []
    // taskset -c LIST program
    const executable = argv[0]?.endsWith('taskset') ? (argv[3] ?? '') : (argv[0] ?? '')
    const path = preview?.env['PATH'] ?? lab.host.environment['PATH'] ?? ''
    return { executable, found: isExecutable(executable, path, preview?.cwd ?? '.'), problem: null }
  } catch (error) {
    return { executable: '', found: false, problem: faultOf(error).sentence }
  } finally {
    if (id !== null) await lab.engines.remove(id).catch((error: unknown) => lab.log.warn('the copy of a rehearsal could not be removed', { error: String(error) }))
  }
}

function isExecutable(name: string, path: string, cwd: string): boolean {
  const places = name.includes('/') ? [isAbsolute(name) ? name : resolve(cwd, name)] : path.split(delimiter).map((folder) => join(folder, name))
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
