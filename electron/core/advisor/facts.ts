// What advice rests on: the present states of the workstation, nothing that has to be asked for.
import type { Engine } from '../../../shared/engine.ts'
import type { GpuFrame, GpuIdentity } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import type { Advice } from '../../../shared/advice.ts'

export interface Facts {
  identities: readonly GpuIdentity[]
  /** Null: no frame yet. */
  frame: GpuFrame | null
  daemons: readonly MpsDaemon[]
  engines: readonly Engine[]
}

/** A finding of a rule, before it is ranked. */
export interface Finding extends Advice {
  /** What it speaks of, `engine/<id>` or `gpu/<uuid>`: of several findings about one subject, one is shown. */
  subject: string
  /** 1 harms now · 2 not what was asked for · 3 could be better. */
  rank: 1 | 2 | 3
}

export type Rule = (facts: Facts) => Finding[]

export const enginesOn = (facts: Facts, gpuUuid: string): Engine[] => facts.engines.filter((engine) => engine.spec.gpuUuid === gpuUuid)

export const gpuName = (facts: Facts, gpuUuid: string): string => {
  const identity = facts.identities.find((candidate) => candidate.uuid === gpuUuid)
  return identity ? `GPU ${identity.index}` : 'this GPU'
}
