// From what a user chose to what is run: the file, the engine that is copied, the GPU, the plan. Looks, starts nothing.
import { isDeepStrictEqual } from 'node:util'
import { EngineSpec, type Engine } from '../../../shared/engine.ts'
import type { ExperimentChoice, ExperimentFile, Plan, Report } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { GpuIdentity } from '../../../shared/gpu.ts'
import { modelOf } from '../engines/capacity.ts'
import type { Host } from '../host/host.ts'
import { MASK } from '../host/secrets.ts'
import type { Reports } from '../store/reports.ts'
import type { Lab } from './lab.ts'
import { planOf } from './plan.ts'
import { readPresets } from './presets.ts'
import { withoutSecrets } from './reporting.ts'

export interface Chosen {
  file: ExperimentFile
  /** With its secrets: for starting copies only. */
  engine: EngineSpec
  gpu: GpuIdentity
  /** The report that is gone on with. */
  earlier: Report | null
}

/** Throws BAD_INPUT or NOT_FOUND naming the field. */
export async function chosenOf(choice: ExperimentChoice, { lab, reports, presetsFolder }: { lab: Lab; reports: Reports; presetsFolder: string }): Promise<Chosen> {
  const earlier = choice.resumes === null ? null : reports.get(choice.resumes)
  const file = earlier?.plan.file ?? choice.file ?? (await presetOf(choice.preset, presetsFolder))
  const gpuUuid = earlier?.plan.gpuUuid ?? choice.gpuUuid
  const engines = lab.engines.list.value.filter(({ temporary }) => !temporary)
  // whoever names a GPU that is not there is told so, and not that it has no engine
  if (gpuUuid !== null) gpuOf(gpuUuid, lab.identities.value)
  const engine = earlier?.plan.file.engine ? resumedEngine(earlier.plan.file.engine, choice, engines, lab.host) : engineOf(choice, file, engines, gpuUuid)
  refuseMasked(file, engine)
  const gpu = gpuOf(gpuUuid ?? engine.gpuUuid, lab.identities.value)
  return { file, engine, gpu, earlier }
}

async function presetOf(name: string | null, folder: string): Promise<ExperimentFile> {
  if (name === null) throw new FaultError('BAD_INPUT', 'No experiment was chosen.', 'Name a preset, or hand in a file.', { field: 'preset' })
  const preset = (await readPresets(folder)).find((candidate) => candidate.name === name)
  if (!preset) throw new FaultError('NOT_FOUND', `There is no preset ${name}.`, 'Look at the list of presets.', { field: 'preset' })
  return preset.file
}

function chosenEngine({ engineId }: ExperimentChoice, engines: readonly Engine[]): Engine | null {
  const chosen = engines.find(({ id }) => id === engineId)
  if (engineId !== null && !chosen) throw new FaultError('NOT_FOUND', `There is no engine ${engineId}.`, 'Choose one that is listed.', { field: 'engineId' })
  return chosen ?? null
}

/** The one whose copies measured the cells that are done, else one report would speak of two. A report has no secrets: an engine of the workstation that is like it has them. */
function resumedEngine(copied: EngineSpec, choice: ExperimentChoice, engines: readonly Engine[], host: Pick<Host, 'preview'>): EngineSpec {
  const alike = ({ spec }: Engine) => isDeepStrictEqual(whatCounts(withoutSecrets(spec, host)), whatCounts(copied))
  const chosen = chosenEngine(choice, engines)
  if (chosen && !alike(chosen)) throw new FaultError('BAD_INPUT', `The cells that are done were measured with copies of ${copied.name}, and ${chosen.spec.name} is another engine, or was changed since.`, 'Leave the engine out, or start a new experiment.', { field: 'engineId' })
  return chosen?.spec ?? engines.find(alike)?.spec ?? copied
}

/** Without what is set anew for every copy. */
function whatCounts(spec: EngineSpec): EngineSpec {
  const anew = { name: 'x', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, restartBudget: 0, readyWithinSeconds: 1 }
  return EngineSpec.parse({ ...spec, ...anew })
}

function refuseMasked({ arms }: ExperimentFile, engine: EngineSpec): void {
  if (!JSON.stringify([engine, arms.map(({ extraArguments }) => extraArguments)]).includes(MASK)) return
  throw new FaultError('BAD_INPUT', `The secrets of ${engine.name} are masked, as they are in every report: a copy of it could not be started.`, 'Add the engine to this workstation and choose it, or write the secrets into the file.', { field: 'engineId' })
}

function engineOf(choice: ExperimentChoice, file: ExperimentFile, engines: readonly Engine[], gpuUuid: string | null): EngineSpec {
  const found = chosenEngine(choice, engines)?.spec ?? file.engine ?? engines.find(({ spec }) => gpuUuid === null || spec.gpuUuid === gpuUuid)?.spec
  if (!found) throw new FaultError('BAD_INPUT', 'The experiment names no engine, and there is none here to copy.', 'Add an engine, or name one in the file.', { field: 'engineId' })
  return found
}

function gpuOf(gpuUuid: string | null, gpus: readonly GpuIdentity[]): GpuIdentity {
  const gpu = gpuUuid === null ? gpus[0] : gpus.find(({ uuid }) => uuid === gpuUuid)
  if (!gpu) throw new FaultError('NOT_FOUND', gpuUuid === null ? 'No GPU has been seen yet.' : `There is no GPU ${gpuUuid}.`, 'Choose one of the GPUs of this machine.', { field: 'gpuUuid' })
  return gpu
}

/** The engine stands in the plan's file, secrets masked, so that the report can be repeated elsewhere. Checks are still empty. */
export function plannedOf({ file, engine, gpu }: Chosen, lab: Lab): Plan {
  const engines = lab.engines.list.value
  const plan = planOf({
    file, engine, gpu, engines, daemon: lab.daemons.value.find(({ gpuUuid }) => gpuUuid === gpu.uuid) ?? null,
    gpuUsedMiB: lab.frames.value?.rows.find(({ uuid }) => uuid === gpu.uuid)?.metrics.memoryUsedMiB ?? null,
    secondsToLoad: secondsToLoad(engine, engines),
    seenMiB: engines.find(({ spec, state, temporary }) => !temporary && state === 'ready' && isDeepStrictEqual(spec, engine))?.gpuMemoryMiB ?? null,
  })
  return { ...plan, file: { ...plan.file, engine: withoutSecrets(engine, lab.host) } }
}

/** Of itself, or of one of the same kind and model, as it was seen loading. Null: none was. */
export function secondsToLoad(spec: EngineSpec, engines: readonly Engine[]): number | null {
  const loaded = engines.filter((engine) => engine.state === 'ready' && engine.loadedInMs !== null)
  const model = modelOf(spec)
  const seen = loaded.find((engine) => engine.spec.name === spec.name) ?? loaded.find((engine) => model !== null && engine.spec.recipe === spec.recipe && modelOf(engine.spec) === model)
  return seen?.loadedInMs == null ? null : seen.loadedInMs / 1000
}
