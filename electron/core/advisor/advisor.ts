// The next best steps: all rules, at most one finding per subject, the most harmful first. Pure.
import type { Advice } from '../../../shared/advice.ts'
import type { Facts, Rule } from './facts.ts'
import { daemonChanged, engineFailed, environmentDiffers, keeperGone, mpsIsBack, silentlyPlain, startedBeforeDaemon } from './rules/engineRules.ts'
import { lowerCeiling, serverBehindDefault } from './rules/limitRules.ts'
import { foreignDaemon, mpsOff, mpsWanted, noCudaDevice, notAsked, serverFault, twoDaemons, usedDaemonGone } from './rules/mpsRules.ts'

/** At equal rank, what stands first here comes first: a GPU's trouble explains that of its engines. */
const RULES: readonly Rule[] = [
  serverFault, noCudaDevice, usedDaemonGone, mpsWanted, mpsIsBack, engineFailed,
  twoDaemons, foreignDaemon, startedBeforeDaemon, daemonChanged, environmentDiffers, silentlyPlain, keeperGone,
  mpsOff, notAsked, serverBehindDefault, lowerCeiling,
]

export function adviceOn(facts: Facts): Advice[] {
  const findings = RULES.flatMap((rule) => rule(facts)).sort((a, b) => a.rank - b.rank)
  const told = new Set<string>()
  return findings.flatMap(({ subject, id, gpuUuid, sentence, evidence, action }) => {
    if (told.has(subject)) return []
    told.add(subject)
    return [{ id, gpuUuid, sentence, evidence, action }]
  })
}
