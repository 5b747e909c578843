// ReadinessSteps: how far a start has come, from launch to the first token.
import type { CSSProperties } from 'react'
import { READINESS, type Readiness } from '../../shared/engine.ts'
import type { SettledEngine as Engine } from '../state/engines.ts'
import { ShapeMark } from '../parts/StateBadge.tsx'

const STEP_WORDS: Record<Readiness, string> = {
  launched: 'launched', portOpen: 'port open', healthy: 'healthy', modelListed: 'model listed', oneToken: 'one token',
}

/** Steps that this engine has to take. */
function stepsOf({ spec }: Engine): readonly Readiness[] {
  if (spec.recipe !== 'custom') return READINESS
  return READINESS.filter((step) => step === 'launched' || step === 'portOpen' || (step === 'healthy' && spec.healthPath !== null) || ((step === 'modelListed' || step === 'oneToken') && spec.openAi))
}

export function ReadinessSteps({ engine }: { engine: Engine }) {
  const reached = engine.state === 'ready' ? READINESS.length : engine.readiness === null ? -1 : READINESS.indexOf(engine.readiness)
  const steps = stepsOf(engine)
  const next = steps.find((step) => READINESS.indexOf(step) > reached)
  return (
    <ol className="steps" aria-label="Readiness" style={{ minHeight: 26, alignContent: 'center' } as CSSProperties}>
      {steps.map((step) => {
        const done = READINESS.indexOf(step) <= reached
        const now = !done && step === next && engine.state === 'starting'
        return <li key={step} data-done={done} data-now={now}><ShapeMark shape={done ? 'full' : now ? 'half' : 'ring'} />{STEP_WORDS[step]}</li>
      })}
    </ol>
  )
}
