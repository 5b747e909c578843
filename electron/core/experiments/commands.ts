// Every command of an experiment before it is started, each once, in the order of their first run: through the code that builds them at the start. Runs none.
import { join } from 'node:path'
import type { CommandPreview } from '../../../shared/command.ts'
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Arm, Plan } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { shareCores } from '../engines/cores.ts'
import { fleetOf } from '../engines/fleet.ts'
import { NODE } from '../engines/launch.ts'
import type { ProcessId } from '../host/host.ts'
import { isUp } from './arrangement.ts'
import type { Chosen } from './choice.ts'
import { gemmCommand } from './gemm.ts'
import { needsGuard } from './guard.ts'
import type { Lab } from './lab.ts'

type Cpus = ReturnType<Lab['cpus']>

export const journalPath = (stateDirectory: string): string => join(stateDirectory, 'experiment.journal')

/** Engines of the largest arm: the single one gets the resources of so many, and the load comes from as many processes. */
export const replicasOf = ({ file }: Plan): number => Math.max(...file.arms.map(({ engines }) => engines))

export const generatorCpus = (plan: Plan, cpus: Cpus): string | null => shareCores(cpus, replicasOf(plan)).generator

/** The specs of one arm's engines. Throws BAD_INPUT naming the arm. */
export function copiesOf(plan: Plan, engine: EngineSpec, { arm, model, cpus, prefix }: { arm: Arm; model: string | null; cpus: Cpus; prefix: string }): EngineSpec[] {
  const replicas = replicasOf(plan)
  return fleetOf({
    engine, arm, model, gpuUuid: plan.gpuUuid, replicas, prefix, streamIntervalTokens: plan.file.load.streamIntervalTokens,
    cpus: shareCores(cpus, arm.kind === 'single' ? replicas : arm.engines).engines,
  })
}

export function afterlifeCommand(lab: Pick<Lab, 'programs' | 'stateDirectory'>, { id, core }: { id: string; core: Pick<ProcessId, 'pid'> & { startTicks: number | string } }) {
  return {
    argv: [NODE.path, lab.programs.afterlife, journalPath(lab.stateDirectory), id, String(core.pid), String(core.startTicks)], env: NODE.env, cwd: lab.stateDirectory,
    why: 'tidy up after the experiment if Overlap is killed',
  }
}

export const FREE_PORT = '<a free port>'

/** Two numbers that are no ports: words that differ between them are the port's. */
const NO_PORTS = [70_001, 70_002] as const

function withFreePort(of: (port: number) => CommandPreview): CommandPreview {
  const [one, other] = [of(NO_PORTS[0]), of(NO_PORTS[1])]
  return { ...one, argv: one.argv.map((word, at) => (word === other.argv[at] ? word : word.replaceAll(String(NO_PORTS[0]), FREE_PORT))) }
}

/** Of all commands of engines together, in characters; a file of long arguments, many models and many engines would give thousands of millions. */
const MOST_SHOWN = 32 * 1024 * 1024

/** Signals at the end are none, and neither are requests: those stand in the plan. Throws BAD_INPUT naming the arm, and TOO_LARGE. */
export async function commandsOf(plan: Plan, { engine }: Pick<Chosen, 'engine'>, lab: Lab): Promise<CommandPreview[]> {
  const { gpuUuid, file } = plan
  const models = [...new Set(plan.cells.map(({ point }) => point.model ?? null))]
  const shown = models.length * file.arms.reduce((sum, arm) => sum + arm.engines * JSON.stringify([engine, arm]).length, 0)
  if (shown > MOST_SHOWN) throw new FaultError('TOO_LARGE', 'The commands of this experiment are too many and too long to be shown.', 'Give its arms shorter arguments, or compare fewer models.')
  const aside = lab.engines.list.value.filter((one) => one.spec.gpuUuid === gpuUuid && !one.temporary && isUp(one))
  const cpus = lab.cpus(gpuUuid)
  const pipeDirectory = lab.daemons.value.find((daemon) => daemon.gpuUuid === gpuUuid)?.pipeDirectory
  const mps = pipeDirectory === undefined ? null : { pipeDirectory, daemonPid: null }
  const engines = models.flatMap((model) => file.arms.flatMap((arm) => ofArm(arm, copiesOf(plan, engine, { arm, model, cpus, prefix: 'copy' }))))
  function ofArm(arm: Arm, specs: readonly EngineSpec[]): CommandPreview[] {
    const starts = specs.map((spec, at) => ({ spec, preview: { ...withFreePort((port) => lab.engines.previewCopy(spec, { port, mps: spec.onMps ? mps : null })), why: `${arm.name}: start engine ${at + 1} of ${specs.length}, with a keeper that outlives Overlap` } }))
    const [first] = starts
    return [...starts.map(({ preview }) => preview), ...(needsGuard(arm) && first && !lab.simulated ? [lab.host.preview(gemmCommand(arm, first))] : [])]
  }
  return [
    lab.host.preview(afterlifeCommand(lab, { id: '<id of the experiment>', core: { pid: process.pid, startTicks: '<start time of this process>' } })),
    ...(await Promise.all(aside.map(({ id }) => lab.engines.previewStop(id)))).flat(),
    ...(plan.startsMps ? lab.mps.preview(gpuUuid, 'start') : []),
    lab.previewCudaVersion(gpuUuid),
    ...Array.from({ length: replicasOf(plan) }, () => lab.previewGenerator(generatorCpus(plan, cpus))),
    ...engines,
    ...(plan.startsMps ? lab.mps.preview(gpuUuid, 'stop') : []),
    ...(await Promise.all(aside.map(({ id }) => lab.engines.preview(id)))).flat().map((preview) => ({ ...preview, why: `${preview.why}, again as it was set aside` })),
  ]
}
