// What must never be overlooked: that the workstation is simulated, that the link is down.
import { dayAndTime, duration } from '../../shared/units.ts'
import { useLink } from '../state/link.ts'
import { usePageNowMs } from '../parts/now.ts'

export function SimulatedRibbon() {
  const greeting = useLink((link) => link.greeting)
  if (greeting === null || !greeting.simulated) return <div className="ribbonSlot" style={{ gridColumn: '1 / -1' }} />
  return (
    <div className="ribbon" role="region" aria-label="Simulated workstation">
      Simulated workstation{greeting.scene === null ? '' : ` · scene ${greeting.scene}`} <span>No GPU is read here: every number is made by a model.</span>
    </div>
  )
}

export function LinkBar() {
  const state = useLink((link) => link.state)
  if (state.name === 'lost') return <Lost sinceMs={state.sinceMs} />
  if (state.name === 'refused') return <div className="linkBar" role="alert"><strong>{state.sentence}</strong> {state.hint}</div>
  return <div style={{ gridColumn: '1 / -1' }} />
}

function Lost({ sinceMs }: { sinceMs: number }) {
  const now = usePageNowMs()
  return (
    <div className="linkBar" role="alert">
      <strong>Link lost since {dayAndTime(sinceMs, now)}</strong>
      <span>({duration(now - sinceMs)}). What you see is the last that was heard. Overlap keeps trying; nothing needs to be reloaded.</span>
    </div>
  )
}
