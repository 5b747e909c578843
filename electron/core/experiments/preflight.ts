// Whether an experiment can work here and now: looks, decides, starts nothing. Pure; whoever asks brings the facts.
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { LIKELY_GAIN, type Check, type Hold, type Plan } from '../../../shared/experiment.ts'
import type { FoundEngine } from '../../../shared/foundEngine.ts'
import type { GpuFrame, GpuIdentity } from '../../../shared/gpu.ts'
import { readBackMiB, type MpsDaemon } from '../../../shared/mps.ts'

export interface PreflightFacts {
  plan: Plan
  engine: EngineSpec
  gpu: GpuIdentity
  frame: GpuFrame | null
  daemon: MpsDaemon | null
  /** All of the workstation. */
  engines: readonly Engine[]
  /** Engines of others, of the whole workstation. */
  found: readonly Pick<FoundEngine, 'name' | 'pids' | 'obstacle'>[]
  hold: Hold | null
  /** Of all engines that are loaded at a time; null: cannot be told. */
  neededMiB: number | null
  /** Of the fleet's widest arm. */
  coresDisjoint: boolean
  /** Largest arm's KV cache is an absolute size that can be multiplied. */
  kvIsAbsolute: boolean
  /** Of a copy that was planned to the last argument and not started; null: not asked (a plan), a sentence: why it cannot be. */
  copy: { executable: string; found: boolean; problem: string | null } | null
}

/** Fills what nvidia-smi's own rounding and the driver take. */
const SPARE_MIB = 256

const check = (name: string, weight: Check['weight'], ok: boolean | null, sentence: string, evidence: string[] = []): Check =>
  ({ name, weight, result: ok === null ? 'notChecked' : ok ? 'passed' : 'failed', sentence, evidence })

export function preflight(facts: PreflightFacts): Check[] {
  return [waitsFor, held, loading, openAi, executable, live, mig, computeMode, memory, gpuIsFree, foreignDaemon, mpsThere, serverShare, serverMemory, cores, kv, gpm, prediction]
    .flatMap((look) => look(facts) ?? [])
}

export const refusals = (checks: readonly Check[]): Check[] => checks.filter(({ weight, result }) => weight === 'refuses' && result === 'failed')

type Look = (facts: PreflightFacts) => Check | null

const armsOf = ({ plan }: PreflightFacts, kind: 'mps' | 'plain') => plan.file.arms.filter((arm) => (arm.kind === 'mps') === (kind === 'mps'))

const waitsFor: Look = ({ plan: { file } }) => (file.waitsFor === null ? null : check('canBeRun', 'refuses', false, file.waitsFor))

const held: Look = ({ hold }) => check('nothingElseRuns', 'refuses', hold === null, hold === null ? 'No other experiment holds the workstation.' : `${hold.sentence} Cancel it first.`, hold === null ? [] : [`experiment ${hold.experimentId}`])

const loading: Look = ({ engines, plan }) => {
  const busy = engines.filter(({ spec, state }) => spec.gpuUuid === plan.gpuUuid && ['waiting', 'starting', 'draining', 'stopping'].includes(state))
  return check('enginesSettled', 'refuses', busy.length === 0, busy.length === 0 ? 'No engine of this GPU is starting or stopping.' : 'Engines of this GPU are starting or stopping: wait until they have settled.', busy.map(({ spec, state }) => `${spec.name} is ${state}`))
}

const openAi: Look = ({ engine }) => {
  const serves = engine.recipe !== 'custom' || engine.openAi
  return check('engineServesOpenAi', 'refuses', serves, serves ? `${engine.name} serves OpenAI's completions, to which the load is sent.` : `${engine.name} does not serve OpenAI's completions, so that no load can be sent to it.`)
}

const executable: Look = ({ copy }) => {
  if (copy === null) return check('engineCanBeCopied', 'refuses', null, 'Whether its program is there is looked at in the rehearsal.')
  if (copy.problem !== null) return check('engineCanBeCopied', 'refuses', false, copy.problem)
  return check('engineCanBeCopied', 'refuses', copy.found, copy.found ? 'A copy of the engine can be started.' : `${copy.executable} is not installed, or cannot be executed.`, [copy.executable])
}

const live: Look = ({ frame }) => {
  const query = frame?.streams.find(({ name }) => name === 'query')
  const processes = frame?.streams.find(({ name }) => name === 'processes')
  const ok = query?.state === 'live' && frame?.processes !== null
  return check('nvidiaSmiLive', 'refuses', ok, ok ? 'nvidia-smi reports readings and processes.' : 'nvidia-smi does not report readings and processes now: what happens on the GPU could not be told.',
    [query, processes].flatMap((stream) => (stream ? [`${stream.name}: ${stream.state}`] : [])))
}

const mig: Look = ({ gpu }) => {
  const on = gpu.migMode === 'Enabled'
  return check('migIsOff', 'refuses', gpu.migMode === null ? true : !on, on ? 'MIG is enabled on this GPU: its instances are apart, and MPS across them is not possible.' : 'MIG does not divide this GPU.', [`mig.mode.current: ${gpu.migMode ?? 'not reported'}`])
}

const computeMode: Look = (facts) => {
  const { computeMode: mode } = facts.gpu
  const evidence = [`compute_mode: ${mode ?? 'not reported'}`]
  if (mode === 'Prohibited') return check('computeMode', 'refuses', false, 'The compute mode is Prohibited: no engine can use this GPU.', evidence)
  if (mode !== 'Exclusive_Process') return check('computeMode', 'refuses', mode === null ? null : true, mode === null ? 'The compute mode is not reported.' : 'Several processes may use this GPU.', evidence)
  const several = armsOf(facts, 'plain').find(({ engines }) => engines > 1)
  if (several) return check('computeMode', 'refuses', false, `The compute mode is Exclusive_Process: ${several.name} needs ${several.engines} processes without MPS. Set it to Default (nvidia-smi -c DEFAULT, as root), or leave that arm out.`, evidence)
  const hot = facts.plan.residency === 'hot' && armsOf(facts, 'plain').length > 0 && facts.plan.file.arms.length > 1
  const ownDaemon = armsOf(facts, 'plain').length > 0 && facts.daemon?.state === 'running'
  if (hot || ownDaemon) return check('computeMode', 'refuses', false, 'The compute mode is Exclusive_Process: a plain engine cannot stand beside another engine or an MPS server. Set it to Default, as root.', evidence)
  return check('computeMode', 'refuses', true, 'Exclusive_Process, and no two processes without MPS are needed at a time.', evidence)
}

/** Processes on the GPU that are neither an engine's nor an MPS server's. Graphics alone is told apart: a desktop is there all the time. */
export function foreignProcesses({ frame, engines, daemon, gpuUuid }: { frame: GpuFrame | null; engines: readonly Engine[]; daemon: MpsDaemon | null; gpuUuid: string }) {
  const ours = new Set([...engines.flatMap(({ pids }) => pids), ...(daemon?.servers ?? []).map(({ pid }) => pid)])
  const rows = (frame?.processes ?? []).filter((row) => row.gpuUuid === gpuUuid && !ours.has(row.pid) && !row.name.startsWith('nvidia-cuda-mps'))
  return { compute: rows.filter(({ type }) => type !== 'G'), graphics: rows.filter(({ type }) => type === 'G') }
}

const processWords = (rows: readonly { pid: number; name: string; type: string | null; usedMemoryMiB: number | null }[]) =>
  rows.slice(0, 8).map((row) => `pid ${row.pid} ${row.name} (${row.type ?? 'type not told'}, ${row.usedMemoryMiB ?? '—'} MiB)`)

const gpuIsFree: Look = ({ frame, engines, found, daemon, plan }) => {
  if (frame === null || frame.processes === null) return check('gpuIsFree', 'refuses', null, 'The processes on the GPU cannot be listed now.')
  const { compute, graphics } = foreignProcesses({ frame, engines, daemon, gpuUuid: plan.gpuUuid })
  if (compute.length > 0) {
    const here = found.filter(({ pids }) => compute.some(({ pid }) => pids.includes(pid)))
    const takeable = here.filter(({ obstacle }) => obstacle === null).map(({ name }) => name)
    const orTakeOver = takeable.length === 0 ? '' : `, or take over ${takeable.join(', ')} on the Engines screen`
    return check('gpuIsFree', 'refuses', false, `Other programs use this GPU: their work would be measured with ours. End them first${orTakeOver}.`, [...here.map(({ name, pids }) => `engine ${name}, not Overlap's: pid ${pids[0] ?? '—'}`), ...processWords(compute)])
  }
  if (graphics.length > 0) return check('gpuIsFree', 'warns', false, 'A desktop draws on this GPU; keep it quiet while blocks run.', processWords(graphics))
  return check('gpuIsFree', 'refuses', true, 'No other program uses this GPU.', [`nvidia-smi lists ${frame.processes.filter((row) => row.gpuUuid === plan.gpuUuid).length} processes there, all of engines or MPS`])
}

const memory: Look = ({ plan, gpu, frame, engines, neededMiB: needed }) => {
  const total = gpu.memoryTotalMiB
  if (needed === null || total === null) return check('memory', 'refuses', null, 'How much GPU memory the engines need cannot be told before they are loaded.')
  const used = frame?.rows.find(({ uuid }) => uuid === plan.gpuUuid)?.metrics.memoryUsedMiB ?? null
  // of an engine that has just become ready, the process is listed a moment before its memory is told
  const listed = (pids: readonly number[]) => (frame?.processes ?? []).reduce((sum, { pid, usedMemoryMiB }) => sum + (pids.includes(pid) ? (usedMemoryMiB ?? 0) : 0), 0)
  const ours = engines.filter(({ spec }) => spec.gpuUuid === plan.gpuUuid).map(({ gpuMemoryMiB, pids }) => gpuMemoryMiB ?? listed(pids)).reduce((sum, mib) => sum + mib, 0)
  const foreign = used === null ? 0 : Math.max(0, used - ours)
  const free = total - foreign - SPARE_MIB
  const evidence = [`needed ${Math.round(needed)} MiB`, `total ${Math.round(total)} MiB`, `used by others ${used === null ? '—' : Math.round(foreign)} MiB`]
  return check('memory', 'refuses', needed <= free, needed <= free ? 'The engines fit into the memory of the GPU.' : 'The engines do not fit into the memory of the GPU. Give each a smaller KV cache, or compare fewer engines.', evidence)
}

const foreignDaemon: Look = (facts) => {
  const { daemon } = facts
  if (daemon === null) return null
  const used = daemon.ownership === 'used'
  const foreign = !used && (daemon.state === 'foreign' || daemon.foreign.length > 0)
  if (!foreign) return check('noForeignDaemon', 'refuses', true, used ? 'The MPS daemon of this GPU was started elsewhere and is used with your consent.' : 'No other MPS daemon serves this GPU.')
  return check('noForeignDaemon', 'refuses', false, 'An MPS daemon that Overlap did not start serves this GPU: clients of two daemons take turns. Stop it, or choose to use it.',
    daemon.foreign.map(({ pid, pipeDirectory }) => `pid ${pid ?? '—'}${pipeDirectory === null ? '' : ` in ${pipeDirectory}`}`))
}

const mpsThere: Look = (facts) => {
  if (armsOf(facts, 'mps').length === 0) return null
  const { daemon } = facts
  if (daemon === null) return check('mpsCanBeUsed', 'refuses', null, 'The MPS daemon of this GPU has not been looked at yet.')
  const missing = daemon.fault?.code === 'TOOL_MISSING'
  const ok = !missing && ['stopped', 'running', 'noServer', 'foreign'].includes(daemon.state)
  return check('mpsCanBeUsed', 'refuses', ok, ok ? (daemon.state === 'stopped' ? 'MPS is started for the experiment and stopped after it.' : 'MPS runs on this GPU.') : missing ? 'nvidia-cuda-mps-control is not installed.' : `MPS cannot be used now: ${daemon.sentence}`,
    [`state: ${daemon.state}`, ...(daemon.fault ? [daemon.fault.sentence] : [])])
}

/** What the daemon gives its servers is a ceiling for every client: an arm would be measured with less than the report says. */
const serverShare: Look = (facts) => {
  const { daemon } = facts
  const wanted = Math.max(0, ...armsOf(facts, 'mps').map(({ sharePercent }) => Math.max(...(sharePercent ?? [100]))))
  if (wanted === 0 || daemon === null) return null
  const shares = clientLimits(daemon).map((limit) => limit.sharePercent)
  const ceiling = shares.includes(null) ? null : Math.min(...(shares as number[]))
  const ok = ceiling === null ? null : ceiling >= wanted
  return check('serverShare', ok === false ? 'refuses' : 'warns', ok, ok === false ? `The MPS daemon limits its clients to ${ceiling} % of the SMs, and an arm is meant to have ${wanted} %. Set its default to 100 % and restart MPS.` : ok ? 'The MPS daemon limits no client below its arm.' : 'Which share of the SMs the MPS daemon leaves its clients is not known.',
    [`SM share for clients: ${ceiling ?? '—'} %`])
}

/** Only the clients of MPS would have less memory, and nothing that is compared with them. */
const serverMemory: Look = (facts) => {
  const { daemon, gpu } = facts
  if (armsOf(facts, 'mps').length === 0 || daemon === null) return null
  // a running server's limit is lifted by setting the size of the GPU, which is read back in whole GiB
  const whole = 1024 * Math.floor((gpu.memoryTotalMiB ?? Infinity) / 1024)
  const limit = clientLimits(daemon).map(({ pinnedMemory }) => readBackMiB(pinnedMemory)).find((mebibytes) => mebibytes !== null && mebibytes < whole)
  return limit === undefined ? null : check('serverMemory', 'refuses', false, `The MPS daemon limits each of its clients to ${limit} MiB of memory, and what they are compared with is not limited. Take the limit away and restart MPS.`)
}

/** What a client that connects in the experiment would meet: of the running server, else of the next. */
function clientLimits({ state, ownership, limits }: MpsDaemon): { sharePercent: number | null; pinnedMemory: string | null }[] {
  const { wanted, servers } = limits
  if (servers.length > 0) return servers
  const fresh = state === 'stopped' || (ownership === 'overlap' && (wanted.sharePercent ?? wanted.pinnedMemoryMiB) !== null)
  return [fresh ? { sharePercent: wanted.sharePercent ?? 100, pinnedMemory: wanted.pinnedMemoryMiB === null ? 'none' : `${wanted.pinnedMemoryMiB}M` } : limits.default]
}

const cores: Look = ({ coresDisjoint }) => check('coresDisjoint', 'warns', coresDisjoint, coresDisjoint ? 'Every engine and the load generator have cores of their own.' : 'There are too few cores to give every engine and the load generator its own: they disturb each other, several engines more than one.')

const kv: Look = ({ kvIsAbsolute }) => check('kvIsAbsolute', 'warns', kvIsAbsolute ? true : null, kvIsAbsolute ? 'The KV cache has an absolute size, equal for every copy and the sum of them for the single engine.' : 'The engine has no absolute KV cache size: parity can only be read from its log, if it says so.')

const gpm: Look = ({ gpu }) => check('gpmThere', 'warns', gpu.gpm, gpu.gpm === true ? 'SM activity and DRAM bandwidth are read through GPM.' : gpu.gpm === false ? 'This GPU reports no SM activity: what MPS raises cannot be seen, only its effect on tokens.' : 'Whether this GPU reports SM activity has not been seen yet.')

const prediction: Look = ({ plan }) => {
  const gains = plan.cells.flatMap(({ predictions }) => predictions.flatMap(({ armId, gain }) => (gain === null || plan.file.arms.find(({ id }) => id === armId)?.kind !== 'mps' ? [] : [gain])))
  if (gains.length === 0) return check('gainExpected', 'warns', null, 'No gain is predicted: the model or the GPU is not known to the prediction.')
  // the band's low end is no overlap at all, which hardly any decode load meets: only a likely value near zero says no gain
  const none = gains.every(({ low, likely }) => low <= 0 && likely < LIKELY_GAIN)
  return check('gainExpected', 'warns', !none, none ? 'Expect no gain here: the predicted band of every arm holds zero, and its likely value is below 5 %.' : 'At least one arm is expected to gain.', gains.slice(0, 8).map(({ low, high }) => `${percent(low)} … ${percent(high)}`))
}

const percent = (ratio: number) => `${ratio < 0 ? '−' : '+'}${Math.abs(ratio * 100).toFixed(0)} %`
