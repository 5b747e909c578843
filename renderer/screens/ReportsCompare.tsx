// ReportsCompare: every figure of two reports side by side; what differs comes first.
import { Button, Loader, Switch, Table } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { ReportSummary } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import type { Client } from '../link/connect.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { signedPercent } from '../../shared/headline.ts'
import { Panel } from '../parts/Panel.tsx'
import { ShapeMark } from '../parts/StateBadge.tsx'
import { useConnection } from '../state/connection.ts'
import { useView } from '../state/view.ts'
import { groupedRows } from './compareRows.ts'
import { dateText } from './reportWords.ts'

type Rows = Awaited<ReturnType<Client['experiment']['compare']>>['rows']

export function ReportsCompare({ a, b }: { a: ReportSummary; b: ReportSummary }) {
  const { client } = useConnection()
  const [rows, setRows] = useState<Rows | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [only, setOnly] = useState(true)
  useEffect(() => {
    let gone = false
    client.experiment.compare({ a: a.id, b: b.id }).then((answer) => { if (!gone) setRows(answer.rows) }, (thrown: unknown) => { if (!gone) setFault(faultOf(thrown)) })
    return () => { gone = true }
  }, [client, a.id, b.id])
  const same = rows?.filter((row) => !row.differs).length ?? 0
  return (
    <Panel title="Two reports compared" body={false} aside={<>
      <Switch label={`only what differs${same === 0 ? '' : ` (${same} are the same)`}`} checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} />
      <Button onClick={() => useView.setState({ reportId: b.id, compareId: a.id })}>Swap</Button>
      <Button onClick={() => useView.setState({ compareId: null })}>Close</Button>
    </>}>
      {fault !== null && <div className="panelBody"><FaultCard fault={fault} /></div>}
      {rows === null && fault === null && <div className="panelBody"><Loader size="sm" aria-label="Comparing" /></div>}
      {rows !== null && (
        <Table aria-label="Two reports compared" stickyHeader>
          <Table.Thead><Table.Tr><Table.Th w={210}>Figure</Table.Th><Table.Th><Column name="A" report={a} /></Table.Th><Table.Th><Column name="B" report={b} /></Table.Th><Table.Th w={96} ta="right">B / A − 1</Table.Th></Table.Tr></Table.Thead>
          {groupedRows(rows, only).map(({ group, rows: found }) => (
            <Table.Tbody key={group}>
              <Table.Tr className="groupRow"><Table.Td colSpan={4}><strong>{group}</strong></Table.Td></Table.Tr>
              {found.map((row, at) => (
                <Table.Tr key={at}>
                  <Table.Td><span className="cardRow">{row.differs ? <span title="differs" style={{ color: 'var(--tone-busy)' }}><ShapeMark shape="diamond" /></span> : <span style={{ width: 12 }} />}{row.what}</span></Table.Td>
                  <Table.Td className="compared">{row.a ?? '—'}</Table.Td><Table.Td className="compared">{row.b ?? '—'}</Table.Td><Table.Td ta="right">{row.change === null ? '' : signedPercent(row.change)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          ))}
          {only && same === rows.length && <Table.Tbody><Table.Tr><Table.Td colSpan={4} className="dim">Nothing differs.</Table.Td></Table.Tr></Table.Tbody>}
        </Table>
      )}
    </Panel>
  )
}

function Column({ name, report }: { name: string; report: ReportSummary }) {
  return <><strong style={{ color: 'var(--mantine-color-text)' }}>{name}</strong> {report.title}<div className="small">{dateText(report.startedAtMs)} · {report.gpuName}{report.simulated ? ' · simulated' : ''}</div></>
}
