// What a plan would find: states of MPS and of the engines on one GPU, as one text. An answer that was given to another text is asked for anew.
import { enginesOn, useEngines } from './engines.ts'
import { useHold } from './hold.ts'
import { daemonOf, useMps } from './mps.ts'

/** While an experiment holds the workstation nothing is planned: it stays the same. */
export function useFound(gpuUuid: string | null): string {
  const held = useHold(({ hold }) => hold !== null)
  const daemon = useMps(({ daemons }) => daemonOf(daemons, gpuUuid)?.state ?? null)
  const engines = useEngines(({ settled }) => enginesOn(settled, gpuUuid).filter(({ temporary }) => !temporary).map(({ id, state }) => `${id} ${state}`).join(' '))
  return held ? 'held' : `${daemon} ${engines}`
}
