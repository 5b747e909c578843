// EngineFormFields: the groups of fields of EngineForm, one per recipe and those that every engine has.
import { Checkbox, Fieldset, NumberInput as MantineNumberInput, Select, SimpleGrid, Textarea, TextInput, type NumberInputProps } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useEffect, useRef } from 'react'
import type { RecipeName } from '../../shared/engine.ts'
import { needWords, type MemoryNeed } from '../../shared/memoryLimit.ts'
import { useGpus } from '../state/gpus.ts'
import { PRIORITIES, type EngineFields } from './engineFields.ts'

type Form = UseFormReturnType<EngineFields>

const MONOSPACE = { input: { fontFamily: 'var(--mantine-font-family-monospace)' } }

/** What is out of range is said, not made to fit: 80 is no typing error for 1024. */
const NumberInput = (props: NumberInputProps) => <MantineNumberInput clampBehavior="none" {...props} />

export const RECIPE_FIELDS: Record<RecipeName, (props: { form: Form }) => React.ReactNode> = { llamaServer: Llama, vllm: Vllm, custom: Custom }

export function NameAndPlace({ form }: { form: Form }) {
  const identities = useGpus((store) => store.identities) ?? []
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => { first.current?.focus() }, [])
  const gpus = identities.map((gpu) => ({ value: gpu.uuid, label: `GPU ${gpu.index} · ${gpu.name}` }))
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <TextInput label="Name" placeholder="qwen-a" ref={first} {...form.getInputProps('name')} />
      <Select label="GPU" placeholder="none" clearable data={gpus} {...form.getInputProps('gpuUuid')} />
      <Checkbox label="Start as an MPS client" description="Whether it becomes one is proven after the start." {...form.getInputProps('onMps', { type: 'checkbox' })} mt={4} />
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
      <MoreArguments form={form} />
    </SimpleGrid>
  )
}

function Vllm({ form }: { form: Form }) {
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <TextInput label="Executable" description="Name on PATH, or a path into a virtual environment" {...form.getInputProps('executable')} />
      <TextInput label="Model" description="Name on the hub, or a folder" placeholder="Qwen/Qwen3-0.6B" {...form.getInputProps('model')} />
      <NumberInput label="KV cache" description="Absolute size: the same for every copy, whichever loads first" suffix=" MiB" thousandSeparator="," min={1} {...form.getInputProps('kvCacheMemoryMiB')} />
      <NumberInput label="GPU memory share" description="Part of the whole GPU, 0 to 1; not needed with a KV cache" min={0} max={1} step={0.05} decimalScale={3} {...form.getInputProps('gpuMemoryUtilization')} />
      <NumberInput label="Sequences" description="--max-num-seqs, requests at a time; empty: vLLM's own" thousandSeparator="," min={1} {...form.getInputProps('maxSequences')} />
      <NumberInput label="Longest context" description="--max-model-len, tokens; empty: the model's own" thousandSeparator="," min={16} {...form.getInputProps('maxModelTokens')} />
      <Select label="Asynchronous scheduling" description="Prepares a step while the GPU works on the one before" data={[{ value: '', label: "vLLM's own" }, { value: 'on', label: 'on' }, { value: 'off', label: 'off' }]} allowDeselect={false} {...form.getInputProps('asyncScheduling')} />
      <NumberInput label="Stream interval" description="Tokens per chunk of an answer; empty: 1" min={1} max={1000} {...form.getInputProps('streamIntervalTokens')} />
      <MoreArguments form={form} />
    </SimpleGrid>
  )
}

function Custom({ form }: { form: Form }) {
  return (
    <>
      <Textarea label="Command" description="Program and arguments, quoted as in a shell; run without one. {port}, {sequences} and {kvTokens} are replaced." placeholder="serve --model qwen --port {port}" autosize minRows={2} maxRows={8} {...form.getInputProps('argv')} styles={MONOSPACE} />
      <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
        <TextInput label="Health path" description="Answers 200 when ready; empty: ready once the port is open" {...form.getInputProps('healthPath')} />
        <TextInput label="Metrics path" description="Prometheus page; empty: no rates" {...form.getInputProps('metricsPath')} />
        <NumberInput label="Sequences" description="{sequences}: requests at a time" thousandSeparator="," min={1} {...form.getInputProps('sequences')} />
        <NumberInput label="KV cache tokens" description="{kvTokens}: what it can hold" thousandSeparator="," min={1} {...form.getInputProps('kvTokens')} />
      </SimpleGrid>
      <Checkbox label="Serves OpenAI's API" description="Ready only once it lists a model and gives one token." {...form.getInputProps('openAi', { type: 'checkbox' })} />
    </>
  )
}

function MoreArguments({ form }: { form: Form }) {
  return <TextInput label="More arguments" description="Quoted as in a shell; no variables" style={{ gridColumn: '1 / -1' }} {...form.getInputProps('extraArguments')} styles={MONOSPACE} />
}

/** `need`: of the engine as it is now; null: not known. */
export function Limits({ form, need }: { form: Form; need: MemoryNeed | null }) {
  const offMps = !form.values.onMps
  const priorities = [{ value: '', label: 'not set' }, ...Object.entries(PRIORITIES).map(([value, label]) => ({ value, label }))]
  return (
    <Fieldset legend="Limits" variant="unstyled" m={0} styles={{ legend: { paddingTop: 8, marginBottom: 4, color: 'var(--mantine-color-dimmed)' } }}>
      <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
        <NumberInput label="SM share" description="Under MPS; a ceiling, no reservation; empty: none" suffix=" %" min={1} max={100} disabled={offMps} {...form.getInputProps('sharePercent')} />
        <NumberInput label="GPU memory" description={`Under MPS, for each of its processes; empty: none${need === null ? '' : `. It ${needWords(need)}`}`} suffix=" MiB" thousandSeparator="," min={1} disabled={offMps} {...form.getInputProps('pinnedMemoryLimitMiB')} />
        <Select label="Priority" description="Under MPS; a hint beside other clients" data={priorities} allowDeselect={false} disabled={offMps} {...form.getInputProps('clientPriority')} />
        <TextInput label="CPUs" description="Numbers and ranges; empty: all" placeholder="0-3,8" {...form.getInputProps('cpus')} />
      </SimpleGrid>
    </Fieldset>
  )
}

export function Surroundings({ form }: { form: Form }) {
  return (
    <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
      <NumberInput label="Port" description="Empty: a free one at each start" min={1024} max={65535} {...form.getInputProps('port')} />
      <TextInput label="Working directory" description="Empty: your home" {...form.getInputProps('cwd')} />
      <NumberInput label="Restarts after a crash" description="At most, in ten minutes; 0: never" min={0} max={20} {...form.getInputProps('restartBudget')} />
      <NumberInput label="Ready within" description="Longest time from launch to ready" suffix=" s" min={1} {...form.getInputProps('readyWithinSeconds')} />
      <Textarea label="Environment" description="NAME=value, one per line" autosize minRows={2} maxRows={8} style={{ gridColumn: '1 / -1' }} {...form.getInputProps('env')} styles={MONOSPACE} />
    </SimpleGrid>
  )
}
