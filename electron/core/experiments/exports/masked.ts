// A report without the secrets that an engine was started with: what leaves Overlap, in every format.
import type { Report } from '../../../../shared/experiment.ts'
import { Secrets } from '../../host/secrets.ts'

export function masked(report: Report): Report {
  const secrets = new Secrets()
  const { engine, arms } = report.plan.file
  for (const env of [engine?.env ?? {}, ...report.engines.map((one) => one.env)]) secrets.addFrom(env)
  const file = {
    ...report.plan.file,
    arms: arms.map((arm) => ({ ...arm, extraArguments: secrets.argv(arm.extraArguments) })),
    engine: engine === null ? null : {
      ...engine, env: secrets.env(engine.env), ...('argv' in engine ? { argv: secrets.argv(engine.argv) } : { extraArguments: secrets.argv(engine.extraArguments) }),
    } as typeof engine,
  }
  return {
    ...report, plan: { ...report.plan, file },
    engines: report.engines.map((one) => ({ ...one, argv: secrets.argv(one.argv), env: secrets.env(one.env) })),
  }
}
