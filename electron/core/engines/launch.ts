// One start of an engine: the plan, the command that carries it out, and the proof that the keeper did. Knows no states.
import { randomUUID } from 'node:crypto'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { DaemonLimits } from '../../../shared/mps.ts'
import type { Host, LaunchCommand } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import { LogReader } from './engineLog.ts'
import { explainExit } from './exit.ts'
import { launchOf } from './recipes/recipes.ts'
import type { RunFolder, StartedRun, StartPlan } from './runFolder.ts'

/** What engines need to know of the rest of the workstation. */
export interface Surroundings {
  /** The usable daemon of this GPU; null: none that a client could attach to. */
  mpsEnvironment(gpuUuid: string): { pipeDirectory: string; daemonPid: number | null } | null
  /** terminate_client for those of the pids that are MPS clients, before they are killed. */
  releaseMpsClients(gpuUuid: string, pids: number[]): Promise<void>
  gpuExists(gpuUuid: string): boolean
  /** False while the workstation is held: engines that ended are not started again by themselves. */
  mayRestart(): boolean
  /** Limits of the daemon of this GPU, ours or used; null: no such GPU. */
  mpsLimits(gpuUuid: string): DaemonLimits | null
  /** GPU memory that it needs, worked out from its spec; null: cannot be. */
  memoryNeededMiB(spec: EngineSpec): number | null
  /** Name of an engine that Overlap did not start and that loads on this GPU now; null: none. */
  loadingElsewhere(gpuUuid: string): string | null
}

export const KEEPER_PATH = fileURLToPath(new URL('../host/keeper.ts', import.meta.url))
/** The Node that runs the keeper: the pinned one that start.mjs names, else this program, which may be Electron. */
export const NODE = nodeOf(process.env['OVERLAP_NODE'])
function nodeOf(pinned: string | undefined): { path: string; env: Record<string, string> } {
  if (pinned) return { path: pinned, env: {} }
  return { path: process.execPath, env: process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {} }
}
const KEEPER_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 50

/** Throws NOT_FOUND (no such GPU) or MPS_NOT_RUNNING: an engine that wants MPS is never started without it. */
export function planStart(spec: EngineSpec, port: number, surroundings: Surroundings): StartPlan {
  if (spec.gpuUuid !== null && !surroundings.gpuExists(spec.gpuUuid)) {
    throw new FaultError('NOT_FOUND', `The GPU of ${spec.name} is not there: ${spec.gpuUuid}.`, 'Choose a GPU of this machine, or check that the driver sees it.', { field: 'spec.gpuUuid' })
  }
  const mps = spec.onMps && spec.gpuUuid !== null ? surroundings.mpsEnvironment(spec.gpuUuid) : null
  if (spec.onMps && mps === null) {
    throw new FaultError('MPS_NOT_RUNNING', `${spec.name} wants MPS, and no MPS daemon can be used on its GPU.`, 'Start MPS first (restart it if its server is in FAULT), or take the engine off MPS.', { field: 'spec.onMps' })
  }
  return { version: 1, runId: randomUUID(), spec, port, mps }
}

/** With the environment that the engine gets: what is shown. */
export function launchCommand(plan: StartPlan, folder: RunFolder, keeperPath: string, toolsEnv: Record<string, string>): LaunchCommand {
  const { spec } = plan
  const launch = launchOf(spec, { port: plan.port, mps: plan.mps, noMpsDirectory: folder.noMpsDirectory })
  const runAsNode = 'ELECTRON_RUN_AS_NODE' in toolsEnv ? ['--run-as-node'] : []
  return {
    argv: [NODE.path, keeperPath, folder.path, ...runAsNode, '--', ...launch.argv],
    env: { ...toolsEnv, ...launch.env, ...NODE.env },
    cwd: launch.cwd ?? homedir(),
    logPath: folder.logPath,
    why: `start engine ${spec.name} with a keeper that outlives Overlap`,
  }
}

/** Without the user's own variables: the keeper reads them from the plan and gives them to the engine alone. */
function keeperCommand(command: LaunchCommand, { spec }: StartPlan): LaunchCommand {
  const env = Object.entries(command.env ?? {}).filter(([name, value]) => NODE.env[name] === value || spec.env[name] !== value)
  return { ...command, env: Object.fromEntries(env) }
}

interface Launching {
  plan: StartPlan
  folder: RunFolder
  host: Host
  procfs: Procfs
  clock: Clock
  keeperPath: string
  toolsEnv: Record<string, string>
}

/** All that it takes to start a running engine once more as it is, without whoever keeps it now. Its plan may hold secrets. */
export interface Relaunch {
  folder: string
  plan: StartPlan
  keeperPath: string
  toolsEnv: Record<string, string>
}

/** Launches and waits for the keeper's record. Throws FaultError when the engine never ran. */
export async function launchRun({ plan, folder, host, procfs, clock, keeperPath, toolsEnv }: Launching): Promise<StartedRun> {
  await folder.prepare(plan)
  const command = launchCommand(plan, folder, keeperPath, toolsEnv)
  host.preview(command) // teaches the ledger which values of the user's variables must not be shown
  const keeper = await host.launch(keeperCommand(command, plan)).catch(inSpecFields)
  for (const untilMs = clock.steady() + KEEPER_WITHIN_MS; clock.steady() < untilMs; await clock.sleep(LOOK_EVERY_MS)) {
    const keeperAlive = procfs.isAlive(keeper)
    const exit = await folder.exit(plan.runId)
    if (exit !== null && exit.spawnError !== null) throw plan.spec.cpus === null ? FaultError.of({ ...explainExit(plan.spec.name, exit, []).fault, detail: launchOf(plan.spec, { port: plan.port, mps: plan.mps, noMpsDirectory: '' }).argv[0] ?? null }) : noTaskset(plan.spec)
    const run = await folder.run()
    if (run?.runId === plan.runId) return run
    if (!keeperAlive) break
  }
  host.signal(keeper, 'SIGKILL', 'process')
  const last = await new LogReader(folder.logPath, clock).tail(15)
  throw new FaultError('ENGINE_EXITED', `The keeper of ${plan.spec.name} ended before it could start the engine.`, 'Look at the log of the engine and at the free disk space.', { detail: last.join('\n') })
}

/** With CPUs of its own, the program that the keeper could not start is taskset. */
const noTaskset = ({ name, cpus }: EngineSpec) =>
  new FaultError('TOOL_MISSING', `${name} could not be started: taskset is not there, which binds it to its CPUs ${cpus}.`, 'Install util-linux, or let it run on all CPUs.', { field: 'spec.cpus' })

/** The host speaks of `cwd`; the form knows it as `spec.cwd`. */
function inSpecFields(thrown: unknown): never {
  if (thrown instanceof FaultError && thrown.fault.field === 'cwd') thrown.fault.field = 'spec.cwd'
  throw thrown
}
