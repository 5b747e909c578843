// The Stage in every situation.
import type { Engine } from '../../shared/engine.ts'
import type { ExperimentNow } from '../../shared/experiment.ts'
import { BAD_CHECKS, blocksOf, demoPlan, demoReport, FOUR_ARMS, GOOD_CHECKS, runningAt, THREE_ARMS } from './experiments.ts'
import type { Scene } from './scenes.ts'

const good = demoReport()
const flat = demoReport({ blocks: blocksOf(THREE_ARMS, { gain: 0.814 }) })
const four = demoReport({ arms: FOUR_ARMS })
const broken = demoReport({ blocks: blocksOf(THREE_ARMS, { failing: 'mps-2' }) })
const noGpm = demoReport({ blocks: blocksOf(THREE_ARMS, { gpm: false }) })
const END = 999_999_999

const loading = (elapsedMs: number): ExperimentNow => {
  const now = runningAt(good, 0)
  return {
    ...now, phase: 'loading', sentence: 'Loads the second engine of Two engines, time-sliced.', block: null, comparisons: [], startedAtMs: Date.now() - elapsedMs - 18_000, endsAtMs: Date.now() - elapsedMs + 170_000,
    arms: now.arms.map((arm, at) => ({ ...arm, state: (['ready', 'loading', 'waiting'] as const)[at]!, gpu: null, tokensPerSecondNow: null })),
  }
}

const armFailed = (elapsedMs: number): ExperimentNow => {
  const now = runningAt(broken, 100_000 + elapsedMs % 20_000)
  return { ...now, arms: now.arms.map((arm) => (arm.armId !== 'mps-2' ? arm : { ...arm, state: 'failed', gpu: null, tokensPerSecondNow: null, fault: { code: 'EXPERIMENT_FAILED', sentence: 'Its second engine is not an MPS client: it was started without the daemon\'s pipe directory.', hint: 'See its log in the report; the other arms go on.', field: null, detail: null } })) }
}

export function stageScenes(engines: Engine[]): Record<string, Partial<Scene>> {
  return {
    stageReady: { engines, reports: [good] },
    stageNoGain: { engines, plan: () => demoPlan(THREE_ARMS, 0.06) },
    stageUnknown: { engines, plan: () => demoPlan(FOUR_ARMS, null, { residency: 'cold', setsAside: [], startsMps: false, estimate: { loadingSeconds: 340, measuringSeconds: 620, gpuMemoryMiB: null } }) },
    stageRefused: { engines, plan: (rehearsed) => demoPlan(THREE_ARMS, 0.24, rehearsed ? { checks: BAD_CHECKS } : {}) },
    stageLoading: { engines, experiment: loading },
    stageFew: { engines, experiment: (elapsedMs) => runningAt(good, 58_000 + elapsedMs % 20_000) },
    stageRunning: { engines, experiment: (elapsedMs) => runningAt(good, Math.min(125_000, 100_000 + elapsedMs)) },
    stageFour: { engines, experiment: (elapsedMs) => runningAt(four, 120_000 + elapsedMs) },
    stageFailedArm: { engines, reports: [good], experiment: armFailed },
    stageNoGpm: { engines, simulated: true, experiment: (elapsedMs) => runningAt(noGpm, 100_000 + elapsedMs % 20_000) },
    stageDone: { engines, reports: [good], experiment: () => runningAt(good, END) },
    stageFlat: { engines, reports: [good], experiment: () => runningAt(flat, END) },
    stageSimulated: { engines, simulated: true, reports: [good], experiment: () => runningAt(good, END) },
    stageCancelled: { engines, reports: [good], experiment: () => ({ ...runningAt(good, 60_000), phase: 'done', block: null, cancelled: true, reportId: 'r-demo', sentence: 'Cancelled. Nothing of it is left on the workstation.' }) },
    stageFailed: { engines, reports: [good], experiment: () => ({
      ...runningAt(good, 0), phase: 'done', block: null, comparisons: [], sentence: 'Ended before anything was measured.', checks: GOOD_CHECKS,
      fault: { code: 'EXPERIMENT_FAILED', sentence: 'The single engine did not become ready in 300 s.', hint: 'Read its log in the report, or give it more time in its settings.', field: null, detail: 'llama_model_load: error loading model: unable to allocate CUDA0 buffer' },
    }) },
  }
}
