// What an experiment will do, before anything is done: cells, loads, memory, time, what is set aside, what the model expects. Pure.
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { withRate, type Arm, type ExperimentFile, type Plan, type Point } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { GpuIdentity } from '../../../shared/gpu.ts'
import { withoutStrays } from '../../../shared/held.ts'
import type { Load } from '../../../shared/load.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { predictArms } from '../advisor/predict/predict.ts'
import { weightsMiBOf } from '../advisor/predict/shapes.ts'
import { memoryNeededMiB, modelOf } from '../engines/capacity.ts'
import { fleetOf } from '../engines/fleet.ts'
import { checkExperiment } from './presets.ts'
import { WARM_SECONDS } from './warming.ts'

/** Half of the warm-up that the load's author found necessary: long prompts give no token at first. */
const shortWindow = ({ blocks }: ExperimentFile) => ({ warmUpSeconds: Math.max(0.5, blocks.warmUpSeconds / 2), seconds: 2 })
/** Two windows of one arm, at its load and at twice that: whether it has reached its plateau. */
export const probeOf = (file: ExperimentFile) => ({ windows: 2, ...shortWindow(file) })
/** On the single engine, half of them before and half after the other arms' engines are loaded. */
export const controlOf = (file: ExperimentFile) => ({ blocks: 4, ...shortWindow(file) })
/** Loading one engine where none of its kind was seen loading: vLLM with warm caches, llama-server from disk, anything else. */
export const GUESSED_SECONDS_TO_LOAD = { vllm: 60, llamaServer: 15, custom: 30 } as const
/** Of the memory that is free for the experiment, what hot arms may fill. */
const HOT_SHARE = 0.9
export const MOST_CELLS = 500
/** Of compared blocks: a report of more would not be kept (store/reports.ts), and hardly be read. */
const MOST_BLOCKS = 5_000

export interface PlanRequest {
  file: ExperimentFile
  /** One replica: the file's engine, or the chosen one. */
  engine: EngineSpec
  gpu: GpuIdentity
  engines: readonly Engine[]
  daemon: MpsDaemon | null
  gpuUsedMiB: number | null
  /** Of one engine of this kind, as seen on this workstation; null: not seen. */
  secondsToLoad: number | null
  /** GPU memory of this very engine while it runs here: for kinds whose need cannot be worked out. Null: it does not run. */
  seenMiB: number | null
}

/** One point per cell, the first axis outermost; without axes one cell. Throws BAD_INPUT when they are too many to be meant. */
export function cellsOf(file: ExperimentFile): Point[] {
  const count = file.axes.reduce((product, { values }) => product * values.length, 1)
  if (count > MOST_CELLS) throw new FaultError('BAD_INPUT', `The axes make ${count} cells; ${MOST_CELLS} are the most.`, 'Vary fewer values, or split the experiment.', { field: 'axes' })
  return file.axes.reduce<Point[]>((points, { vary, values }) => points.flatMap((point) => values.map((value): Point => ({ ...point, [vary]: value }))), [{}])
}

/** The load of one cell: the file's, with what the point varies put in as fixed numbers. */
export function loadOf({ load }: ExperimentFile, point: Point): Load {
  const fixed = (tokens: number | undefined, written: Load['prompt']): Load['prompt'] => (tokens === undefined ? written : { shape: 'fixed', tokens })
  return { ...load, prompt: fixed(point.promptTokens, load.prompt), output: fixed(point.outputTokens, load.output), arrivals: withRate(load.arrivals, point) }
}

/** Whether each arm is asked for its plateau: a sweep of the rate shows it by itself, and an open loop sets its own rate. */
export function probesPlateau(file: ExperimentFile): boolean {
  return file.load.arrivals.kind === 'closed' && !file.axes.some(({ vary }) => vary === 'concurrency' || vary === 'perSecond')
}

const RUNNING = new Set<Engine['state']>(['waiting', 'starting', 'ready', 'draining', 'stopping', 'unknown'])
/** Users' engines that name this GPU and run. One that names no GPU is found by its processes before the start. */
const inTheWay = ({ engines, gpu }: PlanRequest): Engine[] =>
  engines.filter(({ spec, temporary, state }) => !temporary && spec.gpuUuid === gpu.uuid && RUNNING.has(state))

/** Adds up; null: one of them is not known. */
const sumOf = (parts: readonly (number | null)[]): number | null => parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0)
const mostOf = (parts: readonly (number | null)[]): number | null => parts.reduce((most, part) => (most === null || part === null ? null : Math.max(most, part)), 0)

/**
 * For the largest of the models: all arms side by side (hot), and the largest arm by itself (cold); null: of some engine it is not known.
 * Where a running engine is all there is to go by, the single one with the replicas' sum needs at most as many times that: enough to say that all fit, not that they do not.
 */
function memoryOf(request: PlanRequest, cells: readonly Point[]): Record<Plan['residency'], number | null> {
  const { file, engine, gpu, seenMiB } = request
  const replicas = Math.max(...file.arms.map(({ engines }) => engines))
  const seen = (arm: Arm, model: string | null) => (seenMiB === null || (model !== null && model !== modelOf(engine)) ? null : seenMiB * (arm.kind === 'single' ? replicas : arm.engines))
  const armMiB = (arm: Arm, model: string | null): number | null => {
    const cpus = Array.from({ length: arm.engines }, () => null)
    const specs = fleetOf({ engine, arm, model, gpuUuid: gpu.uuid, cpus, replicas, streamIntervalTokens: file.load.streamIntervalTokens, prefix: 'plan' })
    return sumOf(specs.map((spec) => memoryNeededMiB(spec, weightsMiBOf(modelOf(spec)), gpu.memoryTotalMiB)))
  }
  const most = (of: (arm: Arm, model: string | null) => number | null) => {
    const arms = models.map((model) => file.arms.map((arm) => of(arm, model)))
    return { hot: mostOf(arms.map(sumOf)), cold: mostOf(arms.map(mostOf)) }
  }
  const models = [...new Set(cells.map(({ model }) => model ?? null))]
  const [known, atMost] = [most(armMiB), most(seen)]
  const fitting = (mib: number | null) => (fits(request, mib) ? mib : null)
  return { hot: known.hot ?? fitting(atMost.hot), cold: known.cold ?? fitting(atMost.cold) }
}

/** What the experiment may use once the engines in the way are gone; null: not known. */
function freeMiB(request: PlanRequest): number | null {
  const { gpu, gpuUsedMiB } = request
  if (gpu.memoryTotalMiB === null || gpuUsedMiB === null) return null
  const leaves = inTheWay(request).reduce((sum, { gpuMemoryMiB }) => sum + (gpuMemoryMiB ?? 0), 0)
  return gpu.memoryTotalMiB - Math.max(0, gpuUsedMiB - leaves)
}

function fits(request: PlanRequest, neededMiB: number | null): boolean {
  const free = freeMiB(request)
  return neededMiB !== null && free !== null && neededMiB <= HOT_SHARE * free
}

function residencyOf(request: PlanRequest, neededMiB: number | null): Plan['residency'] {
  if (request.file.residency !== 'auto') return request.file.residency
  return fits(request, neededMiB) ? 'hot' : 'cold'
}

/** How often all arms' engines are loaded. Hot: anew when the model changes from one cell to the next. Cold: for each half of a cell's rounds. */
function loadings({ file }: PlanRequest, cells: readonly Point[], residency: Plan['residency']): number {
  if (residency === 'cold') return cells.length * Math.min(2, file.blocks.rounds)
  return cells.filter(({ model }, at) => at === 0 || model !== cells[at - 1]?.model).length
}

function estimateOf(request: PlanRequest, cells: readonly Point[], residency: Plan['residency']): Omit<Plan['estimate'], 'gpuMemoryMiB'> {
  const { file, engine, secondsToLoad } = request
  const { rounds, seconds, warmUpSeconds, coolDownSeconds } = file.blocks
  const allArms = loadings(request, cells, residency)
  const engines = file.arms.reduce((sum, arm) => sum + arm.engines, 0)
  const [probe, before] = [probeOf(file), controlOf(file)]
  const probing = probesPlateau(file) ? cells.length * file.arms.length * probe.windows * (probe.warmUpSeconds + probe.seconds) : 0
  // two windows after every loading, where nothing has to be compiled first
  const warming = allArms * file.arms.length * 2 * (probe.warmUpSeconds + WARM_SECONDS)
  const control = residency === 'hot' && file.arms.length > 1 && file.arms.some(({ kind }) => kind === 'single') ? allArms * before.blocks * (before.warmUpSeconds + before.seconds) : 0
  return {
    loadingSeconds: allArms * engines * (secondsToLoad ?? GUESSED_SECONDS_TO_LOAD[engine.recipe]),
    measuringSeconds: cells.length * rounds * file.arms.length * (warmUpSeconds + seconds + coolDownSeconds) + warming + probing + control,
  }
}

/**
 * The plan, its checks still empty. Times in seconds: loading is engines × the time that one takes, one after another; measuring is all blocks with
 * warm-up and cool-down, the warming up after each loading, the plateau probes and the control blocks. Starting again what was set aside is in neither.
 * Hot where all arms fit side by side with a tenth of the memory to spare, else cold: then the arms of a cell are loaded one after another
 * for the first half of its rounds and in reverse order for the second (A B C, C B A), so that no arm always comes first.
 * Memory is what is loaded at one time: all arms when hot, the largest arm when cold.
 * `file` stands in the plan as it was given: an engine that takes the place of a null one is in the report with its argv, secrets masked.
 * Throws BAD_INPUT for what cannot be an experiment.
 */
export function planOf(request: PlanRequest): Plan {
  const { file, engine, gpu, daemon } = request
  checkExperiment(file)
  const cells = cellsOf(file)
  const blocks = cells.length * file.arms.length * file.blocks.rounds
  if (blocks > MOST_BLOCKS) throw new FaultError('BAD_INPUT', `Cells × arms × rounds make ${blocks} blocks; ${MOST_BLOCKS} are the most.`, 'Take fewer rounds or values, or split the experiment.', { field: 'blocks.rounds' })
  const memory = memoryOf(request, cells)
  const residency = residencyOf(request, memory.hot)
  return {
    file: withoutStrays(file), gpuUuid: gpu.uuid, residency,
    // What waits for another engine would be predicted for the wrong one.
    cells: cells.map((point) => ({ point, predictions: file.waitsFor !== null ? [] : predictArms({ gpu, engine, arms: file.arms, load: loadOf(file, point), point }) })),
    setsAside: inTheWay(request).map(({ spec }) => spec.name),
    startsMps: file.arms.some(({ kind }) => kind === 'mps') && (daemon === null || daemon.state === 'stopped'),
    estimate: { ...estimateOf(request, cells, residency), gpuMemoryMiB: memory[residency] },
    checks: [],
  }
}
