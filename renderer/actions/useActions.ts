// All actions that exist now, for Ctrl-K and keys.
import { useMemo } from 'react'
import { useEngines } from '../state/engines.ts'
import { foundNow, settledFound, useFoundEngines } from '../state/foundEngines.ts'
import { useGpus } from '../state/gpus.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { useView } from '../state/view.ts'
import { useExperiment } from '../state/experiment.ts'
import { useHold } from '../state/hold.ts'
import { usePlainHttp } from '../state/plainHttp.ts'
import { useReports } from '../state/reports.ts'
import { useStagePlan } from '../state/stagePlan.ts'
import { whyBlocked, type Action } from './action.ts'
import { addEngine, engineActions, openEngine } from './engineActions.ts'
import { experimentActions } from './experimentActions.ts'
import { mpsActions } from './mpsActions.ts'
import { foundActions } from './foundActions.ts'
import { switchPlainHttp } from './settingsActions.ts'
import { fillScreen, gpuActions, retryGpu, viewActions } from './viewActions.ts'

/** The GPU that is looked at: the chosen one while it is there, else the first. */
export function useGpuUuid(): string | null {
  const chosen = useView((view) => view.gpuUuid)
  return useGpus(({ identities }) => identities?.find((gpu) => gpu.uuid === chosen)?.uuid ?? identities?.[0]?.uuid ?? null)
}

/** All actions, for Ctrl-K and keys: first those that can be done now, then the rest with the reason. Another list only when something else than a number has changed. */
export function useActions(): Action[] {
  const gpuUuid = useGpuUuid()
  const daemons = useMps((store) => store.daemons)
  const engines = useEngines((store) => store.settled)
  const identities = useGpus((store) => store.identities)
  const found = useFoundEngines(settledFound)
  const hold = useHold((store) => store.hold)
  const running = useExperiment(({ now }) => (now === null || now.phase === 'done' ? null : now.id))
  const reports = useReports((store) => store.reports)
  const plainHttp = usePlainHttp((store) => store.plainHttp)
  const stage = useStagePlan()
  const screen = useView((view) => view.screen)
  const replayId = useView((view) => view.stageReplayId)
  return useMemo(() => {
    const daemon = daemonOf(daemons, gpuUuid)
    const own = (engines ?? []).filter((engine) => !engine.temporary)
    // what only looks comes first: Enter on an empty search must not stop anything
    const all: Action[] = [
      ...experimentActions({ running, reports, stage: screen === 'stage' ? stage : null, replayId }), ...viewActions, fillScreen, ...gpuActions(identities ?? []), ...own.map(openEngine),
      ...(found === '' ? [] : foundNow().flatMap(foundActions)), ...(daemon === null ? [] : mpsActions(daemon)), ...own.flatMap(engineActions), addEngine, retryGpu,
      ...(plainHttp === null ? [] : [switchPlainHttp(plainHttp)]),
    ]
    const judged = all.map((action) => ({ ...action, blocked: whyBlocked(action, hold) }))
    return [...judged.filter(({ blocked }) => blocked === null), ...judged.filter(({ blocked }) => blocked !== null)]
  }, [gpuUuid, daemons, engines, identities, found, hold, running, reports, stage, screen, replayId, plainHttp])
}
