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
}

export const NEW_ENGINE: EngineFields = {
  recipe: 'llamaServer', name: '', gpuUuid: null, onMps: true, sharePercent: '', port: '', env: '', cwd: '', restartBudget: 3, readyWithinSeconds: 300,
  executable: 'llama-server', modelPath: '', contextTokens: 8192, slots: 4, gpuLayers: '', extraArguments: '',
  argv: '', healthPath: '/health', metricsPath: '/metrics', openAi: true,
}

export function fieldsOf(spec: EngineSpec): EngineFields {
  const shared = {
    ...NEW_ENGINE, recipe: spec.recipe, name: spec.name, gpuUuid: spec.gpuUuid, onMps: spec.onMps, sharePercent: spec.sharePercent ?? '' as const, port: spec.port ?? '' as const,
    env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`).join('\n'), cwd: spec.cwd ?? '', restartBudget: spec.restartBudget, readyWithinSeconds: spec.readyWithinSeconds,
  }
  if (spec.recipe === 'custom') return { ...shared, argv: quotedArgv(spec.argv), healthPath: spec.healthPath ?? '', metricsPath: spec.metricsPath ?? '', openAi: spec.openAi }
  return {
    ...shared, executable: spec.executable, modelPath: spec.modelPath, contextTokens: spec.contextTokens, slots: spec.slots,
    gpuLayers: spec.gpuLayers ?? '', extraArguments: quotedArgv(spec.extraArguments),
  }
}

/** Field → sentence. */
export type FieldErrors = Partial<Record<keyof EngineFields, string>>

/** The spec, or what is wrong with the fields. */
export function specOf(fields: EngineFields): { spec: EngineSpec } | { errors: FieldErrors } {
  const argv = wordsOf(fields.argv)
  const extraArguments = wordsOf(fields.extraArguments)
  if (argv === null && fields.recipe === 'custom') return { errors: { argv: 'A quote stays open.' } }
  if (extraArguments === null && fields.recipe === 'llamaServer') return { errors: { extraArguments: 'A quote stays open.' } }
  const env = envOf(fields.env)
  if (typeof env === 'string') return { errors: { env } }
  const always = {
    name: fields.name, gpuUuid: fields.gpuUuid, onMps: fields.onMps, sharePercent: orNull(fields.sharePercent), port: orNull(fields.port), env, cwd: orNull(fields.cwd.trim()),
    restartBudget: fields.restartBudget, readyWithinSeconds: fields.readyWithinSeconds,
  }
  const parsed = EngineSpecSchema.safeParse(fields.recipe === 'custom'
    ? { recipe: 'custom', ...always, argv, healthPath: orNull(fields.healthPath.trim()), metricsPath: orNull(fields.metricsPath.trim()), openAi: fields.openAi }
    : { recipe: 'llamaServer', ...always, executable: fields.executable, modelPath: fields.modelPath, contextTokens: fields.contextTokens, slots: fields.slots, gpuLayers: orNull(fields.gpuLayers), extraArguments })
  if (parsed.success) return { spec: parsed.data }
  const errors: FieldErrors = {}
  for (const issue of parsed.error.issues) {
    const field = issue.path[0] as keyof EngineFields | undefined
    if (field !== undefined) errors[field] ??= worded(field, fields, issue.message)
  }
  return { errors }
}

function worded(field: keyof EngineFields, fields: EngineFields, message: string): string {
  return fields[field] === '' ? 'Needed.' : message
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
