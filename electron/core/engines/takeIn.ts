// Taking over an engine that somebody else started: it goes on as it is; from now on Overlap watches it, and may stop it and start the same
// again. Nobody learns its exit status: it is not our child.
import { createHash, randomUUID } from 'node:crypto'
import type { EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { ProcessId } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Settings } from '../store/settings.ts'
import type { LocalEngine } from './engine.ts'
import type { Surroundings } from './launch.ts'
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

export interface TakeInParts {
  settings: Settings
  surroundings: Surroundings
  procfs: Procfs
  clock: Clock
}

/** Into its own folder first: killed in between, the next Overlap finds an engine that the settings do not name, and takes it over. */
export async function takeIn(engine: LocalEngine, adoptable: Adoptable, { settings, surroundings, procfs, clock }: TakeInParts): Promise<void> {
  const { spec, process } = adoptable
  const { id, colour, folder } = engine
  const mps = spec.onMps && spec.gpuUuid !== null ? surroundings.mpsEnvironment(spec.gpuUuid) : null
  await folder.takeIn(runOf(adoptable, mps, procfs.bootId(), clock), TAKEN_IN)
  await settings.change((document) => ({ ...document, engines: [...document.engines, { id, colour, spec }] }))
  if (!procfs.isAlive(process)) throw new FaultError('NOT_FOUND', `${spec.name} has ended meanwhile.`, 'Look at the engines that are there.', { field: 'id' })
  await engine.adopt()
}

const TAKEN_IN = '[overlap] This engine was started outside Overlap: its words go where they went before. From its next start on they are here.'
