// The simulated workstations: what is in each, and how it misbehaves. Data only.
//
// Engines are vLLM specs, and `vllm` is a stand-in on PATH. So that the screen lives without traffic, each brings callers of its own
// (OVERLAP_SIM_LOAD in its environment). A copy that is started with an explicit --stream-interval is being measured, and gets none of them.
import type { CardName } from './cards.ts'

export interface SceneEngine {
  name: string
  gpuIndex: number
  /** Name on the hub. */
  model: string
  /** Requests it makes for itself, in a closed loop, so that the screen lives without traffic. */
  selfLoad: number
  maxSequences: number
  /** Beside its weights and 1.5 GiB. Five such engines, one of them with twice the cache, fit beside the scene's own unless told otherwise. */
  kvCacheMemoryMiB: number
  loadSeconds: number
  onMps: boolean
  sharePercent?: number
  pinnedMemoryLimitMiB?: number
  /** Seconds of compiling, in which nothing comes, when two requests are there at once for the first time. */
  coldSeconds?: number
  ignoresSigterm?: boolean
  outOfMemory?: boolean
}

export interface Misbehaviour {
  /** nvidia-smi and everything that asks the driver stops mid-row for a while, again and again; it cannot be ended meanwhile. */
  hang?: { afterSeconds: number; forSeconds: number; everySeconds: number }
  /** Every so many rows of nvidia-smi one is cut in half. */
  halfLineEvery?: number
  /** Fields of --query-gpu that give `[N/A]` or `[Insufficient Permissions]`. */
  notSupported?: string[]
  noPermission?: string[]
  /** Ordinals of GPUs that fell off the bus. */
  lostGpus?: number[]
  /** The MPS control tool answers 0 and does nothing. */
  mpsDoesNothing?: boolean
  /** The MPS server meets a fatal fault this long after its first client. */
  serverFaultAfterSeconds?: number
  /** A daemon that the product did not start serves all GPUs. */
  foreignDaemon?: boolean
  /** cuBLAS picks a defective GEMM where an engine has a reduced share of the SMs: its answers are wrong, and nothing else tells. */
  wrongGemm?: boolean
}

export interface Scene {
  sentence: string
  seed: number
  gpus: CardName[]
  /** Compute mode EXCLUSIVE_PROCESS of all GPUs. */
  exclusiveProcess?: boolean
  engines: SceneEngine[]
  /** Runs already, as somebody else's, when the product starts: on the same port each time where that is free. */
  running?: SceneEngine & { port: number }
  opening: { startMps: boolean; startEngines: boolean }
  misbehaviour: Misbehaviour
}

const QWEN = (size: string): string => `Qwen/Qwen2.5-${size}-Instruct`
const small = (name: string, change: Partial<SceneEngine> = {}): SceneEngine => ({
  name, gpuIndex: 0, model: QWEN('0.5B'), selfLoad: 64, maxSequences: 256, kvCacheMemoryMiB: 5632, loadSeconds: 2, onMps: true, ...change,
})
const opened = { startMps: true, startEngines: true }
const two: Scene = {
  sentence: 'One H100, MPS running, two engines of a 0.5B model on it.',
  seed: 11, gpus: ['h100'], engines: [small('alpha'), small('beta')], opening: opened, misbehaviour: {},
}

export const SCENES = {
  'two-engines': two,
  'mps-off': {
    ...two, sentence: 'One H100 without MPS, two engines that take turns on it.', seed: 12, opening: { startMps: false, startEngines: true },
    engines: [small('alpha', { onMps: false }), small('beta', { onMps: false })],
  },
  'na-fields': {
    ...two, sentence: 'Two H100 whose driver keeps much to itself; one of them is lost.', seed: 13, gpus: ['h100NoGpm', 'h100NoGpm'],
    misbehaviour: { notSupported: ['temperature.memory', 'power.draw', 'power.draw.average', 'power.draw.instant', 'mig.mode.current', 'utilization.memory'], noPermission: ['clocks.current.memory', 'serial'], lostGpus: [1] },
  },
  'driver-hang': { ...two, sentence: 'The driver stops answering after 20 seconds, for 30 seconds; again every five minutes.', seed: 14, misbehaviour: { hang: { afterSeconds: 20, forSeconds: 30, everySeconds: 300 } } },
  'eight-gpus': {
    ...two, sentence: 'Eight H100, sixteen engines.', seed: 15, gpus: Array.from({ length: 8 }, () => 'h100' as const),
    engines: Array.from({ length: 16 }, (_, index) => small(`engine-${index + 1}`, { gpuIndex: index >> 1, model: QWEN(index % 4 < 2 ? '0.5B' : '1.5B'), selfLoad: 32 })),
  },
  'rtx-4090': { ...two, sentence: 'A GeForce without GPM: no SM activity to be had.', seed: 16, gpus: ['rtx4090'], engines: [small('alpha', { kvCacheMemoryMiB: 1536 }), small('beta', { kvCacheMemoryMiB: 1536 })] },
  'half-lines': { ...two, sentence: 'nvidia-smi writes half a row now and then.', seed: 17, misbehaviour: { halfLineEvery: 7 } },
  'yes-and-nothing': { ...two, sentence: 'The MPS daemon says yes and does nothing.', seed: 18, misbehaviour: { mpsDoesNothing: true } },
  'server-fault': { ...two, sentence: 'The MPS server meets a fatal GPU fault: the busy engine dies, the idle one keeps the server in FAULT.', seed: 19, engines: [small('alpha'), small('beta', { selfLoad: 0 })], misbehaviour: { serverFaultAfterSeconds: 20 } },
  'ignores-sigterm': { ...two, sentence: 'One engine does not end when asked.', seed: 20, engines: [small('alpha'), small('beta', { ignoresSigterm: true })] },
  'slow-load': { ...two, sentence: 'Engines that take a minute to load.', seed: 21, engines: [small('alpha', { loadSeconds: 60 }), small('beta', { loadSeconds: 60 })] },
  'out-of-memory': { ...two, sentence: 'Two engines that want more memory than there is, and one whose memory limit is too small.', seed: 22, engines: [small('alpha', { kvCacheMemoryMiB: 46_000 }), small('beta', { kvCacheMemoryMiB: 46_000 }), small('gamma', { pinnedMemoryLimitMiB: 4096 })] },
  'found-engine': {
    ...two, sentence: 'One H100 without MPS, and one vLLM that somebody else has started.', seed: 27, opening: { startMps: false, startEngines: false }, engines: [],
    running: { ...small('somebody', { onMps: false }), port: 8000 },
  },
  'foreign-daemon': { ...two, sentence: 'Somebody else\'s MPS daemon serves the GPU.', seed: 23, opening: { startMps: false, startEngines: false }, misbehaviour: { foreignDaemon: true } },
  'big-model': {
    ...two, sentence: 'Two engines of a 7B model, which fills the GPU by itself: MPS does not pay here.', seed: 24,
    engines: [small('alpha', { model: QWEN('7B'), kvCacheMemoryMiB: 8192, loadSeconds: 4 }), small('beta', { model: QWEN('7B'), kvCacheMemoryMiB: 8192, loadSeconds: 4 })],
  },
  'wrong-gemm': { ...two, sentence: 'An engine with a reduced share of the SMs computes wrong answers.', seed: 25, engines: [small('alpha'), small('beta', { sharePercent: 40 })], misbehaviour: { wrongGemm: true } },
  'cold-kernels': {
    ...two, sentence: 'Engines that compile for ten seconds when they first get real load.', seed: 28, opening: { startMps: false, startEngines: true },
    engines: [small('alpha', { onMps: false, coldSeconds: 10 }), small('beta', { onMps: false, coldSeconds: 10 })],
  },
  'exclusive-process': {
    ...two, sentence: 'The GPU takes one process at a time (compute mode EXCLUSIVE_PROCESS), and there is no MPS: the second engine fails.', seed: 26, exclusiveProcess: true,
    opening: { startMps: false, startEngines: true }, engines: [small('alpha', { onMps: false }), small('beta', { onMps: false })],
  },
} as const satisfies Record<string, Scene>
export type SceneName = keyof typeof SCENES
export const DEFAULT_SCENE: SceneName = 'two-engines'

export const isSceneName = (text: string): text is SceneName => Object.hasOwn(SCENES, text)
