// StateBadge: a state as a word, a shape and a tone. The shape alone tells the kind; colour only repeats it.
import { Tooltip } from '@mantine/core'
import type { CSSProperties } from 'react'
import type { Engine, EngineState } from '../../shared/engine.ts'
import { mpsWord, type MpsState } from '../../shared/mps.ts'

export type Tone = 'good' | 'busy' | 'bad' | 'idle' | 'other'
/** full: in order. half: under way. ring: at rest. triangle: wrong. diamond: not ours. question: not known. */
export type Shape = 'full' | 'half' | 'ring' | 'triangle' | 'diamond' | 'question'
export interface Look { word: string; tone: Tone; shape: Shape }

export const ENGINE_LOOK: Record<EngineState, Look> = {
  stopped: { word: 'stopped', tone: 'idle', shape: 'ring' },
  waiting: { word: 'waiting', tone: 'busy', shape: 'half' },
  starting: { word: 'starting', tone: 'busy', shape: 'half' },
  ready: { word: 'ready', tone: 'good', shape: 'full' },
  draining: { word: 'draining', tone: 'busy', shape: 'half' },
  stopping: { word: 'stopping', tone: 'busy', shape: 'half' },
  failed: { word: 'failed', tone: 'bad', shape: 'triangle' },
  unknown: { word: 'unknown', tone: 'other', shape: 'question' },
}

export const MPS_LOOK: Record<MpsState, Look> = {
  stopped: { word: 'stopped', tone: 'idle', shape: 'ring' },
  starting: { word: 'starting', tone: 'busy', shape: 'half' },
  noServer: { word: mpsWord('noServer'), tone: 'busy', shape: 'half' },
  running: { word: 'running', tone: 'good', shape: 'full' },
  draining: { word: 'draining', tone: 'busy', shape: 'half' },
  stopping: { word: 'stopping', tone: 'busy', shape: 'half' },
  faulted: { word: 'faulted', tone: 'bad', shape: 'triangle' },
  foreign: { word: 'foreign', tone: 'other', shape: 'diamond' },
  unknown: { word: 'unknown', tone: 'other', shape: 'question' },
}

/** Not running yet, or no longer: whatever its attachment, nothing is wrong with it. */
export function onItsWay({ state, attachment }: Pick<Engine, 'state' | 'attachment'>): boolean {
  return attachment.state !== 'attached' && (state === 'waiting' || state === 'starting' || state === 'draining' || state === 'stopping')
}

/** How an attachment reads beside an engine. Not asked for, or not running yet, is no fault; asked for and absent is. */
export function attachmentLook(engine: Pick<Engine, 'state' | 'attachment' | 'spec'>): Look {
  const { state, reason } = engine.attachment
  if (state === 'attached') return { word: 'on MPS', tone: 'good', shape: 'full' }
  if (reason === 'notRunning') return { word: 'not running', tone: 'idle', shape: 'ring' }
  if (onItsWay(engine)) return { word: !engine.spec.onMps ? 'without MPS' : engine.state === 'starting' || engine.state === 'waiting' ? 'not on MPS yet' : 'leaving MPS', tone: 'idle', shape: 'ring' }
  if (state === 'unknown') return { word: 'MPS not known', tone: 'other', shape: 'question' }
  const wanted = reason !== 'notAsked'
  return { word: 'not on MPS', tone: wanted ? 'bad' : 'idle', shape: wanted ? 'triangle' : 'ring' }
}

const STROKE = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.6 }
const SHAPES: Record<Shape, React.JSX.Element> = {
  full: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  half: <><circle cx="6" cy="6" r="4.2" {...STROKE} /><path d="M6 1.8a4.2 4.2 0 0 1 0 8.4z" fill="currentColor" /></>,
  ring: <circle cx="6" cy="6" r="4.2" {...STROKE} />,
  triangle: <path d="M6 1 11.5 10.8H.5z" fill="currentColor" />,
  diamond: <path d="M6 .8 11.2 6 6 11.2.8 6z" {...STROKE} />,
  question: <><circle cx="6" cy="6" r="4.6" {...STROKE} strokeDasharray="2 1.6" /><circle cx="6" cy="6" r="1.2" fill="currentColor" /></>,
}

export function ShapeMark({ shape }: { shape: Shape }) {
  return <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">{SHAPES[shape]}</svg>
}

export function toneStyle(tone: Tone): CSSProperties {
  return { '--tone': `var(--tone-${tone})` } as CSSProperties
}

/** `explain` becomes a tooltip, also on keyboard focus. */
export function StateBadge({ look, explain, boxed = false, prefix }: { look: Look; explain?: React.ReactNode; boxed?: boolean; prefix?: string }) {
  const badge = (
    <span className={`badge ${boxed ? 'boxed' : ''}`} style={toneStyle(look.tone)} tabIndex={explain ? 0 : undefined}>
      <ShapeMark shape={look.shape} />
      {prefix !== undefined && <span>{prefix}</span>}
      <span data-part="state">{look.word}</span>
    </span>
  )
  return explain ? <Tooltip label={explain}>{badge}</Tooltip> : badge
}
