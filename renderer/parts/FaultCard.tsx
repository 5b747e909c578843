// FaultCard: a failure the user can act on: what happened, what to do, the code to search for, the tool's own words.
import { CloseButton } from '@mantine/core'
import type { Fault } from '../../shared/fault.ts'
import { hintOnScreen } from './hints.ts'

export function FaultCard({ fault, calm = false, action, onDismiss }: {
  fault: Pick<Fault, 'code' | 'sentence' | 'hint' | 'detail'>
  /** A question rather than a failure. */
  calm?: boolean
  /** What helps, as a button. */
  action?: React.ReactNode
  onDismiss?: () => void
}) {
  return (
    <div className={`faultCard ${calm ? 'calm' : ''}`} role="alert">
      <div className="faultHead">
        <div style={{ flex: 1, minWidth: 0 }}>
          <strong>{fault.sentence}</strong>
          <div>{hintOnScreen(fault.hint)}{!calm && <> <span className="faultCode">{fault.code}</span></>}</div>
        </div>
        {action}
        {onDismiss !== undefined && <CloseButton size="xs" aria-label="Dismiss" onClick={onDismiss} />}
      </div>
      {fault.detail !== null && fault.detail !== '' && <pre>{fault.detail}</pre>}
    </div>
  )
}
