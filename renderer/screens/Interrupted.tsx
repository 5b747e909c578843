// Interrupted: reports whose cells are not all done, each with the button that goes on with the rest.
import { Table } from '@mantine/core'
import type { ReportSummary } from '../../shared/experiment.ts'
import type { Action } from '../actions/action.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { startExperiment } from '../actions/experimentActions.ts'
import { useRunning } from '../state/experiment.ts'
import { useReports } from '../state/reports.ts'
import { dateText } from './reportWords.ts'

/** So many at most: older ones are on the Reports screen. */
const MOST = 3

export function Interrupted() {
  const runningId = useRunning()?.id ?? null
  const reports = useReports((store) => store.reports)?.filter((one) => one.cells > 1 && one.cellsDone < one.cells && one.outcome === 'partial' && !one.imported && one.id !== runningId).slice(0, MOST) ?? []
  if (reports.length === 0) return null
  return (
    <Table aria-label="Interrupted">
      <Table.Tbody>
        {reports.map((report) => (
          <Table.Tr key={report.id}>
            <Table.Td><div className="reportTitle">{report.title}</div><div className="dim small">interrupted {dateText(report.endedAtMs)}, {report.cellsDone} of {report.cells} cells done</div></Table.Td>
            <Table.Td ta="right"><ActionButton action={resume(report)} label="Resume" /></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function resume(report: ReportSummary): Action {
  const start = startExperiment(null, null)
  return {
    ...start, id: `experiment.resume/${report.id}`, label: 'Resume experiment', blocked: null,
    about: `Goes on with the ${report.cells - report.cellsDone} cells of “${report.title}” that are not done, with the same arms, load and engine. It holds the workstation until it is over; it can be cancelled at any time.`,
    run: async (client) => {
      const { plan } = await client.experiment.report({ id: report.id })
      await client.experiment.start({ preset: null, file: plan.file, gpuUuid: plan.gpuUuid, engineId: null, resumes: report.id })
    },
  }
}
