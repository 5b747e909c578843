// Engines: the list, and beside it one engine in full or the form that describes one.
import { Table, UnstyledButton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import type { Engine } from '../../shared/engine.ts'
import { gibibytes, rate } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { addEngine } from '../actions/engineActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { EngineName } from '../parts/EngineDot.tsx'
import { Panel } from '../parts/Panel.tsx'
import { attachmentLook, ENGINE_LOOK, StateBadge } from '../parts/StateBadge.tsx'
import { useEngines } from '../state/engines.ts'
import { useFoundEngines } from '../state/foundEngines.ts'
import { gpuLabel, useGpus } from '../state/gpus.ts'
import { useView } from '../state/view.ts'
import { EngineDetail } from './EngineDetail.tsx'
import { EngineForm } from './EngineForm.tsx'
import { FoundEngines } from './FoundEngines.tsx'

export function Engines() {
  const engines = useEngines((store) => store.engines)
  const form = useView((view) => view.engineForm)
  const chosen = useView((view) => view.engineId)
  const shown = engines?.find((engine) => engine.id === chosen) ?? engines?.[0] ?? null
  const detail = useRef<HTMLDivElement>(null)
  const hadForm = useRef(false)
  // where a form was, the keyboard goes on
  useEffect(() => {
    if (form === null && hadForm.current) detail.current?.querySelector<HTMLElement>('button:not([aria-disabled="true"])')?.focus()
    hadForm.current = form !== null
  }, [form])
  if (engines !== null && engines.length === 0 && form === null) return <NoEngines />
  return (
    <div className="listDetail">
      <div className="detailColumn">
        <Panel title="Engines" body={false} aside={<ActionButton action={addEngine} icon={<IconPlus size={14} />} />}>
          <List engines={engines ?? []} shownId={form === 'new' ? null : shown?.id ?? null} />
        </Panel>
        <FoundEngines gpuUuid={null} />
      </div>
      <div className="detailColumn" ref={detail}>
        {form !== null ? <EngineForm key={form === 'new' ? 'new' : form.id} engine={form === 'new' ? null : engines?.find((engine) => engine.id === form.id) ?? null} />
          : shown !== null && <EngineDetail key={shown.id} engine={shown} />}
      </div>
    </div>
  )
}

function NoEngines() {
  const found = useFoundEngines((store) => (store.found ?? []).length > 0)
  return (
    <div className="detailColumn">
      <FoundEngines gpuUuid={null} />
      <section className="panel" aria-label="Engines">
        <Empty title={found ? 'No engine of Overlap yet' : 'No engine yet'} action={<ActionButton action={addEngine} variant="filled" icon={<IconPlus size={14} />} />}>
          An engine is one inference server on this workstation. Overlap starts it with the environment that MPS needs, waits until it answers, proves whether it is an MPS client,
          reads its own metrics and keeps its log. It keeps running when Overlap closes. Start with vLLM and the name of a model, with llama-server and a GGUF file, or with any command that listens on a port.
        </Empty>
      </section>
    </div>
  )
}

function List({ engines, shownId }: { engines: Engine[]; shownId: string | null }) {
  const identities = useGpus((store) => store.identities)
  const choose = (id: string) => useView.setState({ engineId: id, engineForm: null })
  return (
    <Table aria-label="Engines" stickyHeader stickyHeaderOffset={37}>
      <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>State</Table.Th><Table.Th>MPS</Table.Th><Table.Th>GPU</Table.Th><Table.Th ta="right">Tokens/s</Table.Th><Table.Th ta="right">Memory</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {engines.map((engine) => (
          <Table.Tr key={engine.id} className="row" aria-selected={engine.id === shownId} onClick={() => choose(engine.id)}>
            <Table.Td><UnstyledButton onClick={() => choose(engine.id)}><EngineName colour={engine.colour} name={engine.spec.name} /></UnstyledButton></Table.Td>
            <Table.Td><StateBadge look={ENGINE_LOOK[engine.state]} /></Table.Td>
            <Table.Td><StateBadge look={attachmentLook(engine)} /></Table.Td>
            <Table.Td className="nowrap">{gpuLabel(identities, engine.spec.gpuUuid)}</Table.Td>
            <Table.Td ta="right">{rate(engine.rates.generatedTokensPerSecond)}</Table.Td>
            <Table.Td ta="right" className="nowrap">{gibibytes(engine.gpuMemoryMiB)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
