// From "cancel" to tidied up: an experiment with five engines, MPS and a load generator on the simulated workstation, beside ending the
// same engines and daemon by hand.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../../shared/engine.ts'
import type { ExperimentFile, ExperimentNow, Report, ReportedEngine } from '../../shared/experiment.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { endLeftovers, openCore, root, type Core } from '../core.ts'
import { median, ms, type Row } from './row.ts'

const TURNS = 3
const LOOK_MS = 100
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS))

const arm = (id: string, kind: 'single' | 'timeSliced' | 'mps') => ({ id, name: id, kind, engines: kind === 'single' ? 1 : 2, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [] })
/** An open loop needs no probe: it is soon measuring, and measures until it is cancelled. */
const FILE: ExperimentFile = {
  version: 1, title: 'To be cancelled', question: '', source: null, needs: [], waitsFor: null, engine: null, axes: [], arms: [arm('single', 'single'), arm('sliced', 'timeSliced'), arm('mps', 'mps')],
  load: { api: 'completions', prompt: { shape: 'fixed', tokens: 32 }, output: { shape: 'fixed', tokens: 256 }, arrivals: { kind: 'poisson', perSecond: 20 }, regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: 16, goodput: null, seed: 1 },
  blocks: { rounds: 1, seconds: 600, warmUpSeconds: 0, coolDownSeconds: 0 }, residency: 'hot', readOffAtLatencySeconds: null, claims: [],
}

export async function run({ short }: { short: boolean }): Promise<Row[]> {
  const core = await openCore({ scene: 'mps-off' })
  const folder = await mkdtemp(join(tmpdir(), 'ov-hand-'))
  const [cancels, hands]: [number[], number[]] = [[], []]
  try {
    for (let turn = 0; turn < (short ? 1 : TURNS); turn++) {
      const { tookMs, report } = await cancelled(core)
      cancels.push(tookMs)
      hands.push(await byHand(report.engines, folder))
    }
  } finally {
    await endLeftovers(folder)
    await rm(folder, { recursive: true, force: true })
    await core.close()
  }
  return [{
    what: 'cancel to nothing left: five engines under load, MPS, generators (simulated)', ours: ms(median(cancels)), yardstick: `${ms(median(hands))} by hand (SIGTERM to all engines at once, idle; then quit -t 1)`, ratio: median(cancels) / median(hands),
    goal: '≤ 10 s', note: `each: ${cancels.map(ms).join(', ')}; ours ends one after the other what was made last, and starts again the two engines that were set aside`, missed: Math.max(...cancels) > 10_000,
  }]
}

async function cancelled(core: Core): Promise<{ tookMs: number; report: Report }> {
  while (!(await core.first<Engine[]>('engine.list')).every(({ state }) => state === 'ready') || (await core.first<MpsDaemon[]>('mps.daemons'))[0]?.state !== 'stopped') await pause()
  const { id } = await core.call<{ id: string }>('experiment.start', { file: FILE })
  for (let now: ExperimentNow | null = null; now?.phase !== 'measuring'; now = await core.first('experiment.now')) {
    if (now?.phase === 'done') throw new Error(`The experiment ended: ${now.fault?.sentence ?? now.sentence}`)
    await pause()
  }
  const began = performance.now()
  await core.call('experiment.cancel', { id })
  return { tookMs: performance.now() - began, report: await core.call<Report>('experiment.report', { id }) }
}

/** The same command lines, started one after another, and ended as a script would. */
async function byHand(engines: readonly ReportedEngine[], folder: string): Promise<number> {
  const pipe = { CUDA_MPS_PIPE_DIRECTORY: join(folder, 'pipe'), CUDA_MPS_LOG_DIRECTORY: join(folder, 'log') }
  const control = async (env: Record<string, string>, input: string | null): Promise<void> => {
    const child = execFile(process.execPath, [join(root, 'electron/sim/mpsControl.ts'), ...(input === null ? ['-d'] : [])], { env: { ...process.env, ...env } })
    child.stdin?.end(input ?? '')
    await once(child, 'exit')
  }
  const daemon = { OVERLAP_SIM: engines[0]?.env['OVERLAP_SIM'] ?? '', ...pipe }
  await control(daemon, null)
  await control(daemon, 'start_server -uid 0\n')
  const children: ChildProcess[] = []
  for (const { argv, env, armId } of engines) {
    const [program = '', ...words] = argv
    children.push(spawn(program, words, { env: { ...process.env, ...env, ...(armId === 'mps' ? pipe : { CUDA_MPS_PIPE_DIRECTORY: folder }) }, stdio: 'ignore' }))
    const url = `http://127.0.0.1:${words[words.indexOf('--port') + 1]}/health`
    while (!(await fetch(url).then(({ ok }) => ok, () => false))) await pause()
  }
  const began = performance.now()
  const ends = children.map((child) => once(child, 'exit'))
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(ends)
  await control(daemon, 'quit -t 1\n')
  return performance.now() - began
}
