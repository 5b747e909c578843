// What can be done about experiments: show the gain, rehearse, start, cancel, play back a recording.
import type { ExperimentChoice, Plan, ReportSummary } from '../../shared/experiment.ts'
import { refusals } from '../parts/checks.ts'
import { planSteps } from '../parts/planWords.ts'
import { isOver, useExperiment } from '../state/experiment.ts'
import { lastGood } from '../state/reports.ts'
import { askStagePlan, type StagePlan } from '../state/stagePlan.ts'
import { openScreen, useView } from '../state/view.ts'
import type { Client } from '../link/connect.ts'
import type { Action } from './action.ts'

const GROUP = 'Experiments'

/** Opens the Stage; nothing is started by it. A run that is over is put away: the plan is what was asked for. */
export const showGain: Action = {
  id: 'view.showGain', label: 'Show the MPS gain', group: GROUP, about: 'Opens the Stage: what would be compared, what is to be expected, how long it takes.', immediate: true, blocked: null,
  run: () => {
    const { now } = useExperiment.getState()
    useView.setState({ stageReplayId: null, ...(now !== null && isOver(now) ? { stageSeenId: now.id } : {}) })
    openScreen('stage')
  },
}

export function rehearse(choice: ExperimentChoice | null): Action {
  return {
    id: 'experiment.rehearse', label: 'Rehearse', group: GROUP, keys: 'R', about: 'Looks at everything that must be right before the start. Starts no engine.', immediate: true,
    blocked: choice === null ? 'Choose an engine first.' : null,
    run: (client) => (choice === null ? undefined : askStagePlan(client, choice, 'rehearse')),
  }
}

/** `plan`: of the same choice; null: not known yet. */
export function startExperiment(choice: ExperimentChoice | null, plan: Plan | null): Action {
  const refused = plan === null ? [] : refusals(plan.checks)
  return {
    id: 'experiment.start', label: 'Start the experiment', group: GROUP, about: plan === null ? 'Starts the experiment.' : `${plan.file.title}. It holds the workstation until it is over; it can be cancelled at any time.`,
    ...(plan === null ? {} : { steps: planSteps(plan).map(({ sentence }) => sentence) }),
    ...(choice === null ? {} : { preview: (client: Client) => client.experiment.preview(choice) }),
    blocked: choice === null || plan === null ? 'There is no plan yet.' : plan.file.waitsFor !== null ? `It cannot be run yet: ${plan.file.waitsFor}` : (refused[0]?.sentence ?? null),
    run: async (client) => {
      if (choice === null) return
      await client.experiment.start(choice)
      useView.setState({ stageReplayId: null })
    },
    watch: () => {
      const before = useExperiment.getState().now?.id ?? null
      return () => (useExperiment.getState().now?.id ?? null) !== before
    },
  }
}

export function cancelExperiment(id: string): Action {
  return {
    id: `experiment.cancel/${id}`, label: 'Cancel experiment', group: GROUP, danger: true, whileHeld: true, leave: 'Let it run',
    about: 'Ends the load and takes down what was made for it, last in first out. Engines that were set aside are started again. What was measured until then is kept as a partial report.',
    blocked: null,
    run: (client) => client.experiment.cancel({ id }),
    watch: () => () => {
      const { now } = useExperiment.getState()
      return now === null || now.id !== id || now.phase === 'done'
    },
  }
}

export function replayReport(id: string, label = 'Replay the last good run'): Action {
  return {
    id: `view.replay/${id}`, label, group: GROUP, about: 'Plays a kept run back on the Stage, stamped RECORDED. Nothing is started.', immediate: true, blocked: null,
    run: () => { useView.setState({ stageReplayId: id }); openScreen('stage') },
  }
}

export const leaveRecording: Action = {
  id: 'view.leaveRecording', label: 'Leave the recording', group: GROUP, about: 'The Stage shows the present again.', immediate: true, blocked: null,
  run: () => useView.setState({ stageReplayId: null }),
}

/** The Stage as it is before a start, also when the last run still stands on it. */
export function runAgain(over: { id: string }): Action {
  return {
    id: 'view.runAgain', label: 'Run again', group: GROUP, about: 'Back to the plan.', immediate: true, blocked: null,
    run: () => useView.setState({ stageSeenId: over.id, stageReplayId: null }),
  }
}

export function openReport(id: string): Action {
  return { id: `view.report/${id}`, label: 'Open the report', group: GROUP, about: 'Everything that was measured, and what is needed to repeat it.', immediate: true, blocked: null, run: () => { useView.setState({ reportId: id, compareId: null }); openScreen('reports') } }
}

/** For Ctrl-K and keys. `stage`: what the Stage offers while it is the screen that is looked at. */
export function experimentActions({ running, reports, stage, replayId }: { running: string | null; reports: ReportSummary[] | null; stage: StagePlan | null; replayId: string | null }): Action[] {
  const good = lastGood(reports, stage?.plan?.file.title)
  return [
    showGain,
    ...(stage === null || running !== null || replayId !== null ? [] : [rehearse(stage.choice), startExperiment(stage.choice, stage.plan)]),
    ...(running === null ? [] : [cancelExperiment(running)]),
    ...(replayId === null ? [] : [leaveRecording]),
    ...(good === null ? [] : [replayReport(good.id)]),
  ]
}
