// What a publication reports and what came out here, claim by claim: met, missed, or not to be said.
import type { Report } from '../../../../shared/experiment.ts'
import { CLAIM_RESULTS, CLAIM_RULE, claimsHeld, type ClaimResult } from '../../../../shared/held.ts'
import type { Section } from './outline.ts'

export function claimSections(report: Report): Section[] {
  const { source } = report.plan.file
  const held = claimsHeld(report)
  if (held.length === 0) return []
  const arms = new Map(report.plan.file.arms.map((arm) => [arm.id, arm.name]))
  const count = (result: ClaimResult) => held.filter((one) => one.result === result).length
  return [{ title: 'Against what was published', parts: [
    { kind: 'text', text: `${(Object.keys(CLAIM_RESULTS) as ClaimResult[]).map((result) => `${count(result)} ${CLAIM_RESULTS[result]}`).join(', ')}.${source === null ? '' : ` Published: ${source}.`}` },
    ...(report.simulated ? [{ kind: 'warning' as const, text: CLAIMS_SIMULATED }] : []),
    { kind: 'table', numbersFrom: null, head: ['Result', 'What was published', 'Arm', 'What was seen here'], rows: held.map(({ claim, result, found }) => [CLAIM_RESULTS[result], claim.says, arms.get(claim.armId) ?? claim.armId, found.join('\n') || 'nothing']) },
    { kind: 'text', text: CLAIM_RULE },
  ] }]
}

const CLAIMS_SIMULATED = 'This is a test of the plumbing. The simulated workstation has a physics of its own, written down with what it meets and misses of the study in electron/sim/physics.ts: what it meets here says nothing about a GPU, and nothing about the study.'
