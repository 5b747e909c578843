// The states of a daemon with the present one marked, and the proof behind it.
import { Tooltip } from '@mantine/core'
import { MPS_STATES, type MpsDaemon, type MpsState } from '../../shared/mps.ts'
import { clockTime } from '../../shared/units.ts'
import { MPS_LOOK, ShapeMark, toneStyle, type Shape, type Tone } from '../parts/StateBadge.tsx'

/** The usual way round, then the states beside it. */
const ROUND: MpsState[] = ['stopped', 'starting', 'noServer', 'running', 'draining', 'stopping']
const BESIDE: MpsState[] = ['faulted', 'foreign', 'unknown']

export function MpsStateLine({ state }: { state: MpsState }) {
  return (
    <ul className="states" aria-label="States of the daemon">
      {ROUND.map((one, at) => <li key={one}><StateBox state={one} current={one === state} />{at < ROUND.length - 1 && <span className="dim" aria-hidden="true">→</span>}</li>)}
      {BESIDE.map((one, at) => <li key={one}>{at === 0 && <span className="dim beside" aria-hidden="true">or</span>}<StateBox state={one} current={one === state} /></li>)}
    </ul>
  )
}

function StateBox({ state, current }: { state: MpsState; current: boolean }) {
  const look = MPS_LOOK[state]
  return (
    <Tooltip label={MPS_STATES[state]}>
      <span className="stateBox" tabIndex={0} aria-current={current ? 'step' : undefined} style={toneStyle(look.tone)}>{current && <ShapeMark shape={look.shape} />}{look.word}</span>
    </Tooltip>
  )
}

export function MpsProofList({ daemon: { proof } }: { daemon: MpsDaemon }) {
  const words: [string, boolean | null, string][] = [
    ['Listening', proof.listening, proof.listening === null ? 'Cannot be read here.' : proof.listening ? 'The kernel lists a listening socket in the pipe directory.' : 'No listening socket in the pipe directory.'],
    ['Lock owner', proof.lockOwnerPid !== null, proof.lockOwnerPid === null ? 'Nobody holds control_lock.' : `Pid ${proof.lockOwnerPid} holds control_lock.`],
    ['Answers', proof.answers, proof.answers === null ? 'Not asked yet.' : proof.answers ? 'A control command was answered in full.' : 'A control command got no full answer.'],
  ]
  return (
    <div>
      <div className="dim small" style={{ marginBottom: 4 }}>Proof, checked at {clockTime(proof.checkedAtMs)}</div>
      <ul className="proof" aria-label="Proof">
        {words.map(([name, holds, sentence]) => <li key={name}><span style={{ color: `var(--tone-${toneOf(holds)})` }}><ShapeMark shape={shapeOf(holds)} /></span><span>{name}</span><span className="dim">{sentence}</span></li>)}
      </ul>
    </div>
  )
}

const toneOf = (holds: boolean | null): Tone => (holds === null ? 'other' : holds ? 'good' : 'idle')
const shapeOf = (holds: boolean | null): Shape => (holds === null ? 'question' : holds ? 'full' : 'ring')
