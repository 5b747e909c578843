// ReportsClaims: what a publication reports of the same figure, and what this report has of it. Nothing where the file names no claims.
import { Table } from '@mantine/core'
import type { Report } from '../../shared/experiment.ts'
import { CLAIM_RESULTS, CLAIM_RULE, CLAIMS_SIMULATED, claimsCounted, claimsHeld, type ClaimResult } from '../../shared/held.ts'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'

const LOOK: Record<ClaimResult, Pick<Look, 'tone' | 'shape'>> = {
  met: { tone: 'good', shape: 'full' }, missed: { tone: 'bad', shape: 'triangle' }, notSettled: { tone: 'idle', shape: 'half' }, notMeasured: { tone: 'idle', shape: 'ring' },
}

/** Null: there is nothing to hold it against. */
export function claimsNote(report: Report): string | null {
  const held = claimsHeld(report)
  return held.length === 0 ? null : claimsCounted(held)
}

export function ReportsClaims({ report }: { report: Report }) {
  return (
    <div className="stackGap">
      <div className="dim small">{report.plan.file.source}</div>
      {report.simulated && <div>{CLAIMS_SIMULATED}</div>}
      <Table aria-label="Against what was published">
        <Table.Thead><Table.Tr><Table.Th w={130}>Result</Table.Th><Table.Th>Published</Table.Th><Table.Th>Seen here</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {claimsHeld(report).map(({ claim, result, found }) => (
            <Table.Tr key={`${claim.says} ${claim.armId}`}>
              <Table.Td><StateBadge look={{ word: CLAIM_RESULTS[result], ...LOOK[result] }} /></Table.Td><Table.Td>{claim.says}</Table.Td>
              <Table.Td className="dim small">{found.length === 0 ? '—' : found.map((text) => <div key={text}>{text}</div>)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <div className="dim small">{CLAIM_RULE}</div>
    </div>
  )
}
