// EngineDetail: one engine in full: state, readiness, attachment with its evidence, rates, last exit, log.
import type { Engine, EngineSpec } from '../../shared/engine.ts'
import { ENGINE_STATES } from '../../shared/engine.ts'
import type { Fault } from '../../shared/fault.ts'
import { needWords } from '../../shared/memoryLimit.ts'
import { clockTime, duration, fixed, gibibytes, rate, UNKNOWN } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { changeEngine, memoryCaution, putEngineOnMps, removeEngine, restartEngine, startEngine, stopEngine } from '../actions/engineActions.ts'
import { EngineName, engineStyle } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { quotedArgv } from '../parts/quoting.ts'
import { attachmentLook, ENGINE_LOOK, StateBadge } from '../parts/StateBadge.tsx'
import { Value } from '../parts/Value.tsx'
import { gpuLabel, useGpus } from '../state/gpus.ts'
import { useMps } from '../state/mps.ts'
import { useNowMs } from '../parts/now.ts'
import { ShareValue } from './EngineCard.tsx'
import { PRIORITIES } from './engineFields.ts'
import { EngineLog } from './EngineLog.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { ReadinessSteps } from './ReadinessSteps.tsx'

export function EngineDetail({ engine }: { engine: Engine }) {
  useMps((store) => store.daemons) // what it gets at its next start depends on MPS
  const atRest = engine.state === 'stopped' || engine.state === 'failed'
  const caution = atRest && engine.fault?.code !== 'ENGINE_OUT_OF_MEMORY' ? memoryCaution(engine) : null
  return (
    <div className="detailColumn" style={engineStyle(engine.colour)} role="region" aria-label={engine.spec.name}>
      <Panel className="accented" title={<EngineName colour={engine.colour} name={engine.spec.name} />} aside={<StateBadge look={ENGINE_LOOK[engine.state]} boxed explain={ENGINE_STATES[engine.state]} />}>
        <div className="stackGap">
          {engine.temporary ? <div className="dim">A copy made for the experiment that runs; it is gone when that is over.</div> : <div className="cardRow" style={{ flexWrap: 'wrap' }}>
            <ActionButton action={startEngine(engine)} label="Start" /><ActionButton action={stopEngine(engine)} label="Stop" /><ActionButton action={restartEngine(engine)} label="Restart" />
            <span className="spring" /><ActionButton action={changeEngine(engine)} label="Change" /><ActionButton action={removeEngine(engine)} label="Remove" />
          </div>}
          <FailedAttempts about={engine.id} />
          {engine.fault !== null && <FaultCard fault={engine.fault} />}
          {caution !== null && <div className="caution" role="note">{caution}</div>}
          {!atRest && <ReadinessSteps engine={engine} />}
          {engine.lastExit !== null && <LastExit exit={engine.lastExit} fault={engine.fault} />}
          <Facts engine={engine} />
        </div>
      </Panel>
      <AttachmentPanel engine={engine} />
      <EngineLog engineId={engine.id} />
    </div>
  )
}

/** What the fault above says is not said again. */
function LastExit({ exit, fault }: { exit: NonNullable<Engine['lastExit']>; fault: Fault | null }) {
  const told = fault !== null && (fault.detail === null ? exit.sentence.startsWith(fault.sentence) : exit.sentence.includes(fault.detail))
  const status = exit.signal !== null ? `signal ${exit.signal}` : exit.code === null ? 'exit status not learnt' : `exit code ${exit.code}`
  return <div><span className="dim">Last exit{exit.atMs === null ? '' : ` at ${clockTime(exit.atMs)}`}:</span> {told ? status : exit.sentence}</div>
}

function Facts({ engine }: { engine: Engine }) {
  const { spec, rates } = engine
  const identities = useGpus((store) => store.identities)
  const facts: [string, React.ReactNode][] = [
    ['Tokens/s', <span key="t"><Value text={rate(rates.generatedTokensPerSecond)} readAtMs={rates.readAtMs} /> <span className="dim small">{rates.source === null ? 'no metrics page read' : `${rates.source}${rates.counting === 'atRequestEnd' ? ', moves at request end' : ''}`}</span></span>],
    ['Prompt tokens/s', rate(rates.promptTokensPerSecond)],
    ['Requests', `${fixed(rates.requestsRunning)} running, ${fixed(rates.requestsWaiting)} waiting`],
    ['GPU', engine.pid === null ? gpuLabel(identities, spec.gpuUuid) : `${gpuLabel(identities, spec.gpuUuid)} · ${gibibytes(engine.gpuMemoryMiB)}`],
    ...(engine.memoryNeed === null || engine.gpuMemoryMiB !== null ? [] : [['Memory', needWords(engine.memoryNeed)] as [string, React.ReactNode]]),
    ['SM share', <ShareValue key="s" engine={engine} />],
    ...limitFacts(spec),
    ['Port', engine.port ?? (spec.port === null ? 'a free one at each start' : spec.port)],
    ['Process', engine.pid === null ? 'none' : <span key="p">pid {engine.pid}{engine.pids.length > 1 && <span className="dim"> and {engine.pids.length - 1} more</span>}{engine.adopted && <span className="dim"> · found running</span>}</span>],
    ['Up', engine.startedAtMs === null ? UNKNOWN : <Up key="u" sinceMs={engine.startedAtMs} />],
    ['Restarts', `${engine.restarts.used} of ${engine.restarts.budget} in ${duration(engine.restarts.windowMs)}`],
    ['Runs', <span className="mono" key="r">{spec.recipe === 'custom' ? quotedArgv(spec.argv) : `${spec.executable} · ${spec.recipe === 'vllm' ? spec.model : spec.modelPath}`}</span>],
  ]
  return <dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact}</dd></div>)}</dl>
}

/** Only those that are set: most engines have none. */
function limitFacts({ onMps, pinnedMemoryLimitMiB, clientPriority, cpus }: EngineSpec): [string, React.ReactNode][] {
  const underMps = onMps ? '' : ', under MPS only'
  return [
    ...(pinnedMemoryLimitMiB === null ? [] : [['Memory limit', `${gibibytes(pinnedMemoryLimitMiB)} per process${underMps}`] as [string, string]]),
    ...(clientPriority === null ? [] : [['Priority', `${PRIORITIES[clientPriority]}${underMps}`] as [string, string]]),
    ...(cpus === null ? [] : [['CPUs', cpus] as [string, string]]),
  ]
}

function Up({ sinceMs }: { sinceMs: number }) {
  return <>{duration(useNowMs() - sinceMs)}</>
}

function AttachmentPanel({ engine }: { engine: Engine }) {
  const { attachment, spec } = engine
  const apart = attachment.state !== 'attached' && engine.pid !== null && !engine.temporary
  return (
    <Panel title="MPS attachment" aside={<StateBadge look={attachmentLook(engine)} boxed />}>
      <div className="stackGap" style={{ gap: 6 }}>
        <div>{attachment.sentence}</div>
        {attachment.evidence.length > 0 && <ul className="dim" style={{ margin: 0, paddingLeft: 18 }} aria-label="Evidence">{attachment.evidence.map((line) => <li key={line}>{line}</li>)}</ul>}
        {apart && !spec.onMps && <div><ActionButton action={putEngineOnMps(engine)} label="Put on MPS" /></div>}
        {attachment.restartHelps && spec.onMps && <div><ActionButton action={restartEngine(engine)} label="Restart it to attach it" /></div>}
      </div>
    </Panel>
  )
}
