// FoundEngines: engines that run here and that Overlap did not start: their numbers, whether they are on MPS, what two copies would gain.
import { FOUND_PROGRAMS, type FoundEngine } from '../../shared/foundEngine.ts'
import { fixed, gibibytes, rate } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { putFoundOnMps, takeIn } from '../actions/foundActions.ts'
import { expectation } from '../parts/planWords.ts'
import { EngineDot, engineStyle } from '../parts/EngineDot.tsx'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { useEngines } from '../state/engines.ts'
import { coloursOfFound, foundOn, useFoundEngines } from '../state/foundEngines.ts'
import { useMps } from '../state/mps.ts'

const FOUND: Look = { word: 'found', tone: 'other', shape: 'diamond' }

/** null: those of all GPUs. */
export function FoundEngines({ gpuUuid }: { gpuUuid: string | null }) {
  const all = useFoundEngines((store) => store.found)
  const own = useEngines((store) => store.settled)
  const found = foundOn(all, gpuUuid)
  const colours = coloursOfFound(all ?? [], own ?? [])
  useMps((store) => store.daemons) // what can be done depends on MPS
  if (found.length === 0) return null
  return <div className="cards" role="list" aria-label="Engines that Overlap did not start">{found.map((engine) => <FoundCard key={engine.id} found={engine} colour={colours.get(engine.id) ?? 0} />)}</div>
}

function FoundCard({ found, colour }: { found: FoundEngine; colour: number }) {
  const { rates, attachment, port } = found
  return (
    <div className="panel card foundCard" role="listitem" aria-label={found.name} style={engineStyle(colour)}>
      <div className="cardRow">
        <EngineDot colour={colour} />
        <span className="cardName cut" title={found.command.argv.join(' ')}>{found.name}</span>
        <StateBadge look={FOUND} explain="It runs here, and Overlap did not start it. It is watched, and never stopped unasked." />
        <span className="spring" />
        <span className="dim small nowrap">{FOUND_PROGRAMS[found.program]} · pid {found.pid}{port === null ? '' : ` · port ${port}`}</span>
      </div>
      <div className="cardRow"><span className="tokensNow"><span className="bigNumber">{rate(rates.generatedTokensPerSecond)}</span><span className="dim small nowrap">tokens/s</span></span></div>
      {found.silence !== null && <div className="dim small">{found.silence}</div>}
      <dl className="facts">
        <div className="fact"><dt>Running</dt><dd>{fixed(rates.requestsRunning)}</dd></div>
        <div className="fact"><dt>Waiting</dt><dd>{fixed(rates.requestsWaiting)}</dd></div>
        <div className="fact"><dt>Memory</dt><dd>{gibibytes(found.gpuMemoryMiB)}</dd></div>
      </dl>
      <div className="cardRow attachedRow"><StateBadge look={foundLook(found)} explain={<><div>{attachment.sentence}</div>{attachment.evidence.map((line) => <div key={line} className="small">{line}</div>)}</>} /></div>
      <Expected found={found} />
      <div className="cardRow">
        {found.obstacle !== null && <span className="dim small">{found.obstacle.sentence}</span>}
        <span className="spring" />
        {found.obstacle === null && <><ActionButton action={takeIn(found)} label="Take over" /><ActionButton action={putFoundOnMps(found)} label="Put on MPS" variant="filled" /></>}
      </div>
    </div>
  )
}

/** The badge says why, where a restart would change it. */
export function foundLook({ attachment: { state, reason } }: Pick<FoundEngine, 'attachment'>): Look {
  if (state === 'attached') return { word: 'on MPS', tone: 'good', shape: 'full' }
  if (state === 'unknown') return { word: 'MPS not known', tone: 'other', shape: 'question' }
  const why = reason === 'startedBeforeDaemon' || reason === 'noDaemon' ? ': started before the daemon' : reason === 'environmentDiffers' ? ': looks for the daemon elsewhere' : ''
  return { word: `not on MPS${why}`, tone: 'idle', shape: 'ring' }
}

function Expected({ found }: { found: FoundEngine }) {
  if (found.prediction === null) return null
  const { text, note, hopeless } = expectation(found.prediction)
  return (
    <div>
      <span className="gainOfferBand" data-quiet={hopeless || undefined}>{text}</span> <span className="dim">expected of two copies of it under MPS</span>
      <div className="dim small">{found.prediction.gain === null ? note : `against one with the resources of both${note === '' ? '' : `; ${note}`}`}</div>
    </div>
  )
}
