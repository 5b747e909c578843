// ActionDialog: what is about to be run, before it is run. Shows the exact commands, asks for consent where somebody's work would be hurt.
import { Button, Group, Loader, Modal, NumberInput, Stack } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { CommandPreview as Command } from '../../shared/command.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { CommandComparison } from '../parts/CommandComparison.tsx'
import { CommandPreview, type Inherited } from '../parts/CommandPreview.tsx'
import { EngineName } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useConnection } from '../state/connection.ts'
import { ownerOf, useEngines } from '../state/engines.ts'
import { useInherited } from '../state/inherited.ts'
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
  const inherited = useInherited()
  const [previewed, setPreviewed] = useState<{ commands: Command[]; forceAfterSeconds: number | null } | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [consent, setConsent] = useState(false)
  const [force, setForce] = useState(30)
  const forceAfterSeconds = consent ? force : null
  /** Nothing is run before its commands, with this consent, could be read. */
  const shown = action.preview === undefined || (previewed !== null && previewed.forceAfterSeconds === forceAfterSeconds)
  const pending = useAttempt(action.id)?.name === 'pending'
  const ask = useCallback((isWanted: () => boolean) => {
    action.preview?.(client, forceAfterSeconds).then(
      (commands) => { if (isWanted()) setPreviewed({ commands, forceAfterSeconds }) },
      (thrown: unknown) => { if (isWanted()) { setPreviewed(null); setFault(faultOf(thrown)) } },
    )
  }, [action, client, forceAfterSeconds])
  useEffect(() => {
    let gone = false
    ask(() => !gone)
    return () => { gone = true }
  }, [ask])
  const go = async () => {
    setFault(null)
    if (!shown) return ask(() => true)
    const refused = await carryOut(action, client, forceAfterSeconds)
    if (refused?.code === 'NEEDS_CONSENT' && action.consentGpuUuid !== undefined) setConsent(true)
    if (refused !== null) setFault(refused)
    else if (useDialog.getState().action === action) close()
  }
  const asking = consent && fault?.code === 'NEEDS_CONSENT'
  const body = useRef<HTMLDivElement>(null)
  // the dialog has the focus from the beginning, its button as soon as that can be pressed; never when somebody has moved on meanwhile
  useEffect(() => { if (shown && [body.current, document.body].includes(document.activeElement as HTMLDivElement)) focusNext(body.current) }, [shown])
  return (
    <Stack gap="sm" ref={body} tabIndex={-1} data-autofocus className="dialogBody" onFocus={(event) => { if (shown && event.target === event.currentTarget) focusNext(event.currentTarget) }}>
      <div>{action.about}</div>
      {action.caution != null && <div className="caution" role="note">{action.caution}</div>}
      {action.consentGpuUuid !== undefined && <AttachedClients gpuUuid={action.consentGpuUuid} />}
      {action.steps !== undefined && <ol className="planSteps" aria-label="What will be done">{action.steps.map((step) => <li key={step}>{step}</li>)}</ol>}
      {fault !== null && <FaultCard fault={fault} calm={asking} />}
      {consent && <ForceAfter seconds={force} onChange={setForce} />}
      {previewed !== null && <Commands commands={previewed.commands} compared={action.compares ?? false} folded={action.steps !== undefined} inherited={inherited} />}
      {!shown && previewed === null && fault === null && <Loader size="sm" aria-label="Asking what will be run" />}
      <Group justify="flex-end" gap="xs" className="dialogEnd">
        <Button onClick={close}>{pending ? 'Close' : (action.leave ?? 'Cancel')}</Button>
        {consent
          ? <Button variant="filled" color="red.8" loading={pending} disabled={!shown} onClick={() => void go()}>{action.label}, forcing after {force} s</Button>
          : <Button variant="filled" data-next color={action.danger ? 'red.8' : undefined} loading={pending} disabled={!shown && fault === null} onClick={() => void go()}>{fault === null ? action.label : 'Try again'}</Button>}
      </Group>
    </Stack>
  )
}

const focusNext = (body: HTMLElement | null) => body?.querySelector<HTMLElement>('[data-next]')?.focus()

/** Has the focus, and not the button that forces: Enter may be on its way already. */
function ForceAfter({ seconds, onChange }: { seconds: number; onChange: (seconds: number) => void }) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => { input.current?.focus() }, [])
  return <NumberInput ref={input} label="Force after, in seconds" description="Clients still attached then get errors." value={seconds} min={0} max={3600} allowDecimal={false} onChange={(value) => onChange(Number(value) || 0)} w={220} />
}

/** `folded`: behind the steps that say the same in words. */
function Commands({ commands, compared, folded, inherited }: { commands: readonly Command[]; compared: boolean; folded: boolean; inherited: Inherited }) {
  const [before, after] = commands
  if (compared && before && after) return <CommandComparison before={before} after={after} inherited={inherited} />
  const all = <CommandPreview commands={commands} inherited={inherited} />
  return folded ? <details className="everyCommand"><summary>Every command ({commands.length})</summary>{all}</details> : all
}

/** Who would be hurt, before anything is asked of the daemon. */
function AttachedClients({ gpuUuid }: { gpuUuid: string }) {
  const clients = useMps((store) => daemonOf(store.daemons, gpuUuid)?.clients)
  const engines = useEngines((store) => store.settled)
  if (!clients?.length) return null
  return (
    <div>
      Attached now:
      <ul style={{ margin: '4px 0 0', paddingLeft: 18 }} aria-label="Attached clients">
        {clients.map((client) => {
        const owner = ownerOf(engines, client.pid)
        return <li key={client.pid}>{owner === null ? <>{client.command ?? 'process'} <span className="dim">pid {client.pid}</span></> : <Group gap={6}><EngineName colour={owner.colour} name={owner.spec.name} /><span className="dim">pid {client.pid}</span></Group>}</li>
      })}
      </ul>
    </div>
  )
}
