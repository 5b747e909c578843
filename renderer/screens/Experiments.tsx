// Experiments: presets and own files, the plan of the chosen one, the progress of the one that runs.
import { Button, FileButton, SegmentedControl, Table, UnstyledButton } from '@mantine/core'
import { IconFileUpload } from '@tabler/icons-react'
import { useState } from 'react'
import type { ExperimentFile, Preset } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { duration, UNKNOWN } from '../../shared/units.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { useRunning } from '../state/experiment.ts'
import { useFound } from '../state/found.ts'
import { useAnswer } from '../state/useAnswer.ts'
import { useView } from '../state/view.ts'
import { experimentFileOf } from './experimentFileText.ts'
import { ExperimentsChosen } from './ExperimentsChosen.tsx'
import { ExperimentsRunning } from './ExperimentsRunning.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { Interrupted } from './Interrupted.tsx'
import './reports.css'

const WAITS: Look = { word: 'waits', tone: 'idle', shape: 'question' }
const OWN: Look = { word: 'own file', tone: 'other', shape: 'diamond' }

export function Experiments() {
  const running = useRunning()
  const [look, setLook] = useState<'running' | 'all'>('running')
  if (running === null) return <div className="stackGap reportsScreen"><FailedAttempts /><All /></div>
  return (
    <div className="stackGap reportsScreen">
      <SegmentedControl aria-label="Look at" style={{ justifySelf: 'start' }} data={[{ value: 'running', label: 'The one that runs' }, { value: 'all', label: 'All experiments' }]} value={look} onChange={(value) => setLook(value as 'running' | 'all')} />
      <FailedAttempts />
      {look === 'running' ? <ExperimentsRunning now={running} /> : <All />}
    </div>
  )
}

function All() {
  const found = useFound(useGpuUuid())
  const { answer, fault } = useAnswer('presets', (client) => client.experiment.presets(), found)
  const presets = answer === null ? null : inOrder(answer)
  const draft = useView((view) => view.experimentDraft)
  const [name, setName] = useState<string | null>(null)
  const [fileFault, setFileFault] = useState<Fault | null>(null)
  const preset = presets?.find((one) => one.name === name) ?? null
  const first = presets?.find((one) => one.name === 'demo') ?? presets?.[0] ?? null
  const shown: { name: string | null; file: ExperimentFile; preset: Preset | null } | null =
    preset !== null ? { name: preset.name, file: preset.file, preset } : draft !== null ? { name: null, file: draft, preset: null } : first !== null ? { name: first.name, file: first.file, preset: first } : null
  const open = async (file: File | null) => {
    if (file === null) return
    setFileFault(null)
    try {
      if (file.size > MOST_BYTES) return setFileFault({ code: 'TOO_LARGE', sentence: `${file.name} is larger than 1 MiB.`, hint: 'An experiment is a page of YAML; choose that.', field: null, detail: null })
      useView.setState({ experimentDraft: await experimentFileOf(await file.text(), file.name) })
      setName(null)
    } catch (thrown) {
      setFileFault(faultOf(thrown))
    }
  }
  return (
    <div className="reportsSplit">
      <Panel title="Experiments" body={false} aside={<FileButton accept=".yaml,.yml,.json" onChange={(file) => void open(file)}>{(props) => <Button {...props} leftSection={<IconFileUpload size={14} />}>Open a file</Button>}</FileButton>}>
        {fileFault !== null && <div className="panelBody"><FaultCard fault={fileFault} onDismiss={() => setFileFault(null)} /></div>}
        {fault !== null && <div className="panelBody"><FaultCard fault={fault} /></div>}
        <Interrupted />
        {presets !== null && <List presets={presets} draft={draft} shownName={shown?.name ?? null} choose={setName} />}
      </Panel>
      <div className="reportPane">
        {shown !== null ? <ExperimentsChosen key={shown.name ?? `own ${shown.file.title}`} preset={shown.name} file={shown.file} /> : presets !== null && (
          <section className="panel"><Empty title="No preset is here">An experiment says which ways of sharing the GPU are compared, under which load, and how often. Open one from a file.</Empty></section>
        )}
      </div>
    </div>
  )
}

const MOST_BYTES = 1024 * 1024

/** The demo first, then what has few cells; what waits for something comes last. Times change with the engines, the order does not. */
function inOrder(presets: readonly Preset[]): Preset[] {
  const rank = ({ name, file, cells }: Preset): number => (file.waitsFor !== null ? 1e9 : name === 'demo' ? 0 : cells)
  return [...presets].sort((a, b) => rank(a) - rank(b))
}

function List({ presets, draft, shownName, choose }: { presets: Preset[]; draft: ExperimentFile | null; shownName: string | null; choose: (name: string | null) => void }) {
  return (
    <Table aria-label="Experiments" layout="fixed">
      <Table.Thead><Table.Tr><Table.Th>Experiment</Table.Th><Table.Th w={104} ta="right">Time here</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {draft !== null && (
          <Table.Tr className="row" aria-selected={shownName === null} onClick={() => choose(null)}>
            <Table.Td><UnstyledButton className="reportTitle" onClick={() => choose(null)}>{draft.title}</UnstyledButton><StateBadge look={OWN} /></Table.Td><Table.Td />
          </Table.Tr>
        )}
        {presets.map(({ name, file, cells, seconds, sentence }) => (
          <Table.Tr key={name} className="row" aria-selected={name === shownName} onClick={() => choose(name)}>
            <Table.Td><UnstyledButton className="reportTitle" onClick={() => choose(name)}>{file.title}</UnstyledButton><div className="dim small twoLines" title={file.question}>{file.question}</div></Table.Td>
            <Table.Td ta="right" title={sentence}>{file.waitsFor !== null ? <StateBadge look={WAITS} explain={file.waitsFor} /> : <span className="nowrap">{seconds === null ? UNKNOWN : duration(1000 * Math.round(seconds))}</span>}<div className="dim small">{cells} cell{cells === 1 ? '' : 's'}</div></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
