// Stage: the ways of sharing a GPU side by side, for a projector. Before, during and after an experiment, or a recording of one.
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
  if (replayId !== null) return <StageReplay key={replayId} id={replayId} />
  if (now !== null && !(isOver(now) && now.id === seenId)) return <StageShow now={now} simulated={simulated} recording={null} />
  return <StageBefore />
}
