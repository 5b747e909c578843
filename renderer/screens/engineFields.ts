// The form of an engine: fields as typed, and the EngineSpec they mean. Pure; the core's schema has the last word.
import type { EngineSpec, RecipeName } from '../../shared/engine.ts'
import { EngineSpec as EngineSpecSchema } from '../../shared/engine.ts'
import { quotedArgv, wordsOf } from '../parts/quoting.ts'

/** As typed: numbers may be empty, lists and variables are text. */
export interface EngineFields {
  recipe: RecipeName
  name: string
  gpuUuid: string | null
  onMps: boolean
  sharePercent: number | ''
  pinnedMemoryLimitMiB: number | ''
  /** '' not set, else CUDA_MPS_CLIENT_PRIORITY. */
  clientPriority: '' | '0' | '1'
  cpus: string
  port: number | ''
  env: string
  cwd: string
  restartBudget: number | ''
  readyWithinSeconds: number | ''
  executable: string
  modelPath: string
  contextTokens: number | ''
  slots: number | ''
  gpuLayers: number | ''
  extraArguments: string
  argv: string
  healthPath: string
  metricsPath: string
  openAi: boolean
  sequences: number | ''
  kvTokens: number | ''
  model: string
  gpuMemoryUtilization: number | ''
  kvCacheMemoryMiB: number | ''
  maxSequences: number | ''
  maxModelTokens: number | ''
  asyncScheduling: '' | 'on' | 'off'
  streamIntervalTokens: number | ''
}

/** CUDA_MPS_CLIENT_PRIORITY in words. */
export const PRIORITIES = { 0: 'normal', 1: 'below normal' } as const

/** What differs by recipe before anybody has typed. vLLM compiles and captures graphs while it loads: minutes. */
const RECIPE_DEFAULTS: Record<RecipeName, { executable: string; readyWithinSeconds: number }> = {
  llamaServer: { executable: 'llama-server', readyWithinSeconds: 300 },
  vllm: { executable: 'vllm', readyWithinSeconds: 900 },
  custom: { executable: '', readyWithinSeconds: 300 },
}

export const NEW_ENGINE: EngineFields = {
  recipe: 'llamaServer', name: '', gpuUuid: null, onMps: true, sharePercent: '', pinnedMemoryLimitMiB: '', clientPriority: '', cpus: '', port: '', env: '', cwd: '', restartBudget: 3,
  ...RECIPE_DEFAULTS.llamaServer, modelPath: '', contextTokens: 8192, slots: 4, gpuLayers: '', extraArguments: '',
  argv: '', healthPath: '/health', metricsPath: '/metrics', openAi: true, sequences: '', kvTokens: '',
  model: '', gpuMemoryUtilization: '', kvCacheMemoryMiB: '', maxSequences: '', maxModelTokens: '', asyncScheduling: '', streamIntervalTokens: '',
}

/** Another recipe: what was typed stays, and what stood there before anybody typed follows the recipe. */
export function withRecipe(fields: EngineFields, recipe: RecipeName): EngineFields {
  const before = RECIPE_DEFAULTS[fields.recipe]
  const after = RECIPE_DEFAULTS[recipe]
  return {
    ...fields, recipe,
    executable: fields.executable === before.executable ? after.executable : fields.executable,
    readyWithinSeconds: fields.readyWithinSeconds === before.readyWithinSeconds ? after.readyWithinSeconds : fields.readyWithinSeconds,
  }
}

export function fieldsOf(spec: EngineSpec): EngineFields {
  const shared: EngineFields = {
    ...NEW_ENGINE, recipe: spec.recipe, name: spec.name, gpuUuid: spec.gpuUuid, onMps: spec.onMps, sharePercent: spec.sharePercent ?? '', port: spec.port ?? '',
    pinnedMemoryLimitMiB: spec.pinnedMemoryLimitMiB ?? '', clientPriority: spec.clientPriority === null ? '' : `${spec.clientPriority}`, cpus: spec.cpus ?? '',
    env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`).join('\n'), cwd: spec.cwd ?? '', restartBudget: spec.restartBudget, readyWithinSeconds: spec.readyWithinSeconds,
  }
  switch (spec.recipe) {
    case 'custom':
      return { ...shared, argv: quotedArgv(spec.argv), healthPath: spec.healthPath ?? '', metricsPath: spec.metricsPath ?? '', openAi: spec.openAi, sequences: spec.sequences ?? '', kvTokens: spec.kvTokens ?? '' }
    case 'llamaServer':
      return {
        ...shared, executable: spec.executable, modelPath: spec.modelPath, contextTokens: spec.contextTokens, slots: spec.slots,
        gpuLayers: spec.gpuLayers ?? '', extraArguments: quotedArgv(spec.extraArguments),
      }
    case 'vllm':
      return {
        ...shared, executable: spec.executable, model: spec.model, gpuMemoryUtilization: spec.gpuMemoryUtilization ?? '', kvCacheMemoryMiB: spec.kvCacheMemoryMiB ?? '', maxSequences: spec.maxSequences ?? '',
        maxModelTokens: spec.maxModelTokens ?? '', asyncScheduling: spec.asyncScheduling === null ? '' : spec.asyncScheduling ? 'on' : 'off', streamIntervalTokens: spec.streamIntervalTokens ?? '',
        extraArguments: quotedArgv(spec.extraArguments),
      }
  }
}

/** Field → sentence. */
export type FieldErrors = Partial<Record<keyof EngineFields, string>>

/** The spec, or what is wrong with the fields. */
export function specOf(fields: EngineFields): { spec: EngineSpec } | { errors: FieldErrors } {
  const errors: FieldErrors = {}
  const words = (field: 'argv' | 'extraArguments'): string[] => {
    const read = wordsOf(fields[field])
    if (read === null) errors[field] = 'A quote stays open.'
    return read ?? ['?']
  }
  const [argv, extraArguments] = fields.recipe === 'custom' ? [words('argv'), []] : [[], words('extraArguments')]
  const env = envOf(fields.env)
  if (typeof env === 'string') errors.env = env
  for (const field of ['cwd', ...(fields.recipe === 'custom' ? [] : ['executable' as const]), ...(fields.recipe === 'llamaServer' ? ['modelPath' as const] : [])] as const) {
    if (fields[field].trim().startsWith('~')) errors[field] = 'Only a shell reads ~: write the whole path.'
  }
  const always = {
    name: fields.name, gpuUuid: fields.gpuUuid, onMps: fields.onMps, sharePercent: orNull(fields.sharePercent), pinnedMemoryLimitMiB: orNull(fields.pinnedMemoryLimitMiB),
    clientPriority: fields.clientPriority === '' ? null : Number(fields.clientPriority), cpus: orNull(fields.cpus.replaceAll(' ', '')), port: orNull(fields.port), env: typeof env === 'string' ? {} : env, cwd: orNull(fields.cwd.trim()),
    restartBudget: fields.restartBudget, readyWithinSeconds: fields.readyWithinSeconds,
  }
  const parsed = EngineSpecSchema.safeParse({ recipe: fields.recipe, ...always, ...recipeOf(fields, argv, extraArguments) })
  if (parsed.success && Object.keys(errors).length === 0) return { spec: parsed.data }
  for (const issue of parsed.error?.issues ?? []) {
    const field = issue.path[0] as keyof EngineFields | undefined
    if (field !== undefined) errors[field] ??= worded(field, fields, issue)
  }
  return { errors }
}

function recipeOf(fields: EngineFields, argv: string[], extraArguments: string[]): object {
  switch (fields.recipe) {
    case 'custom':
      return {
        argv, healthPath: orNull(fields.healthPath.trim()), metricsPath: orNull(fields.metricsPath.trim()), openAi: fields.openAi,
        sequences: orNull(fields.sequences), kvTokens: orNull(fields.kvTokens),
      }
    case 'llamaServer':
      return { executable: fields.executable.trim(), modelPath: fields.modelPath.trim(), contextTokens: fields.contextTokens, slots: fields.slots, gpuLayers: orNull(fields.gpuLayers), extraArguments }
    case 'vllm':
      return {
        executable: fields.executable.trim(), model: fields.model.trim(), gpuMemoryUtilization: orNull(fields.gpuMemoryUtilization), kvCacheMemoryMiB: orNull(fields.kvCacheMemoryMiB), maxSequences: orNull(fields.maxSequences),
        maxModelTokens: orNull(fields.maxModelTokens), asyncScheduling: fields.asyncScheduling === '' ? null : fields.asyncScheduling === 'on', streamIntervalTokens: orNull(fields.streamIntervalTokens), extraArguments,
      }
  }
}

interface Issue { code?: string; origin?: string; message: string; minimum?: number | bigint; maximum?: number | bigint; inclusive?: boolean }

function worded(field: keyof EngineFields, fields: EngineFields, { code, origin, message, minimum, maximum, inclusive }: Issue): string {
  const typed = fields[field]
  if (typeof typed === 'string' && typed.trim() === '') return 'Needed.'
  const many = origin === 'string' ? ' characters' : origin === 'array' ? ' words' : ''
  if (code === 'too_small' && minimum !== undefined) return `${inclusive === false ? 'Above' : 'At least'} ${minimum}${many}.`
  if (code === 'too_big' && maximum !== undefined) return `At most ${maximum}${many}.`
  return code === 'invalid_type' ? 'A whole number.' : message
}

const orNull = <T>(value: T | ''): T | null => (value === '' ? null : value)

/** `NAME=value` lines; blank lines are skipped. A sentence when a line is none. */
function envOf(text: string): Record<string, string> | string {
  const env: Record<string, string> = {}
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const at = line.indexOf('=')
    if (at <= 0) return `Not NAME=value: ${line.trim().slice(0, 40)}`
    env[line.slice(0, at).trim()] = line.slice(at + 1)
  }
  return env
}

/** `spec.port` of a Fault → the field it speaks of; null when it is none of ours. */
export function fieldOfFault(field: string | null): keyof EngineFields | null {
  const name = field?.replace(/^spec\./, '').split('.')[0]
  return name !== undefined && name in NEW_ENGINE ? (name as keyof EngineFields) : null
}
