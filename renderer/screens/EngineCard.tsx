// EngineCard: one engine on the live screen.
import { Tooltip } from '@mantine/core'
import { IconLink, IconPlayerPlay, IconPlayerStop, IconRefresh } from '@tabler/icons-react'
import { memo, useCallback, useRef } from 'react'
import type { Engine } from '../../shared/engine.ts'
import { ENGINE_STATES } from '../../shared/engine.ts'
import { duration, fixed, gibibytes, rate, UNKNOWN } from '../../shared/units.ts'
import { ActionButton, ActionIconButton } from '../actions/ActionButton.tsx'
import { perform } from '../actions/action.ts'
import { openEngine, putEngineOnMps, restartEngine, startEngine, stopEngine } from '../actions/engineActions.ts'
import { EngineDot, engineStyle } from '../parts/EngineDot.tsx'
import { LiveText } from '../parts/LiveText.tsx'
import { useBySecond } from '../parts/now.ts'
import { Sparkline } from '../parts/Sparkline.tsx'
import { attachmentLook, ENGINE_LOOK, onItsWay, StateBadge } from '../parts/StateBadge.tsx'
import { FRESH_MS, Value } from '../parts/Value.tsx'
import { useConnection } from '../state/connection.ts'
import { engineNow, type SettledEngine } from '../state/engines.ts'
import { useMps } from '../state/mps.ts'
import { engineSeries, track } from '../state/track.ts'
import { ReadinessSteps } from './ReadinessSteps.tsx'

/** Drawn again only when something else than a number has changed; numbers write themselves. `dense`: two lines, where there are many. */
export const EngineCard = memo(function EngineCard({ engine, dense }: { engine: SettledEngine; dense: boolean }) {
  const { id, spec } = engine
  useMps((store) => store.daemons) // what its buttons may do depends on MPS
  const starting = engine.state === 'starting'
  return (
    <div className="panel card" data-dense={dense || undefined} style={engineStyle(engine.colour)} role="listitem" aria-label={spec.name}>
      <div className="cardRow">
        <EngineDot colour={engine.colour} />
        <EngineLink engine={engine} />
        <StateBadge look={ENGINE_LOOK[engine.state]} explain={engine.fault?.sentence ?? ENGINE_STATES[engine.state]} />
        <span className="spring" />
        {dense && !starting && engine.pid !== null && <TokensNow id={id} className="denseNumber" />}
        {!engine.temporary && <>
          <ActionIconButton action={startEngine(engine)} icon={<IconPlayerPlay size={14} />} />
          <ActionIconButton action={stopEngine(engine)} icon={<IconPlayerStop size={14} />} />
          <ActionIconButton action={restartEngine(engine)} icon={<IconRefresh size={14} />} />
        </>}
      </div>
      {starting ? <ReadinessSteps engine={engine} /> : !dense && (
        <div className="cardRow"><TokensNow id={id} className="bigNumber" /><span className="spring" /><TokensSparkline id={id} name={spec.name} /></div>
      )}
      <dl className="facts">
        <Fact label="Running" id={id} of={(now) => fixed(now.rates.requestsRunning)} />
        <Fact label="Waiting" id={id} of={(now) => fixed(now.rates.requestsWaiting)} />
        <Fact label="Memory" id={id} of={(now) => gibibytes(now.gpuMemoryMiB)} />
        <div className="fact"><dt>SM share</dt><dd><ShareValue engine={engine} /></dd></div>
      </dl>
      {engine.attachment.reason === 'notRunning' ? <AtRest engine={engine} /> : <Attached engine={engine} dense={dense} />}
    </div>
  )
})

function EngineLink({ engine }: { engine: SettledEngine }) {
  const { name } = engine.spec
  const { client } = useConnection()
  const open = (event: React.MouseEvent) => {
    event.preventDefault()
    perform(openEngine(engine), client)
  }
  return <a className="cardName cut" href="#engines" onClick={open} title={`${name}: settings, log, evidence`}>{name}</a>
}

function Attached({ engine, dense }: { engine: SettledEngine; dense: boolean }) {
  const { attachment, spec } = engine
  const apart = attachment.state !== 'attached' && !onItsWay(engine)
  const next = !apart || engine.temporary ? null : !spec.onMps ? { action: putEngineOnMps(engine), label: 'Put on MPS' }
    : attachment.restartHelps ? { action: { ...restartEngine(engine), label: `Restart ${spec.name} to attach it` }, label: 'Restart to attach' } : null
  return (
    <div className="cardRow attachedRow">
      <StateBadge look={attachmentLook(engine)} explain={<Evidence engine={engine} />} />
      {apart && !dense && <span className="dim small cut" title={attachment.sentence}>{attachment.sentence}</span>}
      {!dense && <span className="spring" />}
      {next !== null && (dense ? <ActionIconButton action={next.action} icon={<IconLink size={14} />} /> : <ActionButton action={next.action} label={next.label} />)}
    </div>
  )
}

/** Tokens per second as last heard, with its age once it is no longer fresh. */
function TokensNow({ id, className }: { id: string; className: string }) {
  // what the strip draws as the present; else the last that was heard, whose age stands beside it
  const read = useCallback(() => rate(track.newest(engineSeries(id, 'generatedTokensPerSecond')) ?? engineNow(id)?.rates.generatedTokensPerSecond ?? null), [id])
  const age = useBySecond((nowMs) => {
    const rates = engineNow(id)?.rates
    const ageMs = rates?.readAtMs == null || rates.generatedTokensPerSecond === null ? 0 : nowMs - rates.readAtMs
    return ageMs < FRESH_MS ? null : duration(ageMs)
  })
  return (
    <span className="tokensNow">
      <span className={age === null ? undefined : 'stale'}><LiveText className={className} read={read} /></span>
      <Tooltip label={<RateExplained id={id} />}><span className="dim small explained nowrap" tabIndex={0}>tokens/s{age === null ? '' : ` · ${age} old`}</span></Tooltip>
    </span>
  )
}

function Fact({ label, id, of }: { label: string; id: string; of: (now: Engine) => string }) {
  const latest = useRef(of)
  const read = useCallback(() => {
    const now = engineNow(id)
    return now === null ? UNKNOWN : latest.current(now)
  }, [id])
  return <div className="fact"><dt>{label}</dt><dd><LiveText read={read} /></dd></div>
}

function TokensSparkline({ id, name }: { id: string; name: string }) {
  const read = useCallback(() => track.read([engineSeries(id, 'generatedTokensPerSecond')], (track.newestMs ?? 0) - 60_000).series[0]!.max, [id])
  return <Sparkline read={read} label={`Tokens per second of ${name}, last minute`} />
}

/** What is worth knowing of an engine that does not run: why it ended, else how it will start. */
function AtRest({ engine }: { engine: SettledEngine }) {
  const sentence = engine.fault?.sentence ?? (engine.state === 'failed' ? engine.lastExit?.sentence : undefined) ?? (engine.spec.onMps ? 'Will start as an MPS client.' : 'Will start without MPS.')
  return <div className="cardRow small dim" style={engine.state === 'failed' ? { color: 'var(--tone-bad)' } : {}}><span className="cut" title={sentence}>{sentence}</span></div>
}

function RateExplained({ id }: { id: string }) {
  const { source, counting } = engineNow(id)?.rates ?? { source: null, counting: null }
  if (source === null) return 'It gives no rates: it is not running, or has no metrics page.'
  return <>
    <div>Generated tokens per second, from the engine's own {source}.</div>
    {counting === 'atRequestEnd' && <div>This counter jumps when a request ends: the rate is spiky.</div>}
    {counting === 'live' && <div>This counter moves while tokens are made.</div>}
  </>
}

export function ShareValue({ engine }: { engine: SettledEngine }) {
  const share = engine.spec.sharePercent
  return <Value text={share === null ? 'none' : `${fixed(share, share % 1 === 0 ? 0 : 1)} %`}
    explain={share === null ? 'No ceiling of its own is set.' : 'Ceiling on the SMs its clients may use (CUDA_MPS_ACTIVE_THREAD_PERCENTAGE), set at start. A ceiling, not a reservation, and only under MPS.'} />
}

export function Evidence({ engine }: { engine: SettledEngine }) {
  return <><div>{engine.attachment.sentence}</div>{engine.attachment.evidence.map((line) => <div key={line} className="small">{line}</div>)}</>
}
