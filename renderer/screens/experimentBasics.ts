// The few things of an experiment that are changed by hand before a start: fields as typed, and the file they make. Pure; the schema has the last word.
import { ExperimentFile as FileSchema, type Axis, type ExperimentFile } from '../../shared/experiment.ts'
import type { Load } from '../../shared/load.ts'

/** As typed: numbers may be empty, lists are text. */
export interface Basics {
  rounds: number | ''
  seconds: number | ''
  warmUpSeconds: number | ''
  coolDownSeconds: number | ''
  /** Requests at a time (closed loop) or per second (open loop): one, or those of the sweep: `1, 2, 4`. */
  arrivals: string
  regime: Load['regime']
  seed: number | ''
  /** Ids of the arms that are measured. */
  arms: string[]
}
export type BasicsErrors = Partial<Record<keyof Basics, string>>

export const NUMBERS = ['rounds', 'seconds', 'warmUpSeconds', 'coolDownSeconds', 'seed'] as const

const loadAxis = (file: ExperimentFile): Axis | undefined => file.axes.find((axis) => axis.vary === 'concurrency' || axis.vary === 'perSecond')

/** Whether the field counts requests at a time, or per second. */
export function arrivalsCount(file: ExperimentFile): 'concurrency' | 'perSecond' {
  const vary = loadAxis(file)?.vary
  return vary === 'concurrency' || vary === 'perSecond' ? vary : file.load.arrivals.kind === 'closed' ? 'concurrency' : 'perSecond'
}

export function basicsOf(file: ExperimentFile): Basics {
  const { arrivals } = file.load
  const axis = loadAxis(file)
  return { ...file.blocks, arrivals: axis === undefined ? String(arrivals.kind === 'closed' ? arrivals.concurrency : arrivals.perSecond) : axis.values.join(', '), regime: file.load.regime, seed: file.load.seed, arms: file.arms.map((arm) => arm.id) }
}

/** The file with these in it, or what is wrong with which field. */
export function fileWith(file: ExperimentFile, basics: Basics): { file: ExperimentFile } | { errors: BasicsErrors } {
  const errors: BasicsErrors = {}
  for (const field of NUMBERS) if (basics[field] === '') errors[field] = 'Needed.'
  const counts = basics.arrivals.split(/[\s,;]+/).filter((word) => word !== '').map(Number)
  const swept = loadAxis(file)
  if (counts.length === 0) errors.arrivals = 'Needed.'
  else if (counts.some((count) => !Number.isFinite(count) || count <= 0)) errors.arrivals = 'Numbers above 0, with commas between.'
  else if (swept === undefined && counts.length > 1) errors.arrivals = 'One number: this experiment does not vary the load.'
  if (basics.arms.length === 0) errors.arms = 'At least one arm.'
  if (Object.keys(errors).length > 0) return { errors }
  const parsed = FileSchema.safeParse({
    ...file, arms: file.arms.filter((arm) => basics.arms.includes(arm.id)),
    axes: swept === undefined ? file.axes : file.axes.map((axis) => (axis === swept ? { ...axis, values: counts } : axis)),
    load: { ...file.load, regime: basics.regime, seed: basics.seed, arrivals: swept === undefined ? { ...file.load.arrivals, [arrivalsCount(file)]: counts[0] } : file.load.arrivals },
    blocks: { rounds: basics.rounds, seconds: basics.seconds, warmUpSeconds: basics.warmUpSeconds, coolDownSeconds: basics.coolDownSeconds },
  })
  if (parsed.success) return { file: parsed.data }
  for (const issue of parsed.error.issues) errors[basicsField(issue.path.join('.')) ?? 'arms'] ??= worded(issue)
  return { errors }
}

function worded(issue: { code?: string; message: string; minimum?: number | bigint; maximum?: number | bigint; inclusive?: boolean }): string {
  if (issue.code === 'too_small' && issue.minimum !== undefined) return `${issue.inclusive === false ? 'Above' : 'At least'} ${issue.minimum}.`
  if (issue.code === 'too_big' && issue.maximum !== undefined) return `At most ${issue.maximum}.`
  return issue.code === 'invalid_type' ? 'A whole number.' : issue.message
}

/** `file.blocks.rounds` of a Fault or of the schema → the field it speaks of; null: none of these. */
export function basicsField(path: string | null): keyof Basics | null {
  const [first, second] = (path ?? '').replace(/^file\./, '').split('.')
  if (first === 'blocks' && (second === 'rounds' || second === 'seconds' || second === 'warmUpSeconds' || second === 'coolDownSeconds')) return second
  if (first === 'load' && (second === 'arrivals' || second === 'regime' || second === 'seed')) return second
  return first === 'axes' ? 'arrivals' : first === 'arms' ? 'arms' : null
}

/** Whether anything was changed. */
export const isChanged = (file: ExperimentFile, basics: Basics): boolean => JSON.stringify(basicsOf(file)) !== JSON.stringify(basics)

/** One choice of every axis is a cell. */
export const cellCount = (file: Pick<ExperimentFile, 'axes'>): number => file.axes.reduce((count, axis) => count * axis.values.length, 1)
