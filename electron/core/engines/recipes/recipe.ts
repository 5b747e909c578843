// A Recipe turns an EngineSpec into what is launched: argv, environment, probes. Pure: starts nothing, looks at no disk.
import type { EngineSpec, RecipeName } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { custom } from './custom.ts'
import { llamaServer } from './llamaServer.ts'

/** Where one start takes place. */
export interface Placement {
  port: number
  /** The usable daemon of its GPU; null when the spec does not want MPS. */
  mps: { pipeDirectory: string; daemonPid: number | null } | null
  /** A folder that is empty and stays so: the pipe directory of an engine that must not attach by accident. */
  noMpsDirectory: string
}

/** How to see that it is ready, and where its metrics are. Paths on http://127.0.0.1:<port>. */
export interface Doors {
  /** Answers 200 when ready; null: an open port is enough. */
  healthPath: string | null
  /** Serves /v1/models and /v1/completions. */
  openAi: boolean
  /** Prometheus text; null: none. */
  metricsPath: string | null
  /** Its API key, when its own arguments name one. Never logged. */
  apiKey: string | null
}

export interface Launch extends Doors {
  argv: string[]
  /** Set over the host's clean environment. */
  env: Record<string, string>
  cwd: string | null
}

export interface Recipe<Spec extends EngineSpec> {
  /** Throws BAD_INPUT with the field for what a schema cannot say. */
  check(spec: Spec): void
  argv(spec: Spec, port: number): string[]
  doors(spec: Spec): Doors
}

const recipes = { llamaServer, custom } satisfies { [Name in RecipeName]: Recipe<Extract<EngineSpec, { recipe: Name }>> }
const recipeOf = (spec: EngineSpec): Recipe<EngineSpec> => recipes[spec.recipe] as Recipe<EngineSpec>

/** Set by Overlap from other fields of the spec; a second value in `env` would make the shown one untrue. */
const OWN_VARIABLES = ['CUDA_VISIBLE_DEVICES', 'CUDA_MPS_PIPE_DIRECTORY', 'CUDA_MPS_LOG_DIRECTORY', 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE']

/** Throws FaultError BAD_INPUT naming the field that no start could honour. */
export function checkSpec(spec: EngineSpec): void {
  const own = OWN_VARIABLES.find((name) => name in spec.env)
  if (own) {
    throw new FaultError('BAD_INPUT', `${own} is set by Overlap.`, 'Choose the GPU, MPS and the SM share in their own fields, and take the variable away.', { field: `spec.env.${own}` })
  }
  if (spec.onMps && spec.gpuUuid === null) {
    throw new FaultError('BAD_INPUT', 'An engine on MPS names exactly one GPU.', 'Choose its GPU, or take it off MPS.', { field: 'spec.gpuUuid' })
  }
  recipeOf(spec).check(spec)
}

export function launchOf(spec: EngineSpec, placement: Placement): Launch {
  const recipe = recipeOf(spec)
  return {
    argv: recipe.argv(spec, placement.port),
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
  }
}

/** The value after one of `flags` (`--flag value` or `--flag=value`); null: not there. The last one counts, as in most programs. */
export function argumentAfter(argv: readonly string[], flags: readonly string[]): string | null {
  let found: string | null = null
  argv.forEach((argument, at) => {
    const flag = flags.find((name) => argument === name || argument.startsWith(`${name}=`))
    if (flag) found = argument === flag ? (argv[at + 1] ?? null) : argument.slice(flag.length + 1)
  })
  return found
}
