// FailedAttempts: what was tried from this page and refused, until it is dismissed. The dialog shows its own while it is open.
import { useDialog } from '../actions/action.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { setAttempt, useAttempts } from '../state/attempts.ts'

/** `about`: an id that the action must speak of; left out: all. */
export function FailedAttempts({ about }: { about?: string }) {
  const attempts = useAttempts((store) => store.attempts)
  const open = useDialog((dialog) => dialog.action?.id ?? null)
  return (
    <>
      {Object.entries(attempts).map(([id, attempt]) => (attempt.name === 'failed' && id !== open && (about === undefined || id.split('/').includes(about))
        ? <FaultCard key={id} fault={attempt.fault} calm={attempt.fault.code === 'NEEDS_CONSENT'} onDismiss={() => setAttempt(id, null)} /> : null))}
    </>
  )
}
