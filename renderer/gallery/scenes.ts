// The gallery's workstations: one for each situation that a screen must show well.
import type { Advice } from '../../shared/advice.ts'
import type { Engine } from '../../shared/engine.ts'
import type { ExperimentNow, Plan, Preset, Report } from '../../shared/experiment.ts'
import type { Fault } from '../../shared/fault.ts'
import type { GpuIdentity } from '../../shared/gpu.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import type { LinkState } from '../link/connect.ts'
import { demoPlan, GOOD_CHECKS, THREE_ARMS } from './experiments.ts'
import { gpu, type Breakage, type Load } from './model.ts'
import { reportScenes } from './reportScenes.ts'
import { stageScenes } from './stageScenes.ts'
import { AT_REST, daemon, engine, outOfMemory, spec } from './things.ts'

export interface Scene {
  link: LinkState
  simulated: boolean
  identities: GpuIdentity[]
  load: (gpuIndex: number) => Load
  broken: Breakage | null
  daemons: MpsDaemon[]
  engines: Engine[]
  advice: Advice[]
  /** After so many ms on the page. */
  experiment: (elapsedMs: number) => ExperimentNow | null
  reports: Report[]
  /** Left out: the gallery's few. */
  presets?: Preset[]
  plan: (rehearsed: boolean) => Plan
}

const h100 = gpu(0, 'NVIDIA H100 80GB HBM3', true, 81559)
const rtx = gpu(0, 'NVIDIA GeForce RTX 4090', false, 24564)
const open: LinkState = { name: 'open' }
const advice = (sentence: string, action: Advice['action'], evidence: string[] = []): Advice => ({ id: 'gallery', gpuUuid: null, sentence, evidence, action })
const clientsOf = (engines: Engine[]) => engines.filter((one) => one.attachment.state === 'attached' && one.pid !== null).map((one) => ({ pid: one.pid!, serverPid: 4100, command: 'llama-server' }))

const driverGone: Fault = {
  code: 'DRIVER_UNREACHABLE', sentence: 'nvidia-smi cannot talk to the NVIDIA driver.', hint: 'See that the driver is installed and loaded (dmesg | grep -i nvrm); readings return by themselves.', field: null,
  detail: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
}
const noDevice: Fault = {
  code: 'NO_CUDA_DEVICE', sentence: 'The MPS server found no CUDA device.', hint: 'The daemon runs, but its server cannot start: check the driver and CUDA_VISIBLE_DEVICES.', field: null, detail: 'Failed to start : no CUDA-capable device is detected',
}

function scene(more: Partial<Scene>): Scene {
  return { link: open, simulated: false, identities: [h100], load: () => 'shared', broken: null, daemons: [daemon(h100.uuid, 0, 'stopped', { sentence: 'No MPS daemon serves this GPU.' })], engines: [], advice: [], experiment: () => null, reports: [], plan: (rehearsed) => demoPlan(THREE_ARMS, 0.24, rehearsed ? { checks: GOOD_CHECKS } : {}), ...more }
}

const pair = [engine(0, 'ready', 'attached', h100.uuid), engine(1, 'ready', 'attached', h100.uuid)]
const running = daemon(h100.uuid, 0, 'running', { clients: clientsOf(pair) })

const eight = Array.from({ length: 8 }, (_, index) => gpu(index, 'NVIDIA H100 80GB HBM3', true, 81559))
const sixteen = Array.from({ length: 16 }, (_, at) => engine(at, 'ready', at === 5 ? 'notAttached' : 'attached', at < 8 ? eight[0]!.uuid : eight[at - 8]!.uuid, { gpuMemoryMiB: 5200 }))

/** The most that the live screen is measured with: eight engines on each of eight GPUs. */
const crowd = Array.from({ length: 64 }, (_, at) => engine(at, 'ready', 'attached', eight[Math.floor(at / 8)]!.uuid, { colour: at % 8, gpuMemoryMiB: 5200, spec: spec(`engine-${at + 1}`, eight[Math.floor(at / 8)]!.uuid) }))

export const SCENES: Record<string, Scene> = {
  empty: scene({ load: () => 'idle', advice: [advice('Add an engine to begin; two on one GPU show what sharing it gains.', { call: 'open', label: 'Go to Engines', input: { screen: 'engines' } })] }),
  two: scene({ engines: pair, daemons: [running], simulated: true }),
  mixed: scene({
    load: () => 'sliced', daemons: [running],
    engines: [
      engine(0, 'ready', 'attached', h100.uuid), engine(1, 'ready', 'notAttached', h100.uuid), engine(2, 'starting', 'unknown', h100.uuid, { attachment: { ...AT_REST, state: 'unknown', reason: 'noGpuProcess', sentence: 'No process of it is on the GPU yet.' } }),
      engine(3, 'failed', 'rest', h100.uuid, outOfMemory), engine(4, 'stopped', 'rest', h100.uuid, { spec: spec('vllm-custom', h100.uuid, { recipe: 'custom', argv: ['vllm', 'serve', 'Qwen/Qwen2.5-1.5B', '--port', '{port}'], healthPath: '/health', metricsPath: '/metrics', openAi: true } as never) }), engine(5, 'waiting', 'rest', h100.uuid),
    ],
    advice: [advice('qwen-b runs beside MPS, not on it: it was started before the daemon. Restart it to let the two overlap.', { call: 'engine.restart', label: 'Restart qwen-b', input: { id: 'e1' } }, ['engine started 12:01:07, daemon 12:04:55'])],
  }),
  eight: scene({ identities: eight, engines: sixteen, daemons: eight.map((one) => daemon(one.uuid, one.index, 'running', { clients: clientsOf(sixteen.filter((each) => each.spec.gpuUuid === one.uuid)) })), load: (index) => (index < 5 ? 'shared' : 'idle') }),
  crowd: scene({ identities: eight, engines: crowd, daemons: eight.map((one) => daemon(one.uuid, one.index, 'running', { clients: clientsOf(crowd.filter((each) => each.spec.gpuUuid === one.uuid)) })) }),
  noGpm: scene({ identities: [rtx], engines: [engine(0, 'ready', 'attached', rtx.uuid, { gpuMemoryMiB: 7200 }), engine(1, 'ready', 'attached', rtx.uuid, { gpuMemoryMiB: 7100 })], daemons: [daemon(rtx.uuid, 0, 'running')] }),
  brokenDriver: scene({ identities: [h100], broken: { missing: 'refused', fault: driverGone, stream: 'refused', lastRowAtMs: null }, engines: [engine(0, 'ready', 'unknown', h100.uuid)], daemons: [daemon(h100.uuid, 0, 'unknown', { sentence: 'Cannot tell: the daemon does not answer.', servers: [], proof: { listening: true, lockOwnerPid: null, answers: false, checkedAtMs: Date.now() } })] }),
  noGpu: scene({ identities: [], daemons: [], broken: { missing: 'toolMissing', fault: null, stream: 'toolMissing', lastRowAtMs: null } }),
  daemonFault: scene({ engines: pair, daemons: [daemon(h100.uuid, 0, 'faulted', { sentence: 'The server is in FAULT: two clients must exit before others can attach.', servers: [{ pid: 4100, status: 'FAULT' }], clients: clientsOf(pair), fault: { code: 'MPS_SERVER_FAULT', sentence: 'A client hit a fatal GPU fault and took the server with it.', hint: 'Restart the engines on this daemon; it recovers once all affected clients have exited.', field: null, detail: '[2026-11-02 12:14:09.221 Server 4100] Device GPU-00000000 received a fatal exception' } })] }),
  noServer: scene({ load: () => 'idle', daemons: [daemon(h100.uuid, 0, 'noServer', { sentence: 'The daemon listens, but its server could not start.', servers: [], fault: noDevice })] }),
  foreign: scene({ load: () => 'sliced', engines: [engine(0, 'ready', 'notAttached', h100.uuid)], daemons: [daemon(h100.uuid, 0, 'foreign', { sentence: 'A daemon that Overlap did not start serves this GPU.', ownership: 'foreign', foreign: [{ pid: 911, uid: 0, pipeDirectory: '/tmp/nvidia-mps', gpuUuids: null }, { pid: 1200, uid: 1007, pipeDirectory: null, gpuUuids: null }] })] }),
  linkLost: scene({ engines: pair, daemons: [running], simulated: true, link: { name: 'lost', sinceMs: Date.now() - 42_000 } }),
  ...Object.fromEntries(Object.entries({ ...stageScenes(pair.map((one) => ({ ...one }))), ...reportScenes(pair) }).map(([name, more]) => [name, scene({ daemons: [running], ...more })])),
}
