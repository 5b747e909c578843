// Live: the first screen. Strips on one time axis, a card for each engine, the next best step.
import type { Fault } from '../../shared/fault.ts'
import { addEngine } from '../actions/engineActions.ts'
import { adviceAction } from '../actions/adviceAction.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { useGpuUuid } from '../actions/useActions.ts'
import { retryGpu } from '../actions/viewActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { nextStep, useAdvice } from '../state/advice.ts'
import { enginesOn, useEngines } from '../state/engines.ts'
import { foundOn, useFoundEngines } from '../state/foundEngines.ts'
import { useGpus } from '../state/gpus.ts'
import { useHold } from '../state/hold.ts'
import { useMps } from '../state/mps.ts'
import { EngineCard } from './EngineCard.tsx'
import { GainOffer } from './GainOffer.tsx'
import { FoundEngines } from './FoundEngines.tsx'
import { Happenings } from './Happenings.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { LiveStrips } from './LiveStrips.tsx'

export function Live() {
  const gpuUuid = useGpuUuid()
  const noGpu = useGpus((store) => store.identities !== null && store.identities.length === 0)
  return (
    <div className="live">
      <div className="liveMain">
        <StreamFaults />
        {noGpu ? <NoGpu /> : <LiveStrips gpuUuid={gpuUuid} />}
      </div>
      <div className="side">
        <FailedAttempts />
        <NextStep gpuUuid={gpuUuid} />
        <GainOffer gpuUuid={gpuUuid} />
        <FoundEngines gpuUuid={gpuUuid} />
        <Cards gpuUuid={gpuUuid} />
        <Happenings gpuUuid={gpuUuid} />
      </div>
    </div>
  )
}

/** Of streams that fail for the same reason, one card. What a GPU cannot give is no failure: the strips say it. */
function StreamFaults() {
  const told = useGpus((store) => JSON.stringify((store.frame?.streams ?? []).flatMap(({ state, fault }) => (fault === null || state === 'unsupported' ? [] : [fault]))))
  const faults = new Map((JSON.parse(told) as Fault[]).map((fault) => [fault.sentence, fault]))
  return <>{[...faults.values()].map((fault) => <FaultCard key={fault.sentence} fault={fault} action={<ActionButton action={retryGpu} />} />)}</>
}

function NoGpu() {
  // the card above says why, and has the button
  const told = useGpus((store) => (store.frame?.streams ?? []).some(({ state, fault }) => fault !== null && state !== 'unsupported'))
  return (
    <section className="panel" aria-label="No GPU">
      <Empty title="No GPU is listed" action={told ? undefined : <ActionButton action={retryGpu} />}>
        Overlap reads GPUs with nvidia-smi. As soon as nvidia-smi lists one here, it appears without a restart. Engines that need no GPU can be run all the same.
      </Empty>
    </section>
  )
}

function NextStep({ gpuUuid }: { gpuUuid: string | null }) {
  const advice = useAdvice((store) => nextStep(store.advice, gpuUuid))
  const engines = useEngines((store) => store.settled)
  const daemons = useMps((store) => store.daemons)
  const held = useHold(({ hold }) => hold !== null)
  if (advice === null || held) return null // what an experiment arranges is not to be mended
  const action = advice.action === null ? null : adviceAction(advice.action, engines, daemons)
  return (
    <section className="panel advice" aria-label="Next best step">
      <h2 className="adviceTitle">Next best step</h2>
      <div>{advice.sentence}</div>
      <div className="cardRow">
        <span className="dim small adviceEvidence" title={advice.evidence.join('\n')}>{advice.evidence.join(' · ')}</span>
        <span className="spring" />
        {action !== null && <ActionButton action={action} variant="filled" />}
      </div>
    </section>
  )
}

/** From here on cards have two lines, so that all are seen at once. */
const MANY = 5

function Cards({ gpuUuid }: { gpuUuid: string | null }) {
  const all = useEngines((store) => store.settled)
  const engines = enginesOn(all, gpuUuid)
  const found = useFoundEngines((store) => foundOn(store.found, gpuUuid).length > 0)
  if (all === null || (engines.length === 0 && found)) return null
  if (engines.length === 0) {
    return (
      <section className="panel" aria-label="Engines">
        <Empty title={all.length === 0 ? 'No engine yet' : 'No engine on this GPU'} action={<ActionButton action={addEngine} variant="filled" />}>
          An engine is one inference server: vLLM, llama-server, or any command that serves HTTP. Add two on one GPU to see how they share it,
          time-sliced or under MPS. Overlap keeps them running when this window closes.
        </Empty>
      </section>
    )
  }
  return <div className="cards" role="list" aria-label="Engines">{engines.map((engine) => <EngineCard key={engine.id} engine={engine} dense={engines.length >= MANY} />)}</div>
}
