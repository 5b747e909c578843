// GainOffer: on Live: what MPS is expected to gain for the engine that is there, and the button that shows it.
import { ActionButton } from '../actions/ActionButton.tsx'
import { showGain } from '../actions/experimentActions.ts'
import { expectation, headlineArm } from '../parts/planWords.ts'
import { enginesOn, useEngines } from '../state/engines.ts'
import { useHold } from '../state/hold.ts'
import { useAnswer } from '../state/useAnswer.ts'

export function GainOffer({ gpuUuid }: { gpuUuid: string | null }) {
  const engines = enginesOn(useEngines((store) => store.settled), gpuUuid).filter((engine) => !engine.temporary)
  const held = useHold(({ hold }) => hold !== null)
  const copied = engines.find((engine) => engine.state === 'ready') ?? engines[0] ?? null
  const choice = copied === null || held || gpuUuid === null ? null : { preset: 'demo', gpuUuid, engineId: copied.id }
  const { answer: plan, fault } = useAnswer(choice === null ? null : JSON.stringify(choice), (client) => client.experiment.plan(choice!))
  if (gpuUuid === null || copied === null) return null
  const predictions = plan?.cells[0]?.predictions ?? []
  const arm = plan === null ? null : headlineArm(plan.file.arms, predictions)
  const expected = expectation(arm === null ? null : (predictions.find((one) => one.armId === arm.id) ?? null))
  return (
    <section className="panel gainOffer" aria-label="MPS gain">
      <div className="gainOfferWords">
        {held ? <span>An experiment runs: its arms are side by side on the Stage.</span> : fault !== null ? <span className="dim">{fault.sentence}</span> : arm === null ? <span className="dim">{plan === null ? 'Asking what is to be expected.' : ''}</span>
          : <><span className="gainOfferBand" data-quiet={expected.hopeless || undefined}>{expected.text}</span> <span className="dim">expected of {arm.engines} {arm.engines === 1 ? 'copy' : 'copies'} of {copied.spec.name} under MPS</span></>}
        {arm !== null && !held && <div className="dim small">against the best single engine{expected.note === '' ? '' : `; ${expected.note}`}</div>}
      </div>
      <ActionButton action={showGain} label={held ? 'Open Stage' : undefined} variant="filled" />
    </section>
  )
}
