// All actions that exist now, for Ctrl-K and keys.
import { useMemo } from 'react'
import { useEngines } from '../state/engines.ts'
import { useGpus } from '../state/gpus.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { useView } from '../state/view.ts'
import type { Action } from './action.ts'
import { addEngine, engineActions } from './engineActions.ts'
import { mpsActions } from './mpsActions.ts'
import { gpuActions, retryGpu, viewActions } from './viewActions.ts'

/** The GPU that is looked at: the chosen one while it is there, else the first. */
export function useGpuUuid(): string | null {
  const chosen = useView((view) => view.gpuUuid)
  return useGpus(({ identities }) => identities?.find((gpu) => gpu.uuid === chosen)?.uuid ?? identities?.[0]?.uuid ?? null)
}

/** Ctrl-K lists what can be done now; buttons show the rest, with the reason. */
const possible = (action: Action): boolean => action.blocked === null

/** All actions that exist now, for Ctrl-K and keys. Another list only when something else than a number has changed. */
export function useActions(): Action[] {
  const gpuUuid = useGpuUuid()
  const daemons = useMps((store) => store.daemons)
  const engines = useEngines((store) => store.settled)
  const identities = useGpus((store) => store.identities)
  return useMemo(() => {
    const daemon = daemonOf(daemons, gpuUuid)
    return [
      ...(daemon === null ? [] : mpsActions(daemon)).filter(possible), ...(engines ?? []).flatMap(engineActions).filter(possible), addEngine,
      ...viewActions, ...gpuActions(identities ?? []), retryGpu,
    ]
  }, [gpuUuid, daemons, engines, identities])
}
