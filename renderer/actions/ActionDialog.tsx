// ActionDialog: what is about to be run, before it is run. Shows the exact commands, asks for consent where somebody's work would be hurt.
import { Button, Group, Loader, Modal, NumberInput, Stack } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { CommandPreview as Command } from '../../shared/command.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { CommandPreview } from '../parts/CommandPreview.tsx'
import { EngineName } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useConnection } from '../state/connection.ts'
import { ownerOf, useEngines } from '../state/engines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { carryOut, useAttempt, useDialog, type Action } from './action.ts'

export function ActionDialog() {
  const action = useDialog((dialog) => dialog.action)
  const close = () => useDialog.setState({ action: null })
  return (
    <Modal opened={action !== null} onClose={close} title={<strong>{action?.label}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {action !== null && <Body key={action.id} action={action} close={close} />}
    </Modal>
  )
}

function Body({ action, close }: { action: Action; close: () => void }) {
  const { client } = useConnection()
  const [commands, setCommands] = useState<Command[] | null>(action.preview === undefined ? [] : null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [force, setForce] = useState(30)
  const pending = useAttempt(action.id)?.name === 'pending'
  useEffect(() => {
    let gone = false
    action.preview?.(client).then((previewed) => { if (!gone) setCommands(previewed) }, (thrown: unknown) => { if (!gone) setFault(faultOf(thrown)) })
    return () => { gone = true }
  }, [action, client])
  const go = async (forceAfterSeconds: number | null) => {
    setFault(null)
    const refused = await carryOut(action, client, forceAfterSeconds)
    if (refused !== null) setFault(refused)
    else if (useDialog.getState().action === action) close()
  }
  const consent = fault?.code === 'NEEDS_CONSENT' && action.consentGpuUuid !== undefined
  return (
    <Stack gap="sm">
      <div>{action.about}</div>
      {action.preview !== undefined && commands !== null && <CommandPreview commands={commands} />}
      {commands === null && fault === null && <Loader size="sm" aria-label="Asking what will be run" />}
      {fault !== null && <FaultCard fault={fault} calm={consent}>{consent && <AttachedClients gpuUuid={action.consentGpuUuid!} />}</FaultCard>}
      {consent && <NumberInput label="Force after, in seconds" description="Clients still attached then get errors." value={force} min={0} max={3600} allowDecimal={false} onChange={(value) => setForce(Number(value) || 0)} w={220} />}
      <Group justify="flex-end" gap="xs">
        <Button onClick={close}>{pending ? 'Close' : 'Cancel'}</Button>
        {consent
          ? <Button variant="filled" color="red.8" loading={pending} onClick={() => void go(force)}>{action.label}, forcing after {force} s</Button>
          : <Button variant="filled" data-autofocus color={action.danger ? 'red.8' : undefined} loading={pending} disabled={commands === null} onClick={() => void go(null)}>{fault === null ? action.label : 'Try again'}</Button>}
      </Group>
    </Stack>
  )
}

function AttachedClients({ gpuUuid }: { gpuUuid: string }) {
  const clients = useMps((store) => daemonOf(store.daemons, gpuUuid)?.clients)
  const engines = useEngines((store) => store.settled)
  return (
    <ul style={{ margin: '4px 0 0', paddingLeft: 18 }} aria-label="Attached clients">
      {(clients ?? []).map((client) => {
        const owner = ownerOf(engines, client.pid)
        return <li key={client.pid}>{owner === null ? <>{client.command ?? 'process'} <span className="dim">pid {client.pid}</span></> : <Group gap={6}><EngineName colour={owner.colour} name={owner.spec.name} /><span className="dim">pid {client.pid}</span></Group>}</li>
      })}
    </ul>
  )
}
