// The table of recipes, and what is the same for all of them: the CUDA environment and the checks around it. Pure.
import type { EngineSpec, RecipeName } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { LEAST_CLIENT_MIB, TOO_LITTLE } from '../../../../shared/mps.ts'
import { onCpus, parseCpuList } from '../../host/cpus.ts'
import { custom } from './custom.ts'
import { llamaServer } from './llamaServer.ts'
import type { Doors, Launch, Placement, Recipe } from './recipe.ts'
import { vllm } from './vllm.ts'

const recipes = { llamaServer, vllm, custom } satisfies { [Name in RecipeName]: Recipe<Extract<EngineSpec, { recipe: Name }>> }
const recipeOf = (spec: EngineSpec): Recipe<EngineSpec> => recipes[spec.recipe] as Recipe<EngineSpec>

/** Set by Overlap from other fields of the spec; a second value in `env` would make the shown one untrue. */
const OWN_VARIABLES = ['CUDA_VISIBLE_DEVICES', 'CUDA_MPS_PIPE_DIRECTORY', 'CUDA_MPS_LOG_DIRECTORY', 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE', 'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT', 'CUDA_MPS_CLIENT_PRIORITY']

/** Throws FaultError BAD_INPUT naming the field that no start could honour. */
export function checkSpec(spec: EngineSpec): void {
  const own = OWN_VARIABLES.find((name) => name in spec.env)
  if (own) {
    throw new FaultError('BAD_INPUT', `${own} is set by Overlap.`, 'Choose the GPU, MPS and its limits in their own fields, and take the variable away.', { field: `spec.env.${own}` })
  }
  if (spec.onMps && spec.gpuUuid === null) {
    throw new FaultError('BAD_INPUT', 'An engine on MPS names exactly one GPU.', 'Choose its GPU, or take it off MPS.', { field: 'spec.gpuUuid' })
  }
  if (spec.pinnedMemoryLimitMiB !== null && spec.pinnedMemoryLimitMiB < LEAST_CLIENT_MIB) {
    throw new FaultError('BAD_INPUT', TOO_LITTLE, 'Give it more, or leave it empty for no limit.', { field: 'spec.pinnedMemoryLimitMiB' })
  }
  if (spec.cpus !== null && parseCpuList(spec.cpus).length === 0) {
    throw new FaultError('BAD_INPUT', `${spec.cpus} names no CPU.`, 'Write numbers and ranges, the smaller number first: 0-3,8.', { field: 'spec.cpus' })
  }
  recipeOf(spec).check(spec)
}

export function launchOf(spec: EngineSpec, placement: Placement): Launch {
  const recipe = recipeOf(spec)
  return {
    argv: onCpus(spec.cpus, recipe.argv(spec, placement.port)),
    env: { ...spec.env, ...cudaEnvironment(spec, placement) },
    cwd: spec.cwd,
    ...recipe.doors(spec),
  }
}

export const doorsOf = (spec: EngineSpec): Doors => recipeOf(spec).doors(spec)

function cudaEnvironment(spec: EngineSpec, { mps, noMpsDirectory }: Placement): Record<string, string> {
  return {
    ...(spec.gpuUuid !== null && { CUDA_VISIBLE_DEVICES: spec.gpuUuid }),
    // without a value of its own, a CUDA process looks into NVIDIA's default folder and may attach there
    CUDA_MPS_PIPE_DIRECTORY: mps?.pipeDirectory ?? noMpsDirectory,
    ...(mps && spec.sharePercent !== null && { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(spec.sharePercent) }),
    // key 0: CUDA_VISIBLE_DEVICES leaves one device. A key that the process cannot see would void every limit, the daemon's too
    ...(mps && spec.pinnedMemoryLimitMiB !== null && { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: `0=${spec.pinnedMemoryLimitMiB}M` }),
    ...(mps && spec.clientPriority !== null && { CUDA_MPS_CLIENT_PRIORITY: String(spec.clientPriority) }),
  }
}
