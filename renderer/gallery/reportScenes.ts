// Experiments and Reports in every situation: sweeps, maps, losses, nothing, what runs.
import type { Axis, Block, ExperimentNow, Point, Preset, Report, ReportedEngine } from '../../shared/experiment.ts'
import type { Engine } from '../../shared/engine.ts'
import { blocksOf, check, comparisonsFor, demoFile, demoPlan, demoReport, FOUR_ARMS, GOOD_CHECKS, predictionsFor, PRESETS, resultOf, runningAt, THREE_ARMS } from './experiments.ts'
import type { Scene } from './scenes.ts'

const MODELS: Axis = { vary: 'model', values: ['Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-1.5B', 'Qwen/Qwen2.5-3B', 'Qwen/Qwen2.5-7B'] }
const CONTEXTS: Axis = { vary: 'promptTokens', values: [128, 512, 1024, 2048, 8192] }
const LOADS: Axis = { vary: 'concurrency', values: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] }

const pointsOf = (axes: Axis[]): Point[] => axes.reduce<Point[]>((points, axis) => points.flatMap((point) => axis.values.map((value) => ({ ...point, [axis.vary]: value }))), [{}])

/** Tokens/s and end-to-end seconds of an arm at a point; invented, and shaped like a sweep. */
function level(kind: string, point: Point): { tokens: number; seconds: number } {
  const size = MODELS.values.indexOf((point.model ?? MODELS.values[0]) as never)
  const load = point.concurrency ?? 256
  const gain = kind === 'mps' ? 1.44 - 0.13 * size - 0.09 * Math.log2((point.promptTokens ?? 128) / 128) : kind === 'timeSliced' ? 0.97 : 1
  const most = 11_000 * gain
  const tokens = most * (1 - Math.exp(-load / (90 * gain)))
  return { tokens, seconds: (256 * load) / Math.max(1, tokens) + 0.7 }
}

/** `done`: cells measured so far. */
function sweepReport(axes: Axis[], title: string, more: Partial<Report> = {}, done = Infinity): Report {
  const arms = THREE_ARMS
  const points = pointsOf(axes)
  const shape = blocksOf(arms)
  const cells = points.slice(0, done).map((point, cell) => shape.map((block): Block => {
    const arm = arms.find((one) => one.id === block.armId)!
    const { tokens, seconds } = level(arm.kind, point)
    const value = tokens * ((block.total?.outputTokensPerSecond ?? 0) / ({ single: 9800, 'sliced-2': 9350, 'mps-2': 12_050 }[arm.id] ?? 1))
    const total = { ...resultOf(value, block.index), endToEndMs: { count: 300, mean: seconds * 800, p50: seconds * 780, p90: seconds * 950, p95: seconds * 1000, p99: seconds * 1100, max: seconds * 1300 } }
    const share = (part: number) => ({ engineName: `demo-${arm.id}-${part + 1}`, result: resultOf((value / arm.engines) * (part === 0 ? 1.06 : 0.94), block.index) })
    return { ...block, index: cell * 100 + block.index, cell, startedAtMs: block.startedAtMs + cell * 160_000, total, engines: Array.from({ length: arm.engines }, (_, part) => share(part)) }
  }))
  const file = demoFile(arms, { title, axes, readOffAtLatencySeconds: axes.includes(LOADS) ? 8 : null })
  return demoReport({
    id: `r-${title.toLowerCase().replace(/\W+/g, '-')}`, blocks: cells.flat(), comparisons: cells.flatMap((blocks, cell) => comparisonsFor(arms, blocks).map((one) => ({ ...one, cell }))), cellsDone: cells.map((_, cell) => cell),
    plan: demoPlan(arms, 0.24, { file, cells: points.map((point) => ({ point, predictions: predictionsFor(arms, level('mps', point).tokens / level('single', point).tokens - 1 + 0.04) })) }), engines: ENGINES, ...more,
  })
}

const engineOf = (armId: string, at: number, onMps: boolean): ReportedEngine => ({
  armId, name: `demo-${armId}-${at}`, recipe: 'vllm', argv: ['/opt/vllm/bin/vllm', 'serve', 'Qwen/Qwen2.5-0.5B', '--port', String(8100 + at), '--kv-cache-memory-bytes', '8589934592', '--max-num-seqs', onMps ? '128' : '256'],
  env: { CUDA_VISIBLE_DEVICES: 'GPU-00000000-aaaa-bbbb-cccc-0123456789ab', CUDA_MPS_PIPE_DIRECTORY: onMps ? '/run/user/1000/overlap/mps-0' : '/run/user/1000/overlap/none', HF_TOKEN: '•••' }, pids: [4242 + at], cpus: `${8 * at}-${8 * at + 7}`,
  attachment: onMps ? 'attached' : 'notAttached', attachmentEvidence: [`pid ${4242 + at} is ${onMps ? '' : 'not '}in get_client_list`], kvCacheTokens: 348_160, maxSequences: onMps ? 128 : 256, modelRevision: null, version: '0.24.0',
})
const ENGINES = [engineOf('single', 1, false), engineOf('mps-2', 1, true), engineOf('mps-2', 2, true)]

const demo = demoReport({ engines: ENGINES })
const map = sweepReport([MODELS, CONTEXTS], 'Decode scaling', { startedAtMs: Date.now() - 90_000_000 })
const sweep = sweepReport([LOADS], 'Concurrency sweep', { simulated: true, scene: 'two-engines' })
const half = sweepReport([LOADS], 'Interrupted sweep', { outcome: 'partial', reasons: ['Cancelled after 5 of 10 cells.'] }, 5)
const short = demoReport({ id: 'r-short', arms: FOUR_ARMS, blocks: blocksOf(FOUR_ARMS, { rounds: 3, gain: 0.82 }), outcome: 'partial', reasons: ['Three rounds of six: cancelled.'] })
const dead = demoReport({ id: 'r-dead', blocks: blocksOf(THREE_ARMS, { failing: 'mps-2' }), outcome: 'invalid', reasons: ['No valid block of Two engines under MPS.'], checks: [check('attached/mps-2', 'failed', 'invalidates', 'demo-mps-2-2 is not an MPS client.', ['pid 4244 is not in get_client_list of server 4100']), ...GOOD_CHECKS] })
const all = [demo, sweep, map, half, short, dead]

const PLENTY: Preset[] = [
  ...PRESETS.slice(0, 2),
  { name: 'decode-scaling', file: { ...map.plan.file, question: 'How does the gain of two engines under MPS fall with the size of the model and the length of its context?', source: 'Scaling small LLMs with NVIDIA MPS, 2026, figure 1.', needs: ['vLLM 0.24 or newer.', 'About 60 GiB of GPU memory.'] }, cells: 20, seconds: 18_400, sentence: '5 h on this workstation.' },
  { name: 'concurrency-sweep', file: sweep.plan.file, cells: 10, seconds: 2100, sentence: '35 min on this workstation.' },
  PRESETS[2]!,
]

/** A sweep at its sixth cell. */
const running = (elapsedMs: number): ExperimentNow => ({ ...runningAt(demo, 60_000 + (elapsedMs % 60_000)), id: half.id, plan: half.plan, cell: 5, startedAtMs: Date.now() - 900_000, endsAtMs: Date.now() + 840_000, comparisons: runningAt(demo, 100_000).comparisons.map((one) => ({ ...one, cell: 5 })) })

export const COMPARED = [
  { group: 'Gains', what: 'Two under MPS against the best single engine', a: '+23.0 %', b: '+18.4 %', change: -0.037, differs: true }, { group: 'Gains', what: 'pairs of blocks', a: '6', b: '6', change: 0, differs: false },
  { group: 'Throughput', what: 'One engine, output tokens/s', a: '9,801', b: '9,950', change: 0.0152, differs: true }, { group: 'Throughput', what: 'Two under MPS, output tokens/s', a: '12,050', b: '11,780', change: -0.0224, differs: true },
  { group: 'Workstation', what: 'Driver', a: '580.95.05', b: '575.57.08', change: null, differs: true }, { group: 'Workstation', what: 'GPU', a: 'NVIDIA H100 80GB HBM3', b: 'NVIDIA H100 80GB HBM3', change: null, differs: false },
  { group: 'Engines', what: 'demo-mps-2-1, argv', a: 'vllm serve Qwen/Qwen2.5-0.5B --port 8101 --max-num-seqs 128', b: 'vllm serve Qwen/Qwen2.5-0.5B --port 8101 --max-num-seqs 256 --no-async-scheduling', change: null, differs: true }, { group: 'Load', what: 'Seed', a: null, b: '7', change: null, differs: true },
]

export function reportScenes(engines: Engine[]): Record<string, Partial<Scene>> {
  return {
    reports: { engines, reports: all, presets: PLENTY },
    reportsNone: { engines, presets: [] },
    sweepPlan: { engines, presets: [PLENTY[2]!, ...PLENTY], plan: (rehearsed) => ({ ...map.plan, checks: rehearsed ? GOOD_CHECKS : [] }), reports: [half] },
    sweepRunning: { engines, reports: [half], presets: PLENTY, experiment: running },
    noEngine: { presets: PLENTY },
  }
}
