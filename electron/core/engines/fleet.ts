// The engines of one arm: copies of the experiment's engine, each with its own place, limits and cores. Pure; starts nothing.
import { EngineSpec, type CustomSpec } from '../../../shared/engine.ts'
import type { Arm } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { cpuList, parseCpuList } from '../host/cpus.ts'
import { checkSpec } from './recipes/recipes.ts'

export interface FleetRequest {
  /** One replica, as the experiment names it. */
  engine: EngineSpec
  arm: Arm
  /** The cell's model; null: the engine's own. */
  model: string | null
  gpuUuid: string
  /** One per engine of the arm, from shareCores; a single engine given several gets them all. */
  cpus: (string | null)[]
  /** Engines of the largest arm: a `single` arm's engine gets the sum of that many. */
  replicas: number
  /** Where the recipe knows how; null: the engine's own. */
  streamIntervalTokens: number | null
  /** Names become `<prefix>-<arm.id>-<1…n>`, shortened to what a name may be. */
  prefix: string
}

const LONGEST_NAME = 40
/** Of --gpu-memory-utilization for one engine that gets several engines' shares. */
const MOST_OF_GPU = 0.95

/** Throws BAD_INPUT naming the arm for what its engines cannot be. */
export function fleetOf(request: FleetRequest): EngineSpec[] {
  const { arm, replicas, engine } = request
  const sized = withModel(forUsAlone(withoutIdleShare(arm.kind === 'single' ? scaled(engine, replicas) : engine)), request)
  const set = withArguments(withScheduling(sized, arm), arm)
  const interval = set.recipe === 'vllm' && request.streamIntervalTokens !== null ? { ...set, streamIntervalTokens: request.streamIntervalTokens } : set
  if (arm.kind === 'single' && arm.engines !== 1) throw refusal(arm, 'engines', 'is one engine, and asks for more.', 'Set engines to 1.')
  return Array.from({ length: arm.engines }, (_, at) => placed(interval, request, at))
}

function placed(spec: EngineSpec, { arm, gpuUuid, cpus, prefix }: FleetRequest, at: number): EngineSpec {
  const ending = `-${at + 1}`
  const joined = cpus.flatMap((list) => parseCpuList(list ?? ''))
  const own = arm.engines === 1 ? (joined.length === 0 ? null : cpuList(joined)) : (cpus[at] ?? null)
  const parsed = EngineSpec.safeParse({
    ...spec, gpuUuid, port: null, restartBudget: 0, cpus: own, onMps: arm.kind === 'mps',
    name: `${prefix}-${arm.id}`.slice(0, LONGEST_NAME - ending.length) + ending,
    sharePercent: oneOf(arm, 'sharePercent', at), clientPriority: oneOf(arm, 'clientPriority', at), pinnedMemoryLimitMiB: onlyOnMps(arm, 'pinnedMemoryLimitMiB'),
  })
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw refusal(arm, 'engines', `gives engines that cannot be: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), 'Change the arm or the engine of the experiment.')
  }
  checkSpec(parsed.data)
  return parsed.data
}

/** One engine with the resources of `replicas` together. */
function scaled(spec: EngineSpec, replicas: number): EngineSpec {
  const times = (amount: number | null): number | null => (amount === null ? null : amount * replicas)
  switch (spec.recipe) {
    case 'llamaServer':
      return { ...spec, contextTokens: spec.contextTokens * replicas, slots: spec.slots * replicas }
    case 'vllm': {
      const share = times(spec.gpuMemoryUtilization)
      const utilization = share === null ? null : Math.max(Math.min(share, MOST_OF_GPU), spec.gpuMemoryUtilization ?? 0)
      return { ...spec, kvCacheMemoryMiB: times(spec.kvCacheMemoryMiB), maxSequences: times(spec.maxSequences), gpuMemoryUtilization: utilization }
    }
    case 'custom':
      return { ...spec, sequences: times(spec.sequences), kvTokens: times(spec.kvTokens) }
  }
}

/** With a KV cache of a given size, a share of the GPU only has to be free when vLLM starts: beside the engines of other arms it would not be. */
function withoutIdleShare(spec: EngineSpec): EngineSpec {
  return spec.recipe === 'vllm' && spec.kvCacheMemoryMiB !== null ? { ...spec, gpuMemoryUtilization: null } : spec
}

/** A copy is for the experiment alone, whoever calls the engine itself. Only the recipes say where they listen. */
function forUsAlone(spec: EngineSpec): EngineSpec {
  if (spec.recipe === 'custom') return spec
  const extraArguments = spec.extraArguments.filter((argument, at, all) => argument !== '--host' && all[at - 1] !== '--host' && !argument.startsWith('--host='))
  return { ...spec, extraArguments }
}

function withModel(spec: EngineSpec, { arm, model }: FleetRequest): EngineSpec {
  if (model === null) return spec
  if (spec.recipe === 'vllm') return { ...spec, model }
  if (spec.recipe === 'llamaServer') return { ...spec, modelPath: model }
  return { ...spec, argv: withModelArgument(spec, arm, model) }
}

function withModelArgument({ argv }: CustomSpec, arm: Arm, model: string): string[] {
  const at = argv.lastIndexOf('--model')
  if (at < 0 || at + 1 >= argv.length) throw refusal(arm, 'model', 'varies the model, and the command of its engine names none with --model.', 'Write --model and a model into the command, or use the recipe of the engine.')
  return argv.with(at + 1, model)
}

function withScheduling(spec: EngineSpec, arm: Arm): EngineSpec {
  if (arm.asyncScheduling === null) return spec
  if (spec.recipe !== 'vllm') throw refusal(arm, 'asyncScheduling', 'sets asynchronous scheduling, which only vLLM has.', 'Leave asyncScheduling out, or compare engines of the vLLM recipe.')
  return { ...spec, asyncScheduling: arm.asyncScheduling }
}

function withArguments(spec: EngineSpec, { extraArguments }: Arm): EngineSpec {
  if (spec.recipe === 'custom') return { ...spec, argv: [...spec.argv, ...extraArguments] }
  return { ...spec, extraArguments: [...spec.extraArguments, ...extraArguments] }
}

/** The value of engine number `at`: one for all, or one for each. */
function oneOf<Name extends 'sharePercent' | 'clientPriority'>(arm: Arm, name: Name, at: number): number | null {
  const values = onlyOnMps(arm, name)
  if (values === null) return null
  if (values.length !== 1 && values.length !== arm.engines) throw refusal(arm, name, `has ${values.length} values of ${name} for ${arm.engines} engines.`, 'Give one for all, or one for each.')
  return values.length === 1 ? (values[0] ?? null) : (values[at] ?? null)
}

/** Without MPS these limits have no effect, and a report would claim one. */
function onlyOnMps<Name extends 'sharePercent' | 'clientPriority' | 'pinnedMemoryLimitMiB'>(arm: Arm, name: Name): Arm[Name] {
  if (arm[name] !== null && arm.kind !== 'mps') throw refusal(arm, name, `sets ${name}, and is not on MPS.`, `Leave ${name} out, or make it an mps arm.`)
  return arm[name]
}

const refusal = (arm: Arm, field: string, what: string, hint: string): FaultError => new FaultError('BAD_INPUT', `The arm ${arm.name} ${what}`, hint, { field: `arms.${arm.id}.${field}` })
