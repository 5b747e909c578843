// Invented engines, daemons and commands for the gallery.
import type { CommandPreview, LedgerEntry } from '../../shared/command.ts'
import type { Attachment, Engine, EngineSpec, EngineState } from '../../shared/engine.ts'
import type { MpsDaemon } from '../../shared/mps.ts'

const START = Date.now()

const PLAIN: Record<Attachment['state'], Attachment> = {
  attached: { state: 'attached', reason: null, sentence: 'A client of the daemon on this GPU. Not yet verified on this driver.', evidence: ['pid 4242 is in get_client_list of server 4100', 'nvidia-smi lists pid 4242 as M+C'], restartHelps: false },
  notAttached: { state: 'notAttached', reason: 'startedBeforeDaemon', sentence: 'Started before the daemon; a running process cannot join.', evidence: ['engine started 12:01:07, daemon 12:04:55', 'nvidia-smi lists its pid as C'], restartHelps: true },
  unknown: { state: 'unknown', reason: 'noEvidence', sentence: 'Clients cannot be listed now.', evidence: [], restartHelps: false },
}
export const AT_REST: Attachment = { state: 'notAttached', reason: 'notRunning', sentence: 'Not running.', evidence: [], restartHelps: false }

export function spec(name: string, gpuUuid: string | null, more: Partial<EngineSpec> = {}): EngineSpec {
  return {
    recipe: 'llamaServer', name, gpuUuid, onMps: true, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 3, readyWithinSeconds: 300,
    executable: 'llama-server', modelPath: '/models/qwen2.5-1.5b-instruct-f16.gguf', contextTokens: 8192, slots: 8, gpuLayers: null, extraArguments: [], ...more,
  } as EngineSpec
}

export function engine(at: number, state: EngineState, attachment: Attachment['state'] | 'rest', gpuUuid: string | null, more: Partial<Engine> = {}): Engine {
  const running = state !== 'stopped' && state !== 'failed' && state !== 'waiting'
  const pid = running ? 4242 + at * 10 : null
  return {
    id: `e${at}`, colour: at, spec: spec(`qwen-${String.fromCharCode(97 + at)}`, gpuUuid, at % 2 === 1 ? { sharePercent: 50 } : {}), state, sinceMs: START - 220_000 - at * 7000,
    readiness: state === 'starting' ? 'healthy' : null, pid, startedAtMs: running ? START - 240_000 : null, loadedInMs: running ? 41_000 : null, adopted: at === 1, port: running ? 40100 + at : null, pids: pid === null ? [] : [pid, pid + 1],
    gpuMemoryMiB: running ? 15800 + at * 700 : null, attachment: attachment === 'rest' ? AT_REST : PLAIN[attachment],
    rates: { generatedTokensPerSecond: null, promptTokensPerSecond: null, requestsRunning: null, requestsWaiting: null, source: null, counting: null, readAtMs: null },
    temporary: false, restarts: { used: 0, budget: 3, windowMs: 600_000 }, lastExit: null, fault: null, memoryNeed: null, ...more,
  }
}

export const outOfMemory: Partial<Engine> = {
  lastExit: { atMs: START - 65_000, code: 1, signal: null, sentence: 'Ended with exit code 1: "cudaMalloc failed: out of memory".' },
  fault: { code: 'ENGINE_OUT_OF_MEMORY', sentence: 'There was not enough device memory to load the model.', hint: 'Lower the context tokens, or stop another engine on this GPU.', field: null, detail: 'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 12288.00 MiB on device 0: cudaMalloc failed: out of memory' },
  restarts: { used: 3, budget: 3, windowMs: 600_000 },
}

export function daemon(gpuUuid: string, gpuIndex: number, state: MpsDaemon['state'], more: Partial<MpsDaemon> = {}): MpsDaemon {
  const up = state !== 'stopped' && state !== 'foreign'
  return {
    gpuUuid, gpuIndex, state, sinceMs: START - 200_000, sentence: 'The daemon listens and its server is ACTIVE.', pipeDirectory: `/run/user/1000/overlap/mps-${gpuIndex}`, logDirectory: `/home/ada/.local/state/overlap/mps-${gpuIndex}`,
    ownership: up ? 'overlap' : null, daemonPid: up ? 4090 : null, daemonUid: null, controlVersion: up ? '13000' : null, servers: up ? [{ pid: 4100, status: 'ACTIVE' }] : [], clients: [],
    limits: {
      wanted: { sharePercent: null, pinnedMemoryMiB: null }, default: { sharePercent: up ? 100 : null, pinnedMemory: up ? 'none' : null },
      servers: up ? [{ pid: 4100, sharePercent: 100, pinnedMemory: 'none', changedAtMs: null }] : [],
    },
    proof: { listening: up, lockOwnerPid: up ? 4090 : null, answers: up ? true : null, checkedAtMs: START }, foreign: [], fault: null, ...more,
  }
}

export const startCommands: CommandPreview[] = [
  { argv: ['/usr/bin/nvidia-cuda-mps-control', '-d'], env: { CUDA_MPS_PIPE_DIRECTORY: '/run/user/1000/overlap/mps-0', CUDA_MPS_LOG_DIRECTORY: '/home/ada/.local/state/overlap/mps-0', CUDA_VISIBLE_DEVICES: 'GPU-00000000-aaaa-bbbb-cccc-0123456789ab' }, cwd: null, stdin: null, why: 'Start an MPS daemon for GPU 0' },
  { argv: ['/usr/bin/nvidia-cuda-mps-control'], env: { CUDA_MPS_PIPE_DIRECTORY: '/run/user/1000/overlap/mps-0' }, cwd: null, stdin: 'start_server -uid 1000\nget_server_list\n', why: 'Start its server, so that clients find it warm' },
]

export function ledger(): LedgerEntry[] {
  const one = (id: number, more: Partial<LedgerEntry>): LedgerEntry => ({
    id, argv: ['/usr/bin/nvidia-smi', '-L'], env: { LC_ALL: 'C' }, cwd: null, stdin: null, why: 'List the GPUs', way: 'run', startedAtMs: START - 600_000 + id * 1500, durationMs: 38, pid: 4000 + id, outcome: 'ok', exitCode: 0, signal: null, output: 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-aaaa-bbbb-cccc-0123456789ab)\n', ...more,
  })
  const kinds: Partial<LedgerEntry>[] = [
    {}, { argv: ['/usr/bin/nvidia-smi', '--query-gpu=index,uuid,utilization.gpu,memory.used', '--format=csv,noheader,nounits', '-lms', '1000'], way: 'follow', outcome: 'running', durationMs: null, exitCode: null, output: null, why: 'Read the GPUs once a second' },
    { ...startCommands[0], durationMs: 122, output: '' }, { ...startCommands[1], durationMs: 640, output: '4100\n' },
    { argv: ['/opt/llama/llama-server', '-m', '/models/qwen2.5 1.5b.gguf', '--port', '40100', '-c', '8192', '-np', '8'], way: 'launch', outcome: 'running', durationMs: null, exitCode: null, output: null, cwd: '/home/ada', env: { CUDA_MPS_PIPE_DIRECTORY: '/run/user/1000/overlap/mps-0', API_KEY: '•••' }, why: 'Start engine qwen-a' },
    { argv: ['nvidia-cuda-mps-control'], stdin: 'get_server_status 4100\n', outcome: 'timedOut', durationMs: 5004, exitCode: null, signal: 'SIGTERM', output: '', why: 'Ask for the state of server 4100' },
    { argv: ['systemd-run', '--user', '--version'], outcome: 'missing', durationMs: 1, pid: null, exitCode: null, output: '', why: 'See whether systemd holds user units here' },
    { outcome: 'failed', exitCode: 9, output: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n" },
  ]
  return Array.from({ length: 260 }, (_, id) => one(id + 1, kinds[id % kinds.length]!))
}
