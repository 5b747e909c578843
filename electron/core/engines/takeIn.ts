// Taking over an engine that somebody else started: it goes on as it is; from now on Overlap watches it, and may stop it and start the same
// again. Nobody learns its exit status: it is not our child.
import { createHash, randomUUID } from 'node:crypto'
import type { EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { ProcessId } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { LocalEngine } from './engine.ts'
import type { Surroundings } from './launch.ts'
import type { Roster } from './roster.ts'
import type { StartedRun, StartPlan } from './runFolder.ts'

export interface Adoptable {
  process: ProcessId
  spec: EngineSpec
  port: number
  argv: string[]
  env: Record<string, string>
  cwd: string
  startedAtMs: number | null
}

/** The same for the same process: a preview can name the folder it will get. */
export const idOf = ({ pid, startTicks }: ProcessId, bootId: string | null): string => `e${createHash('sha256').update(`${bootId} ${pid} ${startTicks}`).digest('hex').slice(0, 8)}`

/** The record that its keeper would have left. `mps`: the daemon that it is a client of; null: of none. */
export const runOf = ({ process, spec, port, argv, env, cwd, startedAtMs }: Adoptable, mps: StartPlan['mps'], bootId: string | null, clock: Clock): StartedRun => {
  const runId = randomUUID()
  return { version: 1, runId, plan: { version: 1, runId, spec, port, mps }, argv, envNames: Object.keys(env).sort(), cwd, keeper: null, engine: process, startedAtMs: startedAtMs ?? clock.now(), bootId }
}

interface TakeInParts {
  roster: Roster
  surroundings: Surroundings
  procfs: Procfs
  clock: Clock
  /** Nobody starts the engine while `work` goes on. */
  hold(engine: LocalEngine, work: () => Promise<void>): Promise<void>
}

/** The new engine's id. Throws like Roster.admit, WRONG_STATE when it is taken over already, and NOT_FOUND when it has ended meanwhile. */
export async function takeIn(adoptable: Adoptable, { roster, surroundings, procfs, clock, hold }: TakeInParts): Promise<string> {
  const { spec, process } = adoptable
  const id = idOf(process, procfs.bootId())
  if (roster.has(id)) throw new FaultError('WRONG_STATE', `${spec.name} is taken over already.`, 'Look at the list of engines.', { field: 'id' })
  const engine = roster.take(id, spec)
  await hold(engine, async () => {
    try {
      const mps = spec.onMps && spec.gpuUuid !== null ? surroundings.mpsEnvironment(spec.gpuUuid) : null
      // into its own folder first: killed in between, the next Overlap finds an engine that the settings do not name, and takes it over
      await engine.folder.takeIn(runOf(adoptable, mps, procfs.bootId(), clock), TAKEN_IN)
      await roster.store([engine])
      if (!procfs.isAlive(process)) throw new FaultError('NOT_FOUND', `${spec.name} has ended meanwhile.`, 'Look at the engines that are there.', { field: 'id' })
      await engine.adopt()
    } catch (error) {
      await roster.unstore(engine).catch(() => {}) // what could not be written need not be taken back
      await roster.drop(engine)
      throw error
    }
  })
  return id
}

const TAKEN_IN = '[overlap] This engine was started outside Overlap: its words go where they went before. From its next start on they are here.'
