// ReportsDetail: one report: its sentence, both named gains, charts, and all that is needed to doubt and to repeat it.
import { Button, Loader, Menu, Select, Table } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { EXPORTS, type Comparison, type ExportFormat, type Report, type ReportSummary } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { holdsOnlyFor } from '../../shared/counted.ts'
import { headlineOf, headlineSentence, intervalText, signedPercent } from '../../shared/headline.ts'
import { duration } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { replayReport } from '../actions/experimentActions.ts'
import { armStyle } from '../parts/armColour.ts'
import { BlockSeries } from '../parts/charts/BlockSeries.tsx'
import { ExpectedActual } from '../parts/charts/ExpectedActual.tsx'
import { GainBars } from '../parts/charts/GainBars.tsx'
import { HeatMap } from '../parts/charts/HeatMap.tsx'
import { download } from '../parts/charts/picture.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { isOpen, MEASURES, verdictLook, type Measure } from '../parts/gains.ts'
import { Panel } from '../parts/Panel.tsx'
import { StateBadge } from '../parts/StateBadge.tsx'
import { Value } from '../parts/Value.tsx'
import { useConnection } from '../state/connection.ts'
import { useView } from '../state/view.ts'
import { blockReasons, reasonText } from './blockReasons.ts'
import { Explorer } from './Explorer.tsx'
import { blockArms, expectedRows, gainRows, heatOf, isConfident, shortPoint } from './reportCharts.ts'
import { ReportsFacts } from './ReportsFacts.tsx'
import { SweepCells, SweepSentence } from './ReportsSweep.tsx'
import { removeReport } from './reportRemoval.ts'
import { dateText, IMPORTED, OUTCOME_LOOK } from './reportWords.ts'
import { useReport } from './useReport.ts'

export function ReportsDetail({ summary, others }: { summary: ReportSummary; others: ReportSummary[] }) {
  const { report, fault } = useReport(summary.id, summary.cellsDone)
  /** null: all of a sweep at a glance. */
  const [chosen, setCell] = useState<number | null>(null)
  const cell = summary.cells > 1 ? chosen : 0
  const [exportFault, setExportFault] = useState<Fault | null>(null)
  return (
    <>
      <Panel title={summary.title} aside={<Doings summary={summary} others={others} onFault={setExportFault} />}>
        <div className="stackGap">
          {exportFault !== null && <FaultCard fault={exportFault} onDismiss={() => setExportFault(null)} />}
          {fault !== null && <FaultCard fault={fault} />}
          {report === null && fault === null && <Loader size="sm" aria-label="Fetching the report" />}
          {report !== null && <Head report={report} summary={summary} cell={cell} setCell={setCell} />}
        </div>
      </Panel>
      {report !== null && <Charts report={report} cell={cell} />}
      {report !== null && cell === null && <SweepCells report={report} open={setCell} />}
      {report !== null && <ReportsFacts report={report} />}
    </>
  )
}

function Doings({ summary, others, onFault }: { summary: ReportSummary; others: ReportSummary[]; onFault: (fault: Fault | null) => void }) {
  const { client } = useConnection()
  const take = async (format: ExportFormat) => {
    onFault(null)
    try {
      const { fileName, mediaType, text } = await client.experiment.exportReport({ id: summary.id, format })
      download(fileName, new Blob([text], { type: mediaType }))
    } catch (thrown) {
      onFault(faultOf(thrown))
    }
  }
  const choices = others.filter((one) => one.id !== summary.id).map((one) => ({ value: one.id, label: `${one.title} · ${dateText(one.startedAtMs)}` }))
  return (
    <>
      <Select aria-label="Compare with" style={{ flex: 'none' }} placeholder="Compare with…" w={150} comboboxProps={{ width: 340, position: 'bottom-end' }} searchable disabled={choices.length === 0} data={choices} value={null} onChange={(id) => useView.setState({ reportId: summary.id, compareId: id })} />
      <Menu position="bottom-end" width={190}>
        <Menu.Target><Button leftSection={<IconDownload size={14} />}>Export</Button></Menu.Target>
        <Menu.Dropdown>{(Object.keys(EXPORTS) as ExportFormat[]).map((format) => <Menu.Item key={format} onClick={() => void take(format)}>{FORMAT_NAME[format]}</Menu.Item>)}</Menu.Dropdown>
      </Menu>
      <ActionButton action={replayReport(summary.id, 'Play back')} />
      <ActionButton action={removeReport(summary)} label="Remove" />
    </>
  )
}

const FORMAT_NAME: Record<ExportFormat, string> = { html: 'Page to hand on (HTML)', markdown: 'Text (Markdown)', csv: 'Blocks (CSV)', json: 'Everything (JSON)' }

/** The value of the cell select that stands for all of them. */
const WHOLE = 'whole'

function Head({ report, summary, cell, setCell }: { report: Report; summary: ReportSummary; cell: number | null; setCell: (cell: number | null) => void }) {
  const { cells } = report.plan
  const headline = cell === null ? null : headlineOf(report, cell)
  const reasons = blockReasons(report.blocks)
  return (
    <>
      <div className="stamps">
        <StateBadge look={OUTCOME_LOOK[report.outcome]} boxed />
        {report.simulated && <span className="stamp">SIMULATED: no number here comes from a GPU</span>}
        {summary.imported && <StateBadge look={IMPORTED} boxed />}
        <span className="dim">{dateText(report.startedAtMs)}, {duration(report.endedAtMs - report.startedAtMs)} · {report.workstation.gpuName} · {report.workstation.hostName}</span>
      </div>
      {cells.length > 1 && <Select aria-label="Cell" w={360} allowDeselect={false} data={[{ value: WHOLE, label: `The whole sweep: ${cells.length} cells` }, ...cells.map(({ point }, at) => ({ value: String(at), label: `${shortPoint(point)}${report.cellsDone.includes(at) ? '' : ' (not done)'}` }))]} value={cell === null ? WHOLE : String(cell)} onChange={(value) => setCell(value === WHOLE ? null : Number(value))} />}
      {cell === null ? <SweepSentence report={report} /> : <div className="headline">{headline === null ? 'There is no gain to name: no pair of valid blocks.' : `${headlineSentence(headline, report.plan.file.arms)}${boundText(report, headline)}.`.replaceAll(' %', '\u00a0%')}</div>}
      {report.reasons.length + reasons.length > 0 && <ul className="dim" aria-label="What is wrong with it" style={{ margin: 0, paddingLeft: 18 }}>{[...report.reasons, ...reasons.map(reasonText)].map((reason) => <li key={reason}>{reason}</li>)}</ul>}
      {cell !== null && <Gains report={report} cell={cell} />}
    </>
  )
}

/** Belongs to the number, and is as large. */
function boundText(report: Report, comparison: Comparison): string {
  const holds = holdsOnlyFor(report, comparison)
  return holds === null ? '' : `; ${holds.clause}`
}

const SHOWN_MEASURES: Measure[] = ['outputTokensPerSecond', 'ttftMsP95', 'tpotMsP95', 'goodputPerSecond']

/** Both named gains of each arm, throughput beside latency. */
function Gains({ report, cell }: { report: Report; cell: number }) {
  const { arms } = report.plan.file
  const measures = SHOWN_MEASURES.filter((measure) => report.comparisons.some((one) => one.cell === cell && one.measure === measure))
  const named = gainRows(report, cell)
  if (named.length === 0) return null
  return (
    <Table aria-label="Gains">
      <Table.Thead><Table.Tr><Table.Th>Arm</Table.Th><Table.Th>Against</Table.Th>{measures.map((measure) => <Table.Th key={measure}><Value text={MEASURES[measure].label} explain={MEASURES[measure].meaning} /></Table.Th>)}</Table.Tr></Table.Thead>
      <Table.Tbody>
        {named.map(({ comparison: one, arm, baseline }) => (
          <Table.Tr key={`${one.armId} ${one.name}`}>
            <Table.Td><span className="cardRow" style={armStyle(arms, one.armId)}><span className="dot" />{arm}</span></Table.Td>
            <Table.Td>{one.name === 'againstSingle' ? 'best single engine' : 'time-sliced'} <div className="dim small">{baseline}</div></Table.Td>
            {measures.map((measure) => {
              const found = report.comparisons.find((each) => each.cell === cell && each.armId === one.armId && each.name === one.name && each.measure === measure)
              return <Table.Td key={measure}>{found === undefined ? '—' : <>{isOpen(found) ? signedPercent(found.change) : <strong>{signedPercent(found.change)}</strong>} {found.low !== null && <span className="dim small nowrap">{intervalText(found)}</span>}<div><StateBadge look={verdictLook(found)} /></div>{measure === 'outputTokensPerSecond' && <div>{holdsOnlyFor(report, found)?.where}</div>}</>}</Table.Td>
            })}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Charts({ report, cell }: { report: Report; cell: number | null }) {
  const stamp = report.simulated ? 'SIMULATED' : null
  const { file, cells } = report.plan
  const [armId, setArmId] = useState(file.arms.find((arm) => arm.kind === 'mps')?.id ?? file.arms[0]!.id)
  const heat = heatOf(report, 'againstSingle', armId)
  const others = file.arms.filter((arm) => arm.kind !== 'single')
  return (
    <>
      {heat !== null && (
        <HeatMap title="Gain over the sweep" unit="change of output tokens/s against the best single engine" stamp={stamp} meaning="Mean of log ratios over pairs of blocks of one cell, with its 95 % t interval. Hatched: the interval holds zero." {...heat}
          aside={others.length > 1 ? <Select aria-label="Arm" w={220} allowDeselect={false} data={others.map((arm) => ({ value: arm.id, label: arm.name }))} value={armId} onChange={(value) => { if (value !== null) setArmId(value) }} /> : null} />
      )}
      <Explorer report={report} />
      <div className="chartPair">
        {cell !== null && <GainBars rows={gainRows(report, cell)} stamp={stamp} title={cells.length > 1 ? `Gains at ${shortPoint(cells[cell]?.point ?? {})}` : 'Gains'} />}
        <ExpectedActual rows={expectedRows(report, cell === null ? cells.map((_, at) => at) : [cell])} stamp={stamp} confident={isConfident(report.plan)} />
      </div>
      {cell !== null && <BlockSeries arms={blockArms(report, cell)} stamp={stamp} />}
    </>
  )
}
