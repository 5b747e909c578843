// Live: the first screen. Strips on one time axis, a card for each engine, the next best step.
import { addEngine } from '../actions/engineActions.ts'
import { adviceAction } from '../actions/adviceAction.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { useGpuUuid } from '../actions/useActions.ts'
import { retryGpu } from '../actions/viewActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { nextStep, useAdvice } from '../state/advice.ts'
import { enginesOn, useEngines } from '../state/engines.ts'
import { useGpus } from '../state/gpus.ts'
import { useMps } from '../state/mps.ts'
import { EngineCard } from './EngineCard.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { LiveStrips } from './LiveStrips.tsx'

export function Live() {
  const gpuUuid = useGpuUuid()
  const noGpu = useGpus((store) => store.identities !== null && store.identities.length === 0)
  return (
    <div className="live">
      <div style={{ minHeight: 0, minWidth: 0, display: 'flex', flexDirection: 'column', gap: 10 }}>
        <StreamFaults />
        {noGpu ? <NoGpu /> : <LiveStrips gpuUuid={gpuUuid} />}
      </div>
      <div className="side">
        <FailedAttempts />
        <NextStep gpuUuid={gpuUuid} />
        <Cards gpuUuid={gpuUuid} />
      </div>
    </div>
  )
}

/** Of streams that fail for the same reason, one card. */
function StreamFaults() {
  const streams = useGpus((store) => store.frame?.streams)
  const faults = new Map((streams ?? []).flatMap((stream) => (stream.fault === null ? [] : [[stream.fault.sentence, stream.fault] as const])))
  return <>{[...faults.values()].map((fault) => <FaultCard key={fault.sentence} fault={fault}><div><ActionButton action={retryGpu} /></div></FaultCard>)}</>
}

function NoGpu() {
  return (
    <section className="panel" aria-label="No GPU">
      <Empty title="No GPU is listed" action={<ActionButton action={retryGpu} />}>
        Overlap reads GPUs with nvidia-smi. As soon as nvidia-smi lists one here, it appears without a restart. Engines that need no GPU can be run all the same.
      </Empty>
    </section>
  )
}

function NextStep({ gpuUuid }: { gpuUuid: string | null }) {
  const advice = useAdvice((store) => nextStep(store.advice, gpuUuid))
  const engines = useEngines((store) => store.engines)
  const daemons = useMps((store) => store.daemons)
  if (advice === null) return null
  const action = advice.action === null ? null : adviceAction(advice.action, engines, daemons)
  return (
    <section className="panel advice" aria-label="Next best step">
      <div style={{ flex: 1, minWidth: 0 }}>
        <div>{advice.sentence}</div>
        {advice.evidence.length > 0 && <div className="dim small">{advice.evidence.join(' · ')}</div>}
      </div>
      {action !== null && <ActionButton action={action} variant="filled" />}
    </section>
  )
}

function Cards({ gpuUuid }: { gpuUuid: string | null }) {
  const all = useEngines((store) => store.engines)
  const engines = enginesOn(all, gpuUuid)
  if (all === null) return null
  if (engines.length === 0) {
    return (
      <section className="panel" aria-label="Engines">
        <Empty title={all.length === 0 ? 'No engine yet' : 'No engine on this GPU'} action={<ActionButton action={addEngine} variant="filled" />}>
          An engine is one inference server: llama-server, or any command that serves HTTP. Add two on one GPU to see how they share it,
          time-sliced or under MPS. Overlap keeps them running when this window closes.
        </Empty>
      </section>
    )
  }
  return <div className="cards" role="list" aria-label="Engines">{engines.map((engine) => <EngineCard key={engine.id} engine={engine} />)}</div>
}

