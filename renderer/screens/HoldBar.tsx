// HoldBar: an experiment holds the workstation: said on every screen, except where the experiment itself is shown.
import { Button } from '@mantine/core'
import { ActionButton } from '../actions/ActionButton.tsx'
import { cancelExperiment, showGain } from '../actions/experimentActions.ts'
import { perform } from '../actions/action.ts'
import { useNowMs } from '../parts/now.ts'
import { ShapeMark } from '../parts/StateBadge.tsx'
import { useConnection } from '../state/connection.ts'
import { useExperiment } from '../state/experiment.ts'
import { useHold } from '../state/hold.ts'
import { useView } from '../state/view.ts'
import { timeLeft } from './stageWords.ts'

export function HoldBar() {
  const hold = useHold((store) => store.hold)
  const onStage = useView((view) => view.screen === 'stage' && view.stageReplayId === null)
  if (hold === null || onStage) return <div style={{ gridColumn: '1 / -1' }} />
  return <Held id={hold.experimentId} sentence={hold.sentence} />
}

function Held({ id, sentence }: { id: string; sentence: string }) {
  const { client } = useConnection()
  const now = useExperiment((store) => (store.now?.id === id ? store.now : null))
  const nowMs = useNowMs()
  return (
    <div className="holdBar" role="status" aria-label="Workstation held">
      <ShapeMark shape="half" /><strong className="cut" style={{ flexShrink: 1 }} title={sentence}>{sentence}</strong>
      <span className="cut dim" title="Other changes wait until it is over.">{now === null ? 'Other changes wait until it is over.' : now.sentence}</span>
      <span className="spring" />
      {now !== null && <span className="dim nowrap">{timeLeft(now.endsAtMs, nowMs)}</span>}
      <Button onClick={() => perform(showGain, client)}>Open Stage</Button>
      <ActionButton action={cancelExperiment(id)} label="Cancel" />
    </div>
  )
}
