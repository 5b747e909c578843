// DefaultShare: the default SM share of a daemon, for servers started later.
import { Button, Group, NumberInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import type { MpsDaemon } from '../../shared/mps.ts'
import { percent } from '../../shared/units.ts'
import { perform } from '../actions/action.ts'
import { setDefaultShare } from '../actions/mpsActions.ts'
import { useConnection } from '../state/connection.ts'

export function DefaultShare({ daemon }: { daemon: MpsDaemon }) {
  const { client } = useConnection()
  const form = useForm<{ sharePercent: number | string }>({
    initialValues: { sharePercent: '' },
    validate: { sharePercent: (value) => (typeof value === 'number' && value > 0 && value <= 100 ? null : 'Above 0, at most 100.') },
  })
  const [editing, setEditing] = useState(false)
  const settable = daemon.state === 'running' || daemon.state === 'noServer'
  // what the daemon tells now, empty where that is not known
  const edit = () => { form.setValues({ sharePercent: daemon.defaultSharePercent ?? '' }); form.clearErrors(); setEditing(true) }
  if (!editing) {
    return (
      <Group gap="xs">
        {percent(daemon.defaultSharePercent)}
        {settable && <Button variant="subtle" aria-label="Change default SM share" onClick={edit}>Change</Button>}
        <span className="dim small">for servers started later; lost with the daemon</span>
      </Group>
    )
  }
  const submit = form.onSubmit(({ sharePercent }) => { perform(setDefaultShare(daemon, Number(sharePercent)), client); setEditing(false) })
  return (
    <form onSubmit={submit}>
      <Group gap="xs">
        <NumberInput aria-label="Default SM share in percent" w={90} min={0} max={100} suffix=" %" {...form.getInputProps('sharePercent')} />
        <Button type="submit">Set</Button>
        <Button variant="subtle" onClick={() => setEditing(false)}>Cancel</Button>
      </Group>
    </form>
  )
}
