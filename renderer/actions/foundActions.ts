// What can be done with an engine that Overlap did not start.
import type { FoundEngine } from '../../shared/foundEngine.ts'
import { limitCaution, memoryLimitOf } from '../../shared/memoryLimit.ts'
import { foundNow } from '../state/foundEngines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import type { Action } from './action.ts'
import { STARTABLE } from './mpsActions.ts'

export const foundActions = (found: FoundEngine): Action[] => [takeIn(found), putFoundOnMps(found)]

/** What is worth knowing before it is touched. */
const caution = (found: FoundEngine): string => (found.caution === null ? '' : ` ${found.caution}`)
const why = (found: FoundEngine): string | null => (found.obstacle === null ? null : `${found.obstacle.sentence} ${found.obstacle.hint}`)

export function takeIn(found: FoundEngine): Action {
  return {
    id: `engine.takeIn/${found.id}`, label: `Take over ${found.name}`, group: 'Engines',
    about: `Makes it an engine of Overlap. It goes on as it is: nothing is run, nothing is stopped. From now on it can be stopped and started again from here; until its next start from here it is not restarted by itself when it ends.${caution(found)}`,
    blocked: why(found),
    preview: async (client) => {
      const { runs, startsAgain } = await client.engine.previewTakeIn({ id: found.id })
      return [runs, startsAgain]
    },
    compares: true,
    run: (client) => client.engine.takeIn({ id: found.id }),
    watch: () => gone(found),
  }
}

/** Starts MPS where there is none, takes it over, and restarts it as a client. */
export function putFoundOnMps(found: FoundEngine): Action {
  const { gpuUuid } = found
  const daemon = daemonOf(useMps.getState().daemons, gpuUuid)
  const usable = daemon !== null && (daemon.state === 'running' || STARTABLE.includes(daemon.state))
  return {
    id: `engine.putFoundOnMps/${found.id}`, label: `Put ${found.name} on MPS`, group: 'Engines', danger: true,
    about: `A running process cannot join MPS: it is taken over, asked to finish, and started again as an MPS client on the same port. Its callers get errors meanwhile.${caution(found)}`,
    caution: limitCaution(found.name, memoryLimitOf(null, daemon?.limits ?? null), found.gpuMemoryMiB === null ? null : { mebibytes: found.gpuMemoryMiB, measured: true }),
    blocked: why(found) ?? (gpuUuid === null ? 'Which GPU it uses is not known.' : found.attachment.state === 'attached' ? 'It is an MPS client.' : !usable ? (daemon?.sentence ?? 'MPS is not known there.') : null),
    preview: (client) => client.engine.previewFoundOnMps({ id: found.id }),
    run: (client) => client.engine.putFoundOnMps({ id: found.id }),
    watch: () => gone(found),
  }
}

const gone = (found: FoundEngine) => () => !foundNow().some(({ id }) => id === found.id)
