// What a publication reports and what came out here, claim by claim: met, missed, or not to be said.
import type { Report } from '../../../../shared/experiment.ts'
import { CLAIM_RESULTS, CLAIM_RULE, CLAIMS_SIMULATED, claimsCounted, claimsHeld } from '../../../../shared/held.ts'
import type { Section } from './outline.ts'

export function claimSections(report: Report): Section[] {
  const { source } = report.plan.file
  const held = claimsHeld(report)
  if (held.length === 0) return []
  const arms = new Map(report.plan.file.arms.map((arm) => [arm.id, arm.name]))
  return [{ title: 'Against what was published', parts: [
    { kind: 'text', text: `${claimsCounted(held)}.${source === null ? '' : ` Published: ${source}.`}` },
    ...(report.simulated ? [{ kind: 'warning' as const, text: CLAIMS_SIMULATED }] : []),
    { kind: 'table', numbersFrom: null, head: ['Result', 'What was published', 'Arm', 'What was seen here'], rows: held.map(({ claim, result, found }) => [CLAIM_RESULTS[result], claim.says, arms.get(claim.armId) ?? claim.armId, found.join('\n') || 'nothing']) },
    { kind: 'text', text: CLAIM_RULE },
  ] }]
}
