// EngineCard: one engine on the live screen.
import { IconPlayerPlay, IconPlayerStop, IconRefresh } from '@tabler/icons-react'
import { useCallback } from 'react'
import type { Engine } from '../../shared/engine.ts'
import { ENGINE_STATES } from '../../shared/engine.ts'
import { fixed, gibibytes, rate } from '../../shared/units.ts'
import { ActionButton, ActionIconButton } from '../actions/ActionButton.tsx'
import { putEngineOnMps, restartEngine, startEngine, stopEngine } from '../actions/engineActions.ts'
import { EngineDot, engineStyle } from '../parts/EngineDot.tsx'
import { Sparkline } from '../parts/Sparkline.tsx'
import { attachmentLook, ENGINE_LOOK, StateBadge } from '../parts/StateBadge.tsx'
import { Value } from '../parts/Value.tsx'
import { useGpus } from '../state/gpus.ts'
import { engineSeries, track } from '../state/track.ts'
import { openScreen, useView } from '../state/view.ts'
import { ReadinessSteps } from './ReadinessSteps.tsx'

export function EngineCard({ engine }: { engine: Engine }) {
  const { spec, rates } = engine
  const open = () => { useView.setState({ engineId: engine.id }); openScreen('engines') }
  return (
    <article className="panel card" style={engineStyle(engine.colour)} role="listitem" aria-label={spec.name}>
      <div className="cardRow">
        <EngineDot colour={engine.colour} />
        <a className="cardName cut" href="#engines" style={{ color: 'inherit', textDecoration: 'none' }} onClick={(event) => { event.preventDefault(); open() }}>{spec.name}</a>
        <StateBadge look={ENGINE_LOOK[engine.state]} explain={engine.fault?.sentence ?? ENGINE_STATES[engine.state]} />
        <span className="spring" />
        <ActionIconButton action={startEngine(engine)} icon={<IconPlayerPlay size={14} />} />
        <ActionIconButton action={stopEngine(engine)} icon={<IconPlayerStop size={14} />} />
        <ActionIconButton action={restartEngine(engine)} icon={<IconRefresh size={14} />} />
      </div>
      {engine.state === 'starting' ? <ReadinessSteps engine={engine} /> : (
        <div className="cardRow">
          <span className="bigNumber">{rate(rates.generatedTokensPerSecond)}</span>
          <Value className="dim small" text="tokens/s" readAtMs={rates.readAtMs} explain={rateExplained(engine)} />
          <span className="spring" />
          <TokensSparkline id={engine.id} name={spec.name} />
        </div>
      )}
      <dl className="facts">
        <div className="fact"><dt>Running</dt><dd>{fixed(rates.requestsRunning)}</dd></div>
        <div className="fact"><dt>Waiting</dt><dd>{fixed(rates.requestsWaiting)}</dd></div>
        <div className="fact"><dt>Memory</dt><dd>{gibibytes(engine.gpuMemoryMiB)}</dd></div>
        <div className="fact"><dt>SM share</dt><dd><ShareValue engine={engine} /></dd></div>
      </dl>
      {engine.attachment.reason === 'notRunning' ? <AtRest engine={engine} /> : (
        <div className="cardRow">
          <StateBadge look={attachmentLook(engine.attachment)} explain={<Evidence engine={engine} />} />
          {engine.attachment.state !== 'attached' && <span className="dim small cut" title={engine.attachment.sentence}>{engine.attachment.sentence}</span>}
          {engine.attachment.reason === 'notAsked' && <><span className="spring" /><ActionButton action={putEngineOnMps(engine)} /></>}
          {engine.attachment.restartHelps && <><span className="spring" /><ActionIconButton action={{ ...restartEngine(engine), label: `Restart ${spec.name} to attach it` }} icon={<IconRefresh size={14} color="var(--tone-bad)" />} /></>}
        </div>
      )}
    </article>
  )
}

function TokensSparkline({ id, name }: { id: string; name: string }) {
  const read = useCallback(() => track.read([engineSeries(id, 'generatedTokensPerSecond')], (track.newestMs ?? 0) - 60_000).series[0]!.max, [id])
  return <Sparkline read={read} subscribe={useGpus.subscribe} label={`Tokens per second of ${name}, last minute`} />
}

/** What is worth knowing of an engine that does not run: why it ended, else how it will start. */
function AtRest({ engine }: { engine: Engine }) {
  const sentence = engine.fault?.sentence ?? (engine.state === 'failed' ? engine.lastExit?.sentence : undefined) ?? (engine.spec.onMps ? 'Will start as an MPS client.' : 'Will start without MPS.')
  return <div className="cardRow small dim" style={engine.state === 'failed' ? { color: 'var(--tone-bad)' } : {}}><span className="cut" title={sentence}>{sentence}</span></div>
}

function rateExplained(engine: Engine): React.ReactNode {
  const { source, counting } = engine.rates
  if (source === null) return 'It gives no rates: it is not running, or has no metrics page.'
  return <>
    <div>Generated tokens per second, from the engine's own {source}.</div>
    {counting === 'atRequestEnd' && <div>This counter jumps when a request ends: the rate is spiky.</div>}
    {counting === 'live' && <div>This counter moves while tokens are made.</div>}
  </>
}

export function ShareValue({ engine }: { engine: Engine }) {
  const share = engine.spec.sharePercent
  return <Value text={share === null ? 'none' : `${fixed(share, share % 1 === 0 ? 0 : 1)} %`}
    explain={share === null ? 'No ceiling of its own is set.' : 'Ceiling on the SMs its clients may use (CUDA_MPS_ACTIVE_THREAD_PERCENTAGE), set at start. A ceiling, not a reservation, and only under MPS.'} />
}

export function Evidence({ engine }: { engine: Engine }) {
  return <><div>{engine.attachment.sentence}</div>{engine.attachment.evidence.map((line) => <div key={line} className="small">{line}</div>)}</>
}
