// ReportsSweep: a report of several cells at a glance: one sentence, and the headline gain of each with the latencies beside it. A cell is opened from here.
import { Table, UnstyledButton } from '@mantine/core'
import type { Comparison, Report, Verdict } from '../../shared/experiment.ts'
import { armPhrase, baselinePhrase, headlineOf, intervalText, signedPercent } from '../../shared/headline.ts'
import { isOpen, MEASURES, verdictLook } from '../parts/gains.ts'
import { Panel } from '../parts/Panel.tsx'
import { StateBadge } from '../parts/StateBadge.tsx'
import { shortPoint } from './reportCharts.ts'

const BESIDE = ['ttftMsP95', 'tpotMsP95'] as const

const headlines = (report: Report) => report.plan.cells.map(({ point }, cell) => ({ cell, point, headline: headlineOf(report, cell) }))

export function SweepSentence({ report }: { report: Report }) {
  const { arms } = report.plan.file
  const found = headlines(report)
  const first = found.find(({ headline }) => headline !== null)?.headline ?? null
  const arm = arms.find(({ id }) => id === first?.armId)
  return <div className="headline">{arm === undefined || first === null ? 'No two arms could be compared.' : `${armPhrase(arm)} against ${baselinePhrase(first, arms)}: ${counted(found.flatMap(({ headline }) => headline?.verdict ?? []))} of ${found.length} cells.`}</div>
}

export function SweepCells({ report, open }: { report: Report; open: (cell: number) => void }) {
  return (
    <Panel title="Every cell" body={false}>
      <Table aria-label="Headline gain of every cell">
        <Table.Thead><Table.Tr><Table.Th>Cell</Table.Th><Table.Th>Output tokens/s</Table.Th>{BESIDE.map((measure) => <Table.Th key={measure}>{MEASURES[measure].label}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {headlines(report).map(({ cell, point, headline }) => (
            <Table.Tr key={cell} className="row" onClick={() => open(cell)}>
              <Table.Td className="nowrap"><UnstyledButton className="reportTitle" onClick={() => open(cell)}>{shortPoint(point)}</UnstyledButton></Table.Td>
              <Table.Td>{headline === null ? <span className="dim">{report.cellsDone.includes(cell) ? 'nothing to compare' : 'not done'}</span> : <><Change comparison={headline} strong /><div><StateBadge look={verdictLook(headline)} /></div></>}</Table.Td>
              {BESIDE.map((measure) => <Table.Td key={measure}><Change comparison={besideOf(report, headline, measure)} /></Table.Td>)}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}

function besideOf(report: Report, headline: Comparison | null, measure: Comparison['measure']): Comparison | null {
  return report.comparisons.find((one) => one.cell === headline?.cell && one.armId === headline.armId && one.name === headline.name && one.measure === measure) ?? null
}

function Change({ comparison, strong = false }: { comparison: Comparison | null; strong?: boolean }) {
  if (comparison === null || comparison.change === null) return <>—</>
  const text = signedPercent(comparison.change)
  return <span>{strong && !isOpen(comparison) ? <strong>{text}</strong> : text} <span className="dim small nowrap">{intervalText(comparison)}</span></span>
}

const IN_CELLS: Record<Verdict, string> = { higher: 'higher in', lower: 'lower in', noDifference: 'no difference shown in', unfinished: 'not all rounds run in', tooFewBlocks: 'too few blocks in' }

/** `higher in 3, no difference shown in 1` */
function counted(verdicts: Verdict[]): string {
  const kinds = (['higher', 'lower', 'noDifference', 'unfinished', 'tooFewBlocks'] as const).map((verdict) => [IN_CELLS[verdict], verdicts.filter((one) => one === verdict).length] as const).filter(([, count]) => count > 0)
  return kinds.map(([words, count]) => `${words} ${count}`).join(', ')
}
