// Gains of the bare model, without an experiment around it, for the tests of its parts.
import { CARDS, type Card } from './cards.ts'
import { DEFAULTS, FITTED_HOST, periodOf, sequencesThatFit, type CoRun, type HostCost, type Period, type Sharing } from './coRun.ts'
import type { Workload } from './kernels.ts'
import { SHAPES, type Shape } from './shapes.ts'

export function cardNamed(name: string): Card {
  const card = CARDS.find((candidate) => candidate.name === name)
  if (card === undefined) throw new Error(`no card ${name}`)
  return card
}

export function shapeNamed(name: string): Shape {
  const shape = SHAPES.find((candidate) => candidate.name === name)
  if (shape === undefined) throw new Error(`no shape ${name}`)
  return shape
}

export interface Case {
  card: string
  model: string
  phase: Workload['phase']
  /** Of all engines (equalTotal) or of each. */
  batch: number
  contextTokens: number
  only?: Workload['only'] | null
  engines?: number
  sharing?: Sharing
  regime?: 'equalTotal' | 'equalPerEngine'
  host?: HostCost
  coRun?: CoRun
  kvLimit?: boolean
}

export interface Gain { gain: number; singleBatch: number; eachBatch: number; singlePerSecond: number; togetherPerSecond: number; single: Period; together: Period }

export function gainOf(given: Case): Gain {
  const [card, shape] = [cardNamed(given.card), shapeNamed(given.model)]
  const { phase, contextTokens, engines = 2, sharing = 'mps', host = FITTED_HOST, coRun = DEFAULTS } = given
  const only = given.only ?? undefined
  const bounded = (batch: number, count: number): number => (phase === 'decode' && given.kvLimit !== false ? Math.min(batch, sequencesThatFit(card, shape, contextTokens, count)) : batch)
  const singleBatch = bounded(given.batch, 1)
  const eachBatch = bounded(given.regime === 'equalPerEngine' ? given.batch : given.batch / engines, engines)
  const period = (batch: number, count: number): Period => periodOf({ card, shape, workload: { phase, batch, contextTokens, only }, host, engines: count, sharing, coRun })
  const [single, together] = [period(singleBatch, 1), period(eachBatch, engines)]
  const [singlePerSecond, togetherPerSecond] = [singleBatch / single.seconds, (engines * eachBatch) / together.seconds]
  return { gain: togetherPerSecond / singlePerSecond - 1, singleBatch, eachBatch, singlePerSecond, togetherPerSecond, single, together }
}
