// Stage: the ways of sharing a GPU side by side, for a projector. Before, during and after an experiment, or a recording of one.
import { useEffect, useRef } from 'react'
import { useExperiment, isOver } from '../state/experiment.ts'
import { useLink } from '../state/link.ts'
import { useView } from '../state/view.ts'
import { StageBefore } from './StageBefore.tsx'
import { StageReplay } from './StageReplay.tsx'
import { StageShow } from './StageShow.tsx'

export function Stage() {
  const replayId = useView((view) => view.stageReplayId)
  const seenId = useView((view) => view.stageSeenId)
  const now = useExperiment((store) => store.now)
  const simulated = useLink((link) => link.greeting?.simulated ?? false)
  const runs = now !== null && !(isOver(now) && now.id === seenId)
  const stage = useKeptFocus(replayId !== null ? 'recording' : runs ? (isOver(now) ? 'result' : 'experiment') : 'before')
  return (
    <div ref={stage} style={{ display: 'contents' }}>
      {replayId !== null ? <StageReplay key={replayId} id={replayId} /> : runs ? <StageShow now={now} simulated={simulated} recording={null} /> : <StageBefore />}
    </div>
  )
}

/** What was pressed goes with what it belonged to, at once or with its dialog: the keyboard then goes on at the title of what came. */
function useKeptFocus(shown: string) {
  const stage = useRef<HTMLDivElement>(null)
  const last = useRef({ shown, lost: false })
  useEffect(() => {
    if (last.current.shown !== shown) last.current = { shown, lost: true }
    const title = stage.current?.querySelector<HTMLElement>('.stageTitle')
    if (!last.current.lost || !title || document.activeElement?.closest('[role=dialog]')) return
    last.current.lost = false
    if (document.activeElement === document.body) title.focus()
  })
  return stage
}
