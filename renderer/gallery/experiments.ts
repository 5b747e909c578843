// Invented experiments for the gallery: one report, what a Stage shows while it is made, presets and plans.
import type { Arm, Block, Check, Comparison, ExperimentFile, ExperimentNow, Plan, Preset, Prediction, Report, ReportSummary } from '../../shared/experiment.ts'
import type { LoadResult, Percentiles } from '../../shared/load.ts'
import { replayAt, replayLengthMs } from '../screens/replay.ts'

const START = Date.now()
export const H100 = 'GPU-00000000-aaaa-bbbb-cccc-0123456789ab'

const arm = (id: string, name: string, kind: Arm['kind'], engines: number): Arm => ({ id, name, kind, engines, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [] })
export const THREE_ARMS: Arm[] = [arm('single', 'One engine', 'single', 1), arm('sliced-2', 'Two engines, time-sliced', 'timeSliced', 2), arm('mps-2', 'Two engines under MPS', 'mps', 2)]
export const FOUR_ARMS: Arm[] = [...THREE_ARMS, { ...arm('mps-2-half', 'Two under MPS, 50 % of the SMs each', 'mps', 2), sharePercent: [50] }]

export function demoFile(arms: Arm[] = THREE_ARMS, more: Partial<ExperimentFile> = {}): ExperimentFile {
  return {
    version: 1, title: 'MPS gain of the chosen engine', question: 'Do two copies of this engine under MPS make more tokens per second than one engine with the same resources?', source: null, needs: ['An engine that serves OpenAI completions.'], waitsFor: null,
    engine: null, axes: [], arms,
    load: { api: 'completions', prompt: { shape: 'fixed', tokens: 128 }, output: { shape: 'fixed', tokens: 256 }, arrivals: { kind: 'closed', concurrency: 256 }, regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: null, goodput: null, seed: 7 },
    blocks: { rounds: 6, seconds: 7, warmUpSeconds: 1, coolDownSeconds: 0 }, residency: 'auto', readOffAtLatencySeconds: null, claims: [], ...more,
  }
}

const band = (low: number, likely: number, high: number) => ({ low, likely, high })
const predicted = (armId: string, gain: Prediction['gain'], over: Prediction['gain'], sentence: string): Prediction => ({ armId, gain, gainOverTimeSlicing: over, tokensPerSecond: gain === null ? null : 9800 * (1 + gain.likely), binding: gain === null ? null : 'host', confidence: 'high', sentence })

export function predictionsFor(arms: Arm[], likely: number | null): Prediction[] {
  return arms.map((one): Prediction => {
    if (one.kind === 'single') return predicted(one.id, band(0, 0, 0), null, 'What the others are compared with.')
    if (one.sharePercent !== null) return predicted(one.id, null, null, 'An arm with limited SM shares is not predicted: the model knows no ceilings.')
    if (likely === null) return predicted(one.id, null, null, 'The shape of this model is not known, so nothing can be said before it is measured.')
    if (one.kind === 'timeSliced') return predicted(one.id, band(likely * 0.1 - 0.04, likely * 0.2, likely * 0.4), null, 'Time slices fill some of the gaps that the host leaves, at the price of switching.')
    return predicted(one.id, band(likely - 0.11, likely, likely + 0.13), band(likely - 0.14, likely - 0.05, likely + 0.06), likely > 0.1 ? 'One engine leaves the GPU idle while its host works; a second one fills the gaps.' : 'The GPU is busy with one engine already.')
  })
}

export const check = (name: string, result: Check['result'], weight: Check['weight'], sentence: string, evidence: string[] = []): Check => ({ name, result, weight, sentence, evidence })
export const GOOD_CHECKS: Check[] = [
  check('gpuIsFree', 'passed', 'refuses', 'No foreign process is on the GPU.', ['nvidia-smi pmon: pids 4242, 4252, both of engines of Overlap']),
  check('memory', 'passed', 'refuses', 'Five engines need 41.0 GiB; 78.1 GiB can be had.', ['memory.total 81559 MiB', 'memory.used 812 MiB without the engines set aside']),
  check('computeMode', 'passed', 'refuses', 'Several plain engines may use the GPU.', ['compute_mode Default']),
  check('kvParity', 'notChecked', 'warns', 'KV caches are compared when the engines are loaded.', []),
  check('cores', 'failed', 'warns', 'There are too few cores to give every engine its own.', ['8 cores near the GPU for 5 engines and the generator']),
]
export const BAD_CHECKS: Check[] = [check('gpuIsFree', 'failed', 'refuses', 'A process that is not ours uses the GPU: python3, pid 2210, 9.1 GiB.', ['nvidia-smi: pid 2210, type C, 9318 MiB', '/proc/2210/cmdline: python3 train.py']), ...GOOD_CHECKS.slice(1)]

export function demoPlan(arms: Arm[] = THREE_ARMS, likely: number | null = 0.24, more: Partial<Plan> = {}): Plan {
  return {
    file: demoFile(arms), gpuUuid: H100, cells: [{ point: {}, predictions: predictionsFor(arms, likely) }], residency: 'hot', setsAside: ['qwen-a', 'qwen-b'], startsMps: true,
    estimate: { loadingSeconds: 42, measuringSeconds: 150, gpuMemoryMiB: 41_984 }, checks: [], ...more,
  }
}

function noise(seed: number): number {
  const x = Math.sin(seed * 127.1) * 43758.5453
  return 2 * (x - Math.floor(x)) - 1
}
const spread = (middle: number): Percentiles => ({ count: 900, mean: middle * 0.6, p50: middle * 0.55, p90: middle * 0.88, p95: middle, p99: middle * 1.3, max: middle * 1.9 })

export function resultOf(tokens: number, seed: number): LoadResult {
  return {
    windowSeconds: 7, requests: { sent: 300, finished: 290, failed: 0, cutOff: 10 }, failures: [], promptTokens: 38_400, outputTokens: Math.round(tokens * 7), outputTokensPerSecond: tokens, requestsPerSecond: tokens / 256,
    goodputPerSecond: null, ttftMs: spread(420 * (1 + 0.04 * noise(seed + 3))), itlMs: spread(26), tpotMs: spread((256_000 / tokens) * (1 + 0.02 * noise(seed + 5))), endToEndMs: spread(7200), shortOutputs: 0, countedByUsage: true,
    client: { cpuPercent: 31, lateMsP99: 0.4, inFlight: 256, inFlightSlope: 0, inFlightSlopeLow: -0.1 },
  }
}

const LEVEL: Record<string, { tokens: number; sm: number; dram: number }> = { single: { tokens: 9800, sm: 38, dram: 29 }, 'sliced-2': { tokens: 9350, sm: 41, dram: 30 }, 'mps-2': { tokens: 12_050, sm: 63, dram: 47 }, 'mps-2-half': { tokens: 11_420, sm: 58, dram: 44 } }

/** `gain` is of the MPS arms; `failing` never answers. */
export function blocksOf(arms: Arm[], { rounds = 6, gain = 1, gpm = true, failing = '' } = {}): Block[] {
  return Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? arms : [...arms].reverse()).map((one, at): Block => {
    const index = round * arms.length + at
    const level = LEVEL[one.id] ?? LEVEL['single']!
    const tokens = (one.kind === 'mps' ? level.tokens * gain : level.tokens) * (1 + 0.012 * noise(index + 1))
    const validity = one.id === failing ? 'failed' : index === 7 ? 'invalid' : 'valid'
    const result = validity === 'failed' ? null : resultOf(tokens, index)
    return {
      index, cell: 0, round, armId: one.id, purpose: 'compared', startedAtMs: START - 7_200_000 + index * 8000, validity, total: result, engines: [],
      reasons: validity === 'failed' ? ['Its second engine is not an MPS client: it was started without the daemon\'s pipe directory.'] : validity === 'invalid' ? ['The generator was the bottleneck: 97 % of a core.'] : [],
      gpu: { smActivityPercent: gpm ? level.sm + 2 * noise(index) : null, dramBandwidthPercent: gpm ? level.dram + 2 * noise(index + 9) : null, kernelBusyPercent: 97, memoryControllerBusyPercent: 36, powerWatts: 430, temperatureCelsius: 58, smClockMHz: 1755, memoryClockMHz: 2619, frames: 7 },
    }
  })).flat()
}

const valueOf = (block: Block, measure: Comparison['measure']): number => (measure === 'ttftMsP95' ? block.total!.ttftMs!.p95 : measure === 'tpotMsP95' ? block.total!.tpotMs!.p95 : block.total!.outputTokensPerSecond)

/** Good enough for invented numbers: a normal interval. */
export function comparisonsFor(arms: Arm[], blocks: Block[]): Comparison[] {
  const made: Comparison[] = []
  for (const one of arms.slice(1)) for (const [name, baselineId] of [['againstSingle', 'single'], ['againstTimeSliced', 'sliced-2']] as const) {
    if (one.id === baselineId) continue
    for (const measure of ['outputTokensPerSecond', 'ttftMsP95', 'tpotMsP95'] as const) {
      const pick = (armId: string, round: number) => blocks.find((block) => block.armId === armId && block.round === round && block.validity === 'valid')
      const logs = [...new Set(blocks.map((block) => block.round))].flatMap((round) => {
        const [mine, theirs] = [pick(one.id, round), pick(baselineId, round)]
        return mine === undefined || theirs === undefined ? [] : [Math.log(valueOf(mine, measure) / valueOf(theirs, measure))]
      })
      const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length
      const half = 2.4 * Math.sqrt(logs.reduce((sum, log) => sum + (log - middle) ** 2, 0) / (logs.length - 1) / logs.length)
      const known = logs.length >= 2
      made.push({
        cell: 0, name, armId: one.id, baselineId, measure, pairs: logs.length, change: known ? Math.exp(middle) - 1 : null, low: known ? Math.exp(middle - half) - 1 : null, high: known ? Math.exp(middle + half) - 1 : null,
        verdict: logs.length < 5 ? 'tooFewBlocks' : middle - half > 0 ? 'higher' : middle + half < 0 ? 'lower' : 'noDifference',
      })
    }
  }
  return made
}

export function demoReport(more: Partial<Report> & { arms?: Arm[]; blocks?: Block[] } = {}): Report {
  const { arms = THREE_ARMS, blocks = blocksOf(arms), ...rest } = more
  return {
    version: 1, id: 'r-demo', plan: demoPlan(arms), startedAtMs: START - 7_300_000, endedAtMs: START - 7_050_000, outcome: 'valid', reasons: [], simulated: false, scene: null,
    workstation: { overlapVersion: '0.1.0', hostName: 'gpu-box-01', kernel: '6.8.0-48-generic', cpu: 'AMD EPYC 9454', cores: 48, nodeVersion: '24.21.0', gpuName: 'NVIDIA H100 80GB HBM3', gpuUuid: H100, cudaVersion: '13.0', driverVersion: '580.95.05', computeMode: 'Default', memoryTotalMiB: 81_559, powerLimitWatts: 700, mpsControlVersion: '13000', gpuMetricsSource: 'GPM (nvidia-smi dmon --gpm-metrics)' },
    engines: [], checks: GOOD_CHECKS, blocks, comparisons: comparisonsFor(arms, blocks), cellsDone: [0], ...rest,
  }
}

export function summaryOf(report: Report): ReportSummary {
  return {
    id: report.id, title: report.plan.file.title, startedAtMs: report.startedAtMs, endedAtMs: report.endedAtMs, outcome: report.outcome, simulated: report.simulated, gpuName: report.workstation.gpuName, hostName: report.workstation.hostName,
    cells: report.plan.cells.length, cellsDone: report.cellsDone.length, headline: report.comparisons.find((one) => one.name === 'againstSingle' && one.armId.startsWith('mps') && one.measure === 'outputTokensPerSecond') ?? null, holdsOnlyFor: null, imported: false,
  }
}

/** What the Stage would show after so many ms of this report's measuring; with intervals as they grow. */
export function runningAt(report: Report, elapsedMs: number, more: Partial<ExperimentNow> = {}): ExperimentNow {
  const now = replayAt(report, elapsedMs)
  const past = report.blocks.slice(0, now.block ?? report.blocks.length)
  const live = now.arms.map((one) => ({ ...one, tokensPerSecondNow: one.tokensPerSecondNow === null ? null : one.tokensPerSecondNow * (1 + 0.03 * noise(Math.floor(elapsedMs / 1000))) }))
  return {
    ...now, arms: live, comparisons: comparisonsFor(report.plan.file.arms, past), cancelled: false, reportId: now.phase === 'done' ? report.id : null,
    sentence: now.phase === 'done' ? 'Over.' : `Measures ${report.plan.file.arms.find((one) => live.some((each) => each.armId === one.id && each.state === 'measuring'))?.name ?? ''}: block ${(now.block ?? 0) + 1} of ${now.blocks}.`,
    startedAtMs: Date.now() - elapsedMs - 45_000, phaseSinceMs: Date.now() - elapsedMs, endsAtMs: Date.now() + replayLengthMs(report) - elapsedMs + 6000, checks: GOOD_CHECKS, ...more,
  }
}

export const PRESETS: Preset[] = [
  { name: 'demo', file: demoFile(), cells: 1, seconds: 192, sentence: '3 min on this workstation.' },
  { name: 'shares', file: demoFile(FOUR_ARMS, { title: 'Half of the SMs each', question: 'Does a ceiling on the SMs of each engine cost or save anything?' }), cells: 1, seconds: 260, sentence: '4 min on this workstation.' },
  { name: 'mlp-only', file: demoFile(THREE_ARMS, { title: 'MLP-only models', question: 'Where is the gain when attention is left out?', waitsFor: 'An engine that can run a model without attention.' }), cells: 12, seconds: null, sentence: 'Cannot be run yet.' },
]
