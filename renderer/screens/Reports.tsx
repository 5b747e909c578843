// Reports: what came out: the kept reports, one of them whole, two of them compared; import and removal.
import { Button, FileButton, Table, UnstyledButton } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { useState } from 'react'
import type { ReportSummary } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { showGain } from '../actions/experimentActions.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { intervalText, signedPercent } from '../../shared/headline.ts'
import { isOpen, verdictLook } from '../parts/gains.ts'
import { Panel } from '../parts/Panel.tsx'
import { StateBadge } from '../parts/StateBadge.tsx'
import { useConnection } from '../state/connection.ts'
import { useReports } from '../state/reports.ts'
import { useView } from '../state/view.ts'
import { FailedAttempts } from './FailedAttempts.tsx'
import './reports.css'
import { ReportsCompare } from './ReportsCompare.tsx'
import { ReportsDetail } from './ReportsDetail.tsx'
import { dateText, OUTCOME_LOOK, SIMULATED, IMPORTED } from './reportWords.ts'

export function Reports() {
  const reports = useReports((store) => store.reports)
  const { reportId, compareId } = useView()
  const shown = reports?.find((report) => report.id === reportId) ?? reports?.[0] ?? null
  const other = reports?.find((report) => report.id === compareId) ?? null
  const [fault, setFault] = useState<Fault | null>(null)
  const importing = <Import onFault={setFault} />
  return (
    <div className="stackGap reportsScreen">
      {fault !== null && <FaultCard fault={fault} onDismiss={() => setFault(null)} />}
      <FailedAttempts />
      {reports !== null && reports.length === 0 ? <None importing={importing} /> : (
        <div className="reportsSplit">
          <Panel title="Reports" body={false} aside={importing}><List reports={reports ?? []} shownId={shown?.id ?? null} otherId={other?.id ?? null} /></Panel>
          <div className="reportPane">
            {shown === null ? null : other !== null && other.id !== shown.id ? <ReportsCompare key={`${shown.id} ${other.id}`} a={shown} b={other} /> : <ReportsDetail key={shown.id} summary={shown} others={reports ?? []} />}
          </div>
        </div>
      )}
    </div>
  )
}

function None({ importing }: { importing: React.ReactNode }) {
  return (
    <section className="panel" aria-label="Reports">
      <Empty title="No report yet" action={<span className="cardRow"><ActionButton action={showGain} variant="filled" />{importing}</span>}>
        A report is what an experiment leaves behind: two named gains with their intervals, every block with the reason where it does not count, and all that is needed to repeat it: versions, arguments,
        environment, seeds, checks. It can be exported, compared with another one, and somebody else's can be opened here.
      </Empty>
    </section>
  )
}

/** Larger ones are refused by the core; reading one would only cost the page its memory. */
const MOST_BYTES = 32 * 1024 * 1024

function Import({ onFault }: { onFault: (fault: Fault | null) => void }) {
  const { client } = useConnection()
  const [busy, setBusy] = useState(false)
  const take = async (file: File | null) => {
    if (file === null) return
    if (file.size > MOST_BYTES) return onFault({ code: 'TOO_LARGE', sentence: `${file.name} is larger than 32 MiB.`, hint: 'Choose a report.json that Overlap exported.', field: null, detail: null })
    setBusy(true)
    onFault(null)
    try {
      const { id } = await client.experiment.importReport({ text: await file.text() })
      useView.setState({ reportId: id, compareId: null })
    } catch (thrown) {
      onFault(faultOf(thrown))
    } finally {
      setBusy(false)
    }
  }
  return <FileButton accept="application/json,.json" onChange={(file) => void take(file)}>{(props) => <Button {...props} loading={busy} leftSection={<IconUpload size={14} />}>Open a report.json</Button>}</FileButton>
}

function List({ reports, shownId, otherId }: { reports: ReportSummary[]; shownId: string | null; otherId: string | null }) {
  const choose = (id: string) => useView.setState({ reportId: id, compareId: null })
  return (
    <Table aria-label="Reports" layout="fixed">
      <Table.Thead><Table.Tr><Table.Th>Report</Table.Th><Table.Th w={168}>MPS gain</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {reports.map((report) => (
          <Table.Tr key={report.id} className="row" aria-selected={report.id === shownId || report.id === otherId} onClick={() => choose(report.id)}>
            <Table.Td>
              <UnstyledButton className="reportTitle" onClick={() => choose(report.id)}>{report.title}</UnstyledButton>
              <div className="dim small cut" title={`${dateText(report.startedAtMs)} · ${report.gpuName}`}>{dateText(report.startedAtMs)} · {report.gpuName.replace(/^NVIDIA /, '')}</div>
              <div className="cardRow reportStates"><StateBadge look={OUTCOME_LOOK[report.outcome]} />{report.simulated && <StateBadge look={SIMULATED} />}{report.imported && <StateBadge look={IMPORTED} />}{report.cellsDone < report.cells && <span className="dim small nowrap">{report.cellsDone} of {report.cells} cells</span>}</div>
            </Table.Td>
            <Table.Td><Headline report={report} /></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Headline({ report: { headline, cells, holdsOnlyFor } }: { report: ReportSummary }) {
  if (headline === null || headline.change === null) return <span className="dim">no gain to name</span>
  return (
    <div>
      {isOpen(headline) ? <span className="dim">{signedPercent(headline.change)}</span> : <strong>{signedPercent(headline.change)}</strong>} <span className="dim small nowrap">{intervalText(headline)}</span>
      <div><StateBadge look={verdictLook(headline)} /></div>
      {holdsOnlyFor !== null && <div className="small">{holdsOnlyFor}</div>}
      {cells > 1 && <div className="dim small">first of {cells} cells</div>}
    </div>
  )
}
