// A whole report out of thin air, seeded: what tests of exports, the store and the page show. Nothing in it was measured.
import type { Arm, Axis, Block, Comparison, ExperimentFile, Point, Report } from '../../../shared/experiment.ts'
import { Report as ReportShape } from '../../../shared/experiment.ts'
import type { LoadResult, Percentiles } from '../../../shared/load.ts'
import { comparisonsOf } from './gains.ts'

/** Seeded numbers from 0 to 1. */
export function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One standard normal number. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export const armOf = (id: string, kind: Arm['kind'], engines: number, more: Partial<Arm> = {}): Arm => ({
  id, kind, engines, name: id, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [], ...more,
})

export const THREE_ARMS: Arm[] = [armOf('single', 'single', 1, { name: 'One engine' }), armOf('off', 'timeSliced', 2, { name: 'Two engines, time-sliced' }), armOf('mps', 'mps', 2, { name: 'Two engines under MPS' })]

const percentiles = (mean: number): Percentiles => ({ count: 400, mean, p50: 0.95 * mean, p90: 1.3 * mean, p95: 1.5 * mean, p99: 2 * mean, max: 3 * mean })

/** One load result around a throughput and latencies. */
export function resultOf(tokensPerSecond: number, more: Partial<LoadResult> & { ttft?: number; tpot?: number } = {}): LoadResult {
  const { ttft = 80, tpot = 12, ...fields } = more
  return {
    windowSeconds: 12, requests: { sent: 420, finished: 400, failed: 0, cutOff: 20 }, failures: [], promptTokens: 51200, outputTokens: Math.round(12 * tokensPerSecond),
    outputTokensPerSecond: tokensPerSecond, requestsPerSecond: tokensPerSecond / 128, goodputPerSecond: null,
    ttftMs: percentiles(ttft), itlMs: percentiles(tpot), tpotMs: percentiles(tpot), endToEndMs: percentiles(ttft + 127 * tpot), shortOutputs: 0, countedByUsage: true,
    client: { cpuPercent: 22, lateMsP99: 0.6, inFlight: 64, inFlightSlope: 0.01, inFlightSlopeLow: -0.02 }, ...fields,
  }
}

export interface Synthesis {
  seed?: number
  arms?: Arm[]
  axes?: Axis[]
  rounds?: number
  /** Standard deviation of a block's logarithm. */
  noise?: number
  simulated?: boolean
  /** Tokens per second of an arm at a point, its mean TTFT and TPOT in ms. */
  truth?(arm: Arm, point: Point): { tokensPerSecond: number; ttft: number; tpot: number }
  /** Changes a block after it was made: an invalid one, a failed one. */
  alter?(block: Block): Block
}

const plainTruth: NonNullable<Synthesis['truth']> = (arm) =>
  arm.kind === 'single' ? { tokensPerSecond: 9100, ttft: 78, tpot: 12.4 } : arm.kind === 'mps' ? { tokensPerSecond: 11200, ttft: 91, tpot: 10.9 } : { tokensPerSecond: 9000, ttft: 118, tpot: 13.6 }

/** Every choice of the axes, the last one fastest. */
export function pointsOf(axes: readonly Axis[]): Point[] {
  return axes.reduce<Point[]>((points, axis) => points.flatMap((point) => axis.values.map((value) => ({ ...point, [axis.vary]: value }))), [{}])
}

function blocksOf(synthesis: Required<Synthesis>): Block[] {
  const random = mulberry(synthesis.seed)
  const blocks: Block[] = []
  pointsOf(synthesis.axes).forEach((point, cell) => {
    for (let round = 0; round < synthesis.rounds; round++) {
      const turn = round % 2 === 0 ? synthesis.arms : [...synthesis.arms].reverse()
      for (const arm of turn) {
        const truth = synthesis.truth(arm, point)
        const rate = truth.tokensPerSecond * Math.exp(synthesis.noise * normal(random))
        const slow = Math.exp(synthesis.noise * normal(random))
        const names = Array.from({ length: arm.engines }, (_, i) => `demo-${arm.id}-${i + 1}`)
        blocks.push(synthesis.alter({
          index: blocks.length, cell, round, armId: arm.id, purpose: 'compared', startedAtMs: Date.UTC(2026, 1, 3, 9, 0, 15 * blocks.length), validity: 'valid', reasons: [],
          total: resultOf(rate, { ttft: truth.ttft * slow, tpot: truth.tpot * slow, goodputPerSecond: (0.9 * rate) / 128 }),
          engines: names.map((engineName, i) => ({ engineName, result: resultOf((rate / names.length) * (i === 0 ? 1.02 : i === 1 ? 0.98 : 1), { ttft: truth.ttft * slow, tpot: truth.tpot * slow, goodputPerSecond: (0.9 * rate) / 128 / names.length }) })),
          gpu: { smActivityPercent: arm.kind === 'mps' ? 61 : 44, dramBandwidthPercent: arm.kind === 'mps' ? 38 : 29, kernelBusyPercent: 88, memoryControllerBusyPercent: 31, powerWatts: 412, temperatureCelsius: 58, smClockMHz: 1980, memoryClockMHz: 2619, frames: 12 },
        }))
      }
    }
  })
  return blocks
}

function fileOf(synthesis: Required<Synthesis>): ExperimentFile {
  return {
    version: 1, title: 'Decode-heavy demo', question: 'Do two engines under MPS serve more tokens than one engine with the resources of both?', source: null, needs: [], waitsFor: null, engine: null,
    axes: synthesis.axes, arms: synthesis.arms,
    load: {
      api: 'completions', prompt: { shape: 'fixed', tokens: 128 }, output: { shape: 'fixed', tokens: 128 }, arrivals: { kind: 'closed', concurrency: 64 }, regime: 'equalTotal',
      ignoreEos: true, streamIntervalTokens: 1, goodput: { ttftMs: 200, tpotMs: 20, endToEndMs: null }, seed: 42,
    },
    blocks: { rounds: synthesis.rounds, seconds: 12, warmUpSeconds: 2, coolDownSeconds: 1 }, residency: 'auto', readOffAtLatencySeconds: null, claims: [],
  }
}

const enginesOf = (arms: readonly Arm[]): Report['engines'] => arms.flatMap((arm) => Array.from({ length: arm.engines }, (_, i) => ({
  armId: arm.id, name: `demo-${arm.id}-${i + 1}`, recipe: 'vllm', argv: ['vllm', 'serve', 'Qwen/Qwen2.5-0.5B', '--port', String(8100 + i)],
  env: { CUDA_VISIBLE_DEVICES: 'GPU-0', CUDA_MPS_PIPE_DIRECTORY: arm.kind === 'mps' ? '/run/mps/pipe' : '/run/mps/none', HF_TOKEN: '•••' },
  pids: [4200 + i], cpus: `${4 * i}-${4 * i + 3}`, attachment: arm.kind === 'mps' ? 'attached' : 'notAttached', attachmentEvidence: [`pid ${4200 + i} is ${arm.kind === 'mps' ? '' : 'not '}in get_client_list`],
  kvCacheTokens: 400_000 / arm.engines, maxSequences: 256 / arm.engines, version: '0.24.0', modelRevision: `${'c0ffee'.repeat(6)}abcd (main in the cache of the hub)`,
})))

/** Fits the schema by construction: it is parsed before it is given. */
export function syntheticReport(more: Synthesis = {}, fields: Partial<Report> = {}): Report {
  const synthesis: Required<Synthesis> = { seed: 1, arms: THREE_ARMS, axes: [], rounds: 6, noise: 0.015, simulated: true, truth: plainTruth, alter: (block) => block, ...more }
  const [blocks, file] = [blocksOf(synthesis), fileOf(synthesis)]
  const cells = pointsOf(synthesis.axes).map((point) => ({ point, predictions: synthesis.arms.map((arm) => ({
    armId: arm.id, gain: arm.kind === 'single' ? null : arm.kind === 'mps' ? { low: 0.08, likely: 0.2, high: 0.34 } : { low: -0.1, likely: -0.02, high: 0.04 }, gainOverTimeSlicing: arm.kind === 'mps' ? { low: 0.1, likely: 0.22, high: 0.37 } : null,
    tokensPerSecond: 9300, binding: 'host' as const, confidence: 'high' as const, sentence: 'The engine keeps the GPU waiting for its host time.',
  })) }))
  const comparisons: Comparison[] = comparisonsOf(synthesis.arms, blocks, synthesis.rounds)
  return ReportShape.parse({
    version: 1, id: `report-${synthesis.seed}`, startedAtMs: Date.UTC(2026, 1, 3, 9), endedAtMs: Date.UTC(2026, 1, 3, 9, 6), outcome: 'valid', reasons: [], simulated: synthesis.simulated, scene: synthesis.simulated ? 'two-engines' : null,
    plan: {
      file, gpuUuid: 'GPU-0', cells, residency: 'hot', setsAside: [], startsMps: true, estimate: { loadingSeconds: 95, measuringSeconds: 270, gpuMemoryMiB: 52_000 },
      checks: [{ name: 'gpuIsFree', result: 'passed', weight: 'refuses', sentence: 'No other process is on the GPU.', evidence: [] }],
    },
    workstation: {
      overlapVersion: '0.1.0', hostName: 'bench-1', kernel: '6.8.0', cpu: 'Xeon 8480+', cores: 32, nodeVersion: '24.21.0', gpuName: 'NVIDIA H100 80GB HBM3', gpuUuid: 'GPU-0', driverVersion: '580.126', cudaVersion: '13.0',
      computeMode: 'Default', memoryTotalMiB: 81559, powerLimitWatts: 700, mpsControlVersion: '580.126', gpuMetricsSource: 'nvidia-smi dmon --gpm-metrics',
    },
    engines: enginesOf(synthesis.arms),
    checks: [
      { name: 'attached/demo-mps-1', result: 'passed', weight: 'invalidates', sentence: 'demo-mps-1 is an MPS client.', evidence: ['pid 4200 is in get_client_list'] },
      { name: 'kvParity', result: 'passed', weight: 'invalidates', sentence: 'Every arm has 400,000 tokens of KV cache.', evidence: [] },
      { name: 'numericGuard', result: 'notChecked', weight: 'warns', sentence: 'No share is limited.', evidence: [] },
    ],
    blocks, comparisons, cellsDone: cells.map((_, index) => index), ...fields,
  } satisfies Report)
}
