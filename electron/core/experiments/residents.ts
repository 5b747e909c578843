// The engines of one arm on the GPU: loaded one after another, shown to be what the arm says, and gone again. Sends no load.
import type { CommandPreview } from '../../../shared/command.ts'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import type { Arm, Check, ReportedEngine } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { capacityFromLog, declaredCapacity, type Capacity } from '../engines/capacity.ts'
import type { Target } from '../load/target.ts'
import type { Arrangement } from './arrangement.ts'
import type { Lab } from './lab.ts'
import { modelRevision } from './modelRevision.ts'
import { memoryCheck, roomFor, type Room } from './room.ts'
import { until } from './until.ts'

export interface Resident {
  id: string
  spec: EngineSpec
  target: Target
  capacity: Capacity
  preview: CommandPreview
  modelRevision: string | null
}

export interface Residents {
  arm: Arm
  engines: Resident[]
}

/** Beyond what its spec allows for becoming ready; the lifecycle ends it by itself then. */
const READY_GRACE_MS = 30_000
const PROOF_MS = 20_000
/** Of it, for nvidia-smi to list an engine without MPS. Where it never does (a container), the daemon's list must do. */
const LISTED_MS = 6_000
/** Lines of the log in which an engine says what it has. */
const LOG_LINES = 2000
/** Of the log of an engine that failed. */
const LAST_LINES = 15

export interface Loading {
  lab: Lab
  arrangement: Arrangement
  signal: AbortSignal
}

/** One after another, each when its memory is free; what was loaded before a failure is removed. Throws EXPERIMENT_FAILED naming arm and engine. */
export async function loadArm(arm: Arm, specs: readonly EngineSpec[], loading: Loading): Promise<Residents & { memory: Check }> {
  const engines: Resident[] = []
  const ids: string[] = []
  const room: Room[] = []
  try {
    for (const spec of specs) {
      room.push(await roomFor(spec, arm, loading))
      const id = await loading.arrangement.addEngine(spec)
      ids.push(id)
      engines.push(await loadEngine(arm, id, spec, loading))
    }
  } catch (error) {
    await loading.arrangement.removeEngines(ids)
    throw error
  }
  return { arm, engines, memory: memoryCheck(arm, room) }
}

async function loadEngine(arm: Arm, id: string, spec: EngineSpec, { lab, arrangement, signal }: Loading): Promise<Resident> {
  const { clock, engines } = lab
  const [preview] = await engines.preview(id)
  await engines.start(id)
  await until(engines.list, (list) => (find(list, id)?.pid != null || find(list, id)?.state === 'failed' ? true : null), { clock, ms: READY_GRACE_MS, signal })
  arrangement.engineRuns(id)
  const ms = spec.readyWithinSeconds * 1000 + READY_GRACE_MS
  const engine = await until(engines.list, (list) => settled(find(list, id)), { clock, ms, signal })
  if (engine?.state !== 'ready') {
    const last = await engines.tail(id, LAST_LINES).catch(() => [])
    const why = engine?.fault ?? null
    throw new FaultError('EXPERIMENT_FAILED', `${arm.name}: ${spec.name} did not become ready. ${why?.sentence ?? ''}`.trim(), why?.hint ?? 'Look at the end of its log in the detail.', { detail: [why?.detail, ...last].filter(Boolean).join('\n') })
  }
  const doors = engines.doors(id)
  if (doors === null) throw new FaultError('EXPERIMENT_FAILED', `${arm.name}: ${spec.name} serves no OpenAI completions.`, 'Choose an engine that does.')
  const lines = await engines.tail(id, LOG_LINES).catch(() => [])
  return { id, spec, target: { engineName: spec.name, ...doors }, capacity: capacityOf(spec, lines), preview: shown(preview), modelRevision: await revisionOf(lab, spec, shown(preview), lines) }
}

const find = (list: readonly Engine[], id: string): Engine | undefined => list.find((engine) => engine.id === id)

/** Ready, or beyond hope; an engine that a user ended by hand is beyond hope too. */
const settled = (engine: Engine | undefined): Engine | null =>
  engine && ['ready', 'failed', 'stopped', 'draining', 'stopping', 'unknown'].includes(engine.state) ? engine : null

/** What the engine said when it loaded; what it did not say, as its spec declares it. */
function capacityOf(spec: EngineSpec, lines: readonly string[]): Capacity {
  const said = capacityFromLog(spec, lines)
  const declared = declaredCapacity(spec)
  return {
    kvCacheTokens: said.kvCacheTokens ?? declared.kvCacheTokens, kvCacheMiB: said.kvCacheMiB ?? declared.kvCacheMiB,
    maxSequences: said.maxSequences ?? declared.maxSequences, version: said.version ?? declared.version,
  }
}

/** A simulated engine reads no model: the files of this machine are not its. */
async function revisionOf(lab: Lab, spec: EngineSpec, { argv, cwd }: CommandPreview, lines: readonly string[]): Promise<string | null> {
  return lab.simulated ? null : modelRevision({ spec, argv, lines, env: { ...lab.host.environment, ...spec.env }, cwd })
}

/** The engine's own command: the keeper before it is no part of what is repeated. */
function shown(preview: CommandPreview | undefined): CommandPreview {
  if (!preview) return { argv: [], env: {}, cwd: null, stdin: null, why: '' }
  return { ...preview, argv: preview.argv.slice(preview.argv.indexOf('--') + 1) }
}

/** Whether every engine is now what its spec wants to be. Null: not (yet) told for all. */
export function standing(residents: Residents, list: readonly Engine[]): { as: boolean | null; evidence: string[]; against: string[] } {
  const wanted = residents.arm.kind === 'mps' ? 'attached' : 'notAttached'
  const seen = residents.engines.map(({ id, spec }) => ({ name: spec.name, attachment: find(list, id)?.attachment ?? null }))
  const words = seen.map(({ name, attachment }) => `${name}: ${attachment?.state ?? 'gone'}${attachment && attachment.evidence.length > 0 ? ` (${attachment.evidence.join('; ')})` : ''}`)
  const against = seen.filter(({ attachment }) => attachment === null || (attachment.state !== wanted && attachment.state !== 'unknown')).map(({ name, attachment }) => `${name}: ${attachment?.sentence ?? 'It is gone.'}`)
  const all = seen.every(({ attachment }) => attachment?.state === wanted)
  return { as: all ? true : against.length > 0 ? false : null, evidence: words, against }
}

/** Waits for proof of every engine. The check is failed, and the arm with it, when there is none in time: not known is not enough. */
export async function prove(residents: Residents, { lab, signal }: Loading): Promise<Check> {
  const { arm } = residents
  const wait = (ms: number, listed: boolean) => until(lab.engines.list, (list) => (proven(residents, list, lab, listed) ? true : null), { clock: lab.clock, ms, signal })
  if (!(await wait(LISTED_MS, true))) await wait(PROOF_MS - LISTED_MS, false)
  const list = lab.engines.list.value
  const { evidence, against } = standing(residents, list)
  const passed = proven(residents, list, lab, false)
  const meant = arm.kind === 'mps' ? 'an MPS client' : 'no MPS client'
  const pids = residents.engines.flatMap(({ id }) => find(list, id)?.pids ?? [])
  const sentence = passed ? `Every engine of ${arm.name} is ${meant}.` : against[0] !== undefined ? `Not every engine of ${arm.name} is ${meant}. ${against[0]}` : `It could not be shown that every engine of ${arm.name} is ${meant}.`
  return { name: `attached/${arm.id}`, weight: 'invalidates', result: passed ? 'passed' : 'failed', sentence, evidence: [...evidence, ...onGpu(pids, lab), ...withoutDaemon(residents, lab)] }
}

/**
 * Never having asked for MPS is no proof of being without it: since it became ready, the daemon's list must have been read and not name it (or there
 * is no daemon), and nvidia-smi must not call it a client. `listed`: it must also list it, as an ordinary process.
 */
function proven(residents: Residents, list: readonly Engine[], lab: Lab, listed: boolean): boolean {
  if (standing(residents, list).as !== true) return false
  if (residents.arm.kind === 'mps') return true
  const { processes, atMs } = lab.frames.value ?? { processes: null, atMs: 0 }
  return residents.engines.every(({ id, spec }) => {
    const engine = find(list, id)
    const daemon = lab.daemons.value.find(({ gpuUuid }) => gpuUuid === spec.gpuUuid)
    if (!engine || processes === null || atMs <= engine.sinceMs) return false
    const noDaemon = daemon === undefined || daemon.state === 'stopped'
    const listRead = daemon?.proof.answers === true && daemon.proof.checkedAtMs > engine.sinceMs
    const isClient = daemon?.clients.some(({ pid }) => engine.pids.includes(pid)) ?? false
    const rows = processes.filter(({ pid }) => engine.pids.includes(pid))
    return (noDaemon || listRead) && !isClient && rows.every(({ type }) => !type?.includes('M')) && (rows.length > 0 || !listed)
  })
}

/** What stands against engines without MPS being clients all the same. */
function withoutDaemon({ arm, engines }: Residents, lab: Lab): string[] {
  if (arm.kind === 'mps') return []
  const daemon = lab.daemons.value.find(({ gpuUuid }) => gpuUuid === engines[0]?.spec.gpuUuid)
  return [!daemon || daemon.state === 'stopped' ? 'no MPS daemon serves the GPU' : `get_client_list names ${daemon.clients.length === 0 ? 'no process' : daemon.clients.map(({ pid }) => pid).join(', ')}`]
}

const onGpu = (pids: readonly number[], lab: Lab): string[] =>
  (lab.frames.value?.processes ?? []).filter(({ pid }) => pids.includes(pid)).map(({ pid, type }) => `nvidia-smi lists pid ${pid} as ${type ?? 'a process without a type'}`)

/** CPUs of each engine's processes together; null: of one of them it cannot be told. */
export function cpusOf({ engines }: Residents, lab: Lab): (number[] | null)[] {
  return engines.map(({ id }) => {
    const lists = (find(lab.engines.list.value, id)?.pids ?? []).map((pid) => lab.cpusOf(pid))
    return lists.length === 0 || lists.includes(null) ? null : [...new Set(lists.flatMap((list) => list ?? []))].sort((a, b) => a - b)
  })
}

export function reportedEngines({ arm, engines }: Residents, lab: Lab): ReportedEngine[] {
  const list = lab.engines.list.value
  return engines.map(({ id, spec, preview, capacity, modelRevision: revision }) => {
    const engine = find(list, id)
    return {
      armId: arm.id, name: spec.name, recipe: spec.recipe, argv: preview.argv, env: preview.env, pids: engine?.pids ?? [], cpus: spec.cpus,
      attachment: engine?.attachment.sentence ?? 'It is gone.', // an engine that never asked for MPS may have none of its own yet
      attachmentEvidence: engine?.attachment.evidence.length ? engine.attachment.evidence : onGpu(engine?.pids ?? [], lab),
      kvCacheTokens: capacity.kvCacheTokens, maxSequences: capacity.maxSequences, version: capacity.version, modelRevision: revision,
    }
  })
}
