// DefaultShare: the default SM share of a daemon, for servers started later.
import { Button, Group, NumberInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import type { MpsDaemon } from '../../shared/mps.ts'
import { percent } from '../../shared/units.ts'
import { perform, type Action } from '../actions/action.ts'
import { useConnection } from '../state/connection.ts'
import { daemonOf, useMps } from '../state/mps.ts'

export function DefaultShare({ daemon }: { daemon: MpsDaemon }) {
  const { client } = useConnection()
  const form = useForm({ initialValues: { sharePercent: daemon.defaultSharePercent ?? 100 } })
  const [editing, setEditing] = useState(false)
  const settable = daemon.state === 'running' || daemon.state === 'noServer'
  if (!editing) {
    return (
      <Group gap="xs">
        {percent(daemon.defaultSharePercent)}
        {settable && <Button variant="subtle" aria-label="Change default SM share" onClick={() => setEditing(true)}>Change</Button>}
        <span className="dim small">for servers started later; lost with the daemon</span>
      </Group>
    )
  }
  const submit = form.onSubmit(({ sharePercent }) => { perform(setDefaultShare(daemon, sharePercent), client); setEditing(false) })
  return (
    <form onSubmit={submit}>
      <Group gap="xs">
        <NumberInput aria-label="Default SM share in percent" w={90} min={1} max={100} suffix=" %" {...form.getInputProps('sharePercent')} />
        <Button type="submit">Set</Button>
        <Button variant="subtle" onClick={() => setEditing(false)}>Cancel</Button>
      </Group>
    </form>
  )
}

function setDefaultShare(daemon: MpsDaemon, sharePercent: number): Action {
  return {
    id: `mps.setDefaultShare/${daemon.gpuUuid}`, label: `Set default SM share to ${sharePercent} %`, group: 'MPS', blocked: null,
    about: `Sends set_default_active_thread_percentage ${sharePercent} to the daemon of GPU ${daemon.gpuIndex} and reads it back. It touches servers started later, not the running one.`,
    run: (client) => client.mps.setDefaultShare({ gpuUuid: daemon.gpuUuid, sharePercent }),
    watch: () => () => daemonOf(useMps.getState().daemons, daemon.gpuUuid)?.defaultSharePercent === sharePercent,
  }
}
