// The report of what happened: everything that is needed to repeat it and to doubt it. Takes the secrets out of what was configured.
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Report } from '../../../shared/experiment.ts'
import type { Host } from '../host/host.ts'
import type { Findings } from './findings.ts'
import type { Lab } from './lab.ts'

/** A spec as it may be shown: secrets in its environment and arguments masked. */
export function withoutSecrets(spec: EngineSpec, host: Pick<Host, 'preview'>): EngineSpec {
  const masked = (argv: readonly string[]) => host.preview({ argv, env: spec.env, why: 'show an engine' })
  if (spec.recipe === 'custom') return { ...spec, env: masked([]).env, argv: masked(spec.argv).argv }
  return { ...spec, env: masked([]).env, extraArguments: masked(spec.extraArguments).argv }
}

export function reportOf({ id, lab, findings, startedAtMs, cudaVersion, end }: { id: string; lab: Lab; findings: Findings; startedAtMs: number; cudaVersion: string | null; end: Parameters<Findings['outcome']>[0] }): Report {
  const { plan } = findings
  return {
    version: 1, id, plan, startedAtMs, endedAtMs: lab.clock.now(), ...findings.outcome(end),
    simulated: lab.simulated, scene: lab.scene, workstation: { ...lab.describe(plan.gpuUuid), cudaVersion },
    engines: findings.engines, checks: findings.checks, blocks: findings.blocks, comparisons: findings.comparisons, cellsDone: findings.cellsDone,
  }
}
