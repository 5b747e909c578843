// ReportsSweep: a report of several cells at a glance: the headline gain of each, with the latencies beside it. A cell is opened from here.
import { Table, UnstyledButton } from '@mantine/core'
import { VERDICTS, type Comparison, type Report, type Verdict } from '../../shared/experiment.ts'
import { armPhrase, baselinePhrase, headlineOf, intervalText, signedPercent } from '../../shared/headline.ts'
import { MEASURES, verdictLook } from '../parts/gains.ts'
import { StateBadge } from '../parts/StateBadge.tsx'
import { shortPoint } from './reportCharts.ts'

const BESIDE = ['ttftMsP95', 'tpotMsP95'] as const

export function ReportsSweep({ report, open }: { report: Report; open: (cell: number) => void }) {
  const { arms } = report.plan.file
  const found = report.plan.cells.map(({ point }, cell) => ({ cell, point, headline: headlineOf(report, cell) }))
  const first = found.find(({ headline }) => headline !== null)?.headline ?? null
  const arm = arms.find(({ id }) => id === first?.armId)
  return (
    <>
      <div className="headline">{arm === undefined || first === null ? 'No two arms could be compared.' : `${armPhrase(arm)} against ${baselinePhrase(first, arms)}, in ${found.length} cells: ${counted(found.flatMap(({ headline }) => headline?.verdict ?? []))}.`}</div>
      <Table aria-label="Headline gain of every cell">
        <Table.Thead><Table.Tr><Table.Th>Cell</Table.Th><Table.Th>Output tokens/s</Table.Th>{BESIDE.map((measure) => <Table.Th key={measure}>{MEASURES[measure].label}</Table.Th>)}<Table.Th>Verdict on tokens/s</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {found.map(({ cell, point, headline }) => (
            <Table.Tr key={cell} className="row" onClick={() => open(cell)}>
              <Table.Td><UnstyledButton className="reportTitle" onClick={() => open(cell)}>{shortPoint(point)}</UnstyledButton></Table.Td>
              <Table.Td>{headline === null ? <span className="dim">{report.cellsDone.includes(cell) ? 'nothing to compare' : 'not done'}</span> : <Change comparison={headline} strong />}</Table.Td>
              {BESIDE.map((measure) => <Table.Td key={measure}><Change comparison={besideOf(report, headline, measure)} /></Table.Td>)}
              <Table.Td>{headline !== null && <StateBadge look={verdictLook(headline)} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  )
}

function besideOf(report: Report, headline: Comparison | null, measure: Comparison['measure']): Comparison | null {
  return report.comparisons.find((one) => one.cell === headline?.cell && one.armId === headline.armId && one.name === headline.name && one.measure === measure) ?? null
}

function Change({ comparison, strong = false }: { comparison: Comparison | null; strong?: boolean }) {
  if (comparison === null || comparison.change === null) return <>—</>
  const text = signedPercent(comparison.change)
  return <span className="nowrap">{strong && comparison.verdict !== 'tooFewBlocks' ? <strong>{text}</strong> : text} <span className="dim small">{intervalText(comparison)}</span></span>
}

/** `3 higher, 1 no difference shown` */
function counted(verdicts: Verdict[]): string {
  const kinds = (Object.keys(VERDICTS) as Verdict[]).map((verdict) => [verdicts.filter((one) => one === verdict).length, VERDICTS[verdict]] as const).filter(([count]) => count > 0)
  return kinds.map(([count, word]) => `${count} ${word}`).join(', ')
}
