// FaultCard: a failure the user can act on: what happened, what to do, the code to search for, the tool's own words.
import { CloseButton } from '@mantine/core'
import type { Fault } from '../../shared/fault.ts'

export function FaultCard({ fault, calm = false, onDismiss, children }: {
  fault: Pick<Fault, 'code' | 'sentence' | 'hint' | 'detail'>
  /** A question rather than a failure. */
  calm?: boolean
  onDismiss?: () => void
  children?: React.ReactNode
}) {
  return (
    <div className={`faultCard ${calm ? 'calm' : ''}`} role="alert">
      <div className="cardRow">
        <strong>{fault.sentence}</strong>
        <span className="spring" />
        <span className="dim small nowrap">{fault.code}</span>
        {onDismiss !== undefined && <CloseButton size="xs" aria-label="Dismiss" onClick={onDismiss} />}
      </div>
      <div>{fault.hint}</div>
      {fault.detail !== null && fault.detail !== '' && <pre>{fault.detail}</pre>}
      {children}
    </div>
  )
}
