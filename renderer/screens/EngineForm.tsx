// EngineForm: describes an engine, whatever its recipe. Errors stand at their fields, also those that the core finds.
import { Button, Group, SegmentedControl } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useEffect, useState } from 'react'
import type { Engine, RecipeName } from '../../shared/engine.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { useConnection } from '../state/connection.ts'
import { useView } from '../state/view.ts'
import { Limits, NameAndPlace, RECIPE_FIELDS, Surroundings } from './EngineFormFields.tsx'
import { fieldOfFault, fieldsOf, NEW_ENGINE, specOf, withRecipe, type EngineFields } from './engineFields.ts'

/** `engine` null: a new one. */
export function EngineForm({ engine }: { engine: Engine | null }) {
  const { client } = useConnection()
  const gpuUuid = useGpuUuid()
  const [fault, setFault] = useState<Fault | null>(null)
  const [saving, setSaving] = useState(false)
  const form = useForm<EngineFields>({ initialValues: engine === null ? { ...NEW_ENGINE, gpuUuid } : fieldsOf(engine.spec) })
  /** The topmost of them. */
  const focusOn = (names: string[]) => names.flatMap((name) => form.getInputNode(name) ?? []).toSorted((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1))[0]?.focus()
  // the GPUs may become known only after a fast hand has opened the form
  useEffect(() => { if (engine === null && gpuUuid !== null && !form.isTouched('gpuUuid')) form.setFieldValue('gpuUuid', gpuUuid) }, [engine, gpuUuid, form])
  const save = async (fields: EngineFields) => {
    const answer = specOf(fields)
    if ('errors' in answer) {
      form.setErrors(answer.errors)
      return focusOn(Object.keys(answer.errors))
    }
    setSaving(true)
    setFault(null)
    try {
      const id = engine === null ? (await client.engine.add({ spec: answer.spec })).id : (await client.engine.change({ id: engine.id, spec: answer.spec }), engine.id)
      useView.setState({ engineForm: null, engineId: id })
    } catch (thrown) {
      const refused = faultOf(thrown)
      const field = fieldOfFault(refused.field)
      if (field === null) setFault(refused)
      else {
        form.setFieldError(field, `${refused.sentence} ${refused.hint}`)
        focusOn([field])
      }
    } finally {
      setSaving(false)
    }
  }
  const RecipeFields = RECIPE_FIELDS[form.values.recipe]
  return (
    <Panel title={engine === null ? 'Add engine' : `Change ${engine.spec.name}`}>
      <form onSubmit={form.onSubmit((fields) => void save(fields))} className="stackGap" noValidate>
        <SegmentedControl aria-label="Recipe" data={[{ value: 'llamaServer', label: 'llama-server' }, { value: 'vllm', label: 'vLLM' }, { value: 'custom', label: 'Custom command' }]}
          value={form.values.recipe} onChange={(value) => form.setValues(withRecipe(form.getValues(), value as RecipeName))} style={{ justifySelf: 'start' }} />
        <NameAndPlace form={form} />
        <RecipeFields form={form} />
        <Limits form={form} need={engine?.memoryNeed ?? null} />
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
