// EngineForm: describes an engine, for both recipes. Errors stand at their fields, also those that the core finds.
import { Button, Checkbox, Group, NumberInput, SegmentedControl, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import type { Engine, RecipeName } from '../../shared/engine.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { useConnection } from '../state/connection.ts'
import { useGpus } from '../state/gpus.ts'
import { useView } from '../state/view.ts'
import { fieldOfFault, fieldsOf, NEW_ENGINE, specOf, type EngineFields } from './engineFields.ts'

type Form = UseFormReturnType<EngineFields>

/** `engine` null: a new one. */
export function EngineForm({ engine }: { engine: Engine | null }) {
  const { client } = useConnection()
  const gpuUuid = useGpuUuid()
  const [fault, setFault] = useState<Fault | null>(null)
  const [saving, setSaving] = useState(false)
  const form = useForm<EngineFields>({ initialValues: engine === null ? { ...NEW_ENGINE, gpuUuid } : fieldsOf(engine.spec) })
  const save = async (fields: EngineFields) => {
    const answer = specOf(fields)
    if ('errors' in answer) return form.setErrors(answer.errors)
    setSaving(true)
    setFault(null)
    try {
      const id = engine === null ? (await client.engine.add({ spec: answer.spec })).id : (await client.engine.change({ id: engine.id, spec: answer.spec }), engine.id)
      useView.setState({ engineForm: null, engineId: id })
    } catch (thrown) {
      const refused = faultOf(thrown)
      const field = fieldOfFault(refused.field)
      if (field === null) setFault(refused)
      else form.setFieldError(field, `${refused.sentence} ${refused.hint}`)
    } finally {
      setSaving(false)
    }
  }
  return (
    <Panel title={engine === null ? 'Add engine' : `Change ${engine.spec.name}`}>
      <form onSubmit={form.onSubmit((fields) => void save(fields))} className="stackGap" noValidate>
        <SegmentedControl aria-label="Recipe" data={[{ value: 'llamaServer', label: 'llama-server' }, { value: 'custom', label: 'Custom command' }]}
          value={form.values.recipe} onChange={(value) => form.setFieldValue('recipe', value as RecipeName)} style={{ justifySelf: 'start' }} />
        <NameAndPlace form={form} />
        {form.values.recipe === 'custom' ? <Custom form={form} /> : <Llama form={form} />}
        <Surroundings form={form} />
        {fault !== null && <FaultCard fault={fault} />}
        <Group justify="flex-end" gap="xs">
          <Button onClick={() => useView.setState({ engineForm: null })}>Cancel</Button>
          <Button type="submit" variant="filled" loading={saving}>{engine === null ? 'Add' : 'Save'}</Button>
        </Group>
      </form>
    </Panel>
  )
}

function NameAndPlace({ form }: { form: Form }) {
  const identities = useGpus((store) => store.identities) ?? []
  const gpus = identities.map((gpu) => ({ value: gpu.uuid, label: `GPU ${gpu.index} · ${gpu.name}` }))
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <TextInput label="Name" placeholder="qwen-a" data-autofocus {...form.getInputProps('name')} />
      <Select label="GPU" placeholder="none" clearable data={gpus} {...form.getInputProps('gpuUuid')} />
      <Checkbox label="Start as an MPS client" description="Whether it becomes one is proven after the start." {...form.getInputProps('onMps', { type: 'checkbox' })} mt={4} />
      <NumberInput label="SM share" description="Ceiling in percent, under MPS; empty: none" suffix=" %" min={1} max={100} {...form.getInputProps('sharePercent')} />
    </SimpleGrid>
  )
}

function Llama({ form }: { form: Form }) {
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <TextInput label="Executable" description="Name on PATH, or a path" {...form.getInputProps('executable')} />
      <TextInput label="Model" description="Path of a GGUF file" placeholder="/models/qwen2.gguf" {...form.getInputProps('modelPath')} />
      <NumberInput label="Context tokens" description="-c, all slots together" thousandSeparator="," {...form.getInputProps('contextTokens')} />
      <NumberInput label="Slots" description="-np, requests at a time" {...form.getInputProps('slots')} />
      <NumberInput label="GPU layers" description="-ngl; empty: all" {...form.getInputProps('gpuLayers')} />
      <TextInput label="More arguments" description="Quoted as in a shell; no variables" {...form.getInputProps('extraArguments')} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
    </SimpleGrid>
  )
}

function Custom({ form }: { form: Form }) {
  return (
    <>
      <Textarea label="Command" description="Program and arguments, quoted as in a shell; run without one. {port} is replaced." placeholder="vllm serve Qwen/Qwen2.5-1.5B --port {port}" autosize minRows={2} maxRows={8} {...form.getInputProps('argv')} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
      <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
        <TextInput label="Health path" description="Answers 200 when ready; empty: ready once the port is open" {...form.getInputProps('healthPath')} />
        <TextInput label="Metrics path" description="Prometheus page; empty: no rates" {...form.getInputProps('metricsPath')} />
      </SimpleGrid>
      <Checkbox label="Serves OpenAI's API" description="Ready only once it lists a model and gives one token." {...form.getInputProps('openAi', { type: 'checkbox' })} />
    </>
  )
}

function Surroundings({ form }: { form: Form }) {
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <NumberInput label="Port" description="Empty: a free one at each start" min={1024} max={65535} {...form.getInputProps('port')} />
      <TextInput label="Working directory" description="Empty: your home" {...form.getInputProps('cwd')} />
      <NumberInput label="Restarts after a crash" description="At most, in ten minutes; 0: never" min={0} max={20} {...form.getInputProps('restartBudget')} />
      <NumberInput label="Ready within" description="Longest time from launch to ready" suffix=" s" min={1} {...form.getInputProps('readyWithinSeconds')} />
      <Textarea label="Environment" description="NAME=value, one per line" autosize minRows={2} maxRows={8} style={{ gridColumn: '1 / -1' }} {...form.getInputProps('env')} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
    </SimpleGrid>
  )
}
