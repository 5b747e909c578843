// ActionButton: a button for an Action. Pending until its effect is seen; says why when it cannot be pressed.
import { ActionIcon, Button, Tooltip, type ButtonProps } from '@mantine/core'
import { useConnection } from '../state/connection.ts'
import { useHold } from '../state/hold.ts'
import { useLink } from '../state/link.ts'
import { perform, useAttempt, whyBlocked, type Action } from './action.ts'

type Props = { action: Action; label?: string; icon?: React.ReactNode; variant?: ButtonProps['variant'] }

export function ActionButton({ action, label, icon, variant }: Props) {
  const { disabled, pending, why, press } = usePress(action)
  return (
    <Tooltip label={why} disabled={why === null}>
      <Button onClick={press} data-disabled={disabled || undefined} aria-disabled={disabled || undefined} loading={pending} variant={variant ?? 'default'}
        aria-label={spoken(action.label, label)} aria-busy={pending} leftSection={icon} data-danger={(action.danger && variant === undefined) || undefined}>
        {label ?? action.label}
      </Button>
    </Tooltip>
  )
}

/** What is read aloud tells more than what is seen, and holds it word for word: who speaks to the page says what they see. */
const spoken = (full: string, seen: string | undefined): string => (seen === undefined || full.toLowerCase().includes(seen.toLowerCase()) ? full : `${seen}: ${full}`)

/** The same as an icon alone, for dense places. */
export function ActionIconButton({ action, icon }: Props) {
  const { disabled, pending, why, press } = usePress(action)
  return (
    <Tooltip label={why ?? action.label}>
      <ActionIcon onClick={press} data-disabled={disabled || undefined} aria-disabled={disabled || undefined} loading={pending} aria-label={action.label} aria-busy={pending} size="sm">{icon}</ActionIcon>
    </Tooltip>
  )
}

function usePress(action: Action) {
  const { client } = useConnection()
  const open = useLink((link) => link.state.name === 'open')
  const attempt = useAttempt(action.id)
  const held = useHold(({ hold }) => whyBlocked(action, hold))
  const why = !open && !action.id.startsWith('view.') ? 'The link to the core is down.' : held
  const pending = attempt?.name === 'pending'
  const disabled = why !== null || pending
  return { disabled, pending, why, press: (event: React.MouseEvent) => { event.stopPropagation(); if (!disabled) perform(action, client) } }
}
