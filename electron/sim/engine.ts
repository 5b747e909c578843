// Stand-in inference engine: `vllm serve` by its command line, its log and its HTTP, at the pace of the simulated GPU. Loads no model.
// What vLLM has no flag for comes by environment: OVERLAP_SIM_LOAD (callers of its own, in a closed loop), OVERLAP_SIM_LOAD_SECONDS,
// OVERLAP_SIM_COLD_SECONDS (of compiling, at its first real load), OVERLAP_SIM_IGNORE_SIGTERM, OVERLAP_SIM_OUT_OF_MEMORY and OVERLAP_SIM_LINGER (lives on although nobody reads its metrics).
import { Batch } from './batch.ts'
import { Folder, type SceneFile } from './folder.ts'
import { attach, CudaError, GpuProcess, visibleGpu } from './gpuProcess.ts'
import { serve, VLLM_VERSION } from './openAi.ts'
import { SCENES } from './scenes.ts'
import { ACTIVATIONS_MIB, CONTEXT_MIB, KV_BLOCK_TOKENS, kvBlocks, SHAPES, shapeOf, weightsMiB, type ShapeName } from './shapes.ts'
import { Ticks } from './ticks.ts'
import { parseVllm, UsageError, type VllmArguments } from './vllmArguments.ts'

const SHUTDOWN_MS = 150
const MOST_CALLERS = 4096
const LONGEST_LOAD_S = 3600
const env = process.env

process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

let gpuProcess: GpuProcess | null = null

function say(who: 'APIServer' | 'EngineCore_DP0', where: string, text: string): void {
  const now = new Date().toISOString()
  process.stdout.write(`(${who} pid=${process.pid}) INFO ${now.slice(5, 10)} ${now.slice(11, 19)} [${where}] ${text}\n`)
}

function end(code: number, words: string | null = null): never {
  gpuProcess?.leave()
  if (words !== null) process.stderr.write(`${words}\n`)
  process.exit(code)
}

const numberOf = (name: string, own: number, most: number): number => {
  const value = Number(env[name] ?? own)
  return value >= 0 && value <= most ? value : end(2, `${name} is no number from 0 to ${most}: ${env[name]}`)
}
const gib = (mebibytes: number): string => (mebibytes / 1024).toFixed(2)
const grouped = (value: number): string => value.toLocaleString('en-US')

/** Python's way to print it; without the key. */
function printed(options: VllmArguments): string {
  const shown = { model_tag: options.model, port: options.port, max_num_seqs: options.maxSequences, max_model_len: options.maxModelTokens, kv_cache_memory_bytes: options.kvCacheBytes, gpu_memory_utilization: options.gpuMemoryUtilization, stream_interval: options.streamInterval, async_scheduling: options.asyncScheduling }
  const python = (value: unknown) => (typeof value === 'string' ? `'${value}'` : typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value))
  return `{${Object.entries(shown).filter(([, value]) => value !== null).map(([name, value]) => `'${name}': ${python(value)}`).join(', ')}}`
}

/** The GPU as CUDA's first call finds it: from here on it is an MPS client, or it never will be. */
async function openGpu(folder: Folder, scene: SceneFile, model: ShapeName, options: VllmArguments): Promise<GpuProcess> {
  const gpu = visibleGpu(folder.gpus(scene), env['CUDA_VISIBLE_DEVICES'])
  if (!gpu || folder.misbehaviour(scene).lostGpus?.includes(gpu.index)) throw new CudaError('RuntimeError: No CUDA GPUs are available')
  const server = await attach(env['CUDA_MPS_PIPE_DIRECTORY'] || '/tmp/nvidia-mps', gpu.uuid)
  if (gpu.exclusiveProcess && server === null && folder.tenants(gpu.index).length > 0) throw new CudaError('torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable')
  return new GpuProcess(folder, gpu, server, { model, asyncScheduling: options.asyncScheduling, env, seed: SCENES[scene.name].seed, name: String(options.port) })
}

/** Blocks of KV cache; weights, cache and activations are allocated when it returns. */
async function loadModel(gpu: GpuProcess, model: ShapeName, options: VllmArguments): Promise<number> {
  const totalMiB = gpu.gpu.card.memoryTotalMiB
  const wantedMiB = options.gpuMemoryUtilization * totalMiB
  if (gpu.freeMiB < wantedMiB) {
    throw new CudaError(`ValueError: Free memory on device cuda:0 (${gib(Math.max(0, gpu.freeMiB))}/${gib(totalMiB)} GiB) on startup is less than desired GPU memory utilization (${options.gpuMemoryUtilization}, ${gib(wantedMiB)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`)
  }
  say('EngineCore_DP0', 'gpu_model_runner.py:2602', `Starting to load model ${options.model}...`)
  if (env['OVERLAP_SIM_OUT_OF_MEMORY']) gpu.allocate(gpu.freeMiB + 2048)
  const weights = weightsMiB(model)
  gpu.allocate(weights)
  const seconds = numberOf('OVERLAP_SIM_LOAD_SECONDS', 2, LONGEST_LOAD_S)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  say('EngineCore_DP0', 'gpu_model_runner.py:2653', `Model loading took ${gib(weights)} GiB and ${seconds.toFixed(6)} seconds`)
  const kvMiB = options.kvCacheBytes === null ? Math.floor(wantedMiB) - weights - ACTIVATIONS_MIB - CONTEXT_MIB : Math.floor(options.kvCacheBytes / 2 ** 20)
  const blocks = kvBlocks(model, kvMiB)
  if (blocks === 0) throw new CudaError('ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.')
  gpu.allocate(kvMiB + ACTIVATIONS_MIB)
  return blocks
}

async function main(): Promise<void> {
  const options = parseVllm(process.argv.slice(2), env)
  const model = shapeOf(options.model)
  if (model === null) end(1, `OSError: ${options.model} is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models' (the simulated workstation knows ${Object.keys(SHAPES).join(', ')} of Qwen2.5 and Gemma 3)`)
  const folder = Folder.current()
  const scene = folder.scene()
  if (!scene) throw new CudaError('RuntimeError: No CUDA GPUs are available')
  say('APIServer', 'api_server.py:1971', `vLLM API server version ${VLLM_VERSION}`)
  say('APIServer', 'utils.py:233', `non-default args: ${printed(options)}`)
  say('APIServer', 'simulated', 'A stand-in of the simulated workstation: no model is loaded, and no GPU computes.')
  gpuProcess = await openGpu(folder, scene, model, options)
  const blocks = await loadModel(gpuProcess, model, options)
  const kvTokens = blocks * KV_BLOCK_TOKENS
  const maxModelTokens = options.maxModelTokens ?? SHAPES[model].maxModelTokens
  say('EngineCore_DP0', 'kv_cache_utils.py:1087', `GPU KV cache size: ${grouped(kvTokens)} tokens`)
  say('EngineCore_DP0', 'kv_cache_utils.py:1091', `Maximum concurrency for ${grouped(maxModelTokens)} tokens per request: ${(kvTokens / maxModelTokens).toFixed(2)}x`)
  open({ options, model, maxModelTokens, blocks, gpu: gpuProcess, folder, scene })
}

function open({ options, model, maxModelTokens, blocks, gpu, folder, scene }: { options: VllmArguments; model: ShapeName; maxModelTokens: number; blocks: number; gpu: GpuProcess; folder: Folder; scene: SceneFile }): void {
  const batch = new Batch({ maxSequences: options.maxSequences, kvTokens: blocks * KV_BLOCK_TOKENS }, Date.now())
  // An engine with a stream interval of its own is being measured: the demonstration's callers stay away from it.
  const selfLoad = options.streamInterval === null ? Math.floor(numberOf('OVERLAP_SIM_LOAD', 0, MOST_CALLERS)) : 0
  const ticks = new Ticks({ folder, gpu, batch, selfLoad, coldSeconds: numberOf('OVERLAP_SIM_COLD_SECONDS', 0, LONGEST_LOAD_S), lingers: Boolean(env['OVERLAP_SIM_LINGER']), end })
  const defective = (folder.misbehaviour(scene).wrongGemm ?? false) && gpu.sharePercent < 100
  const server = serve({
    host: options.host, port: options.port, servedNames: options.servedNames, apiKey: options.apiKey, batch, cache: { kvBlocks: blocks, gpuMemoryUtilization: options.gpuMemoryUtilization },
    speaker: { model, servedName: options.servedNames[0] ?? options.model, maxModelTokens, streamInterval: options.streamInterval, defective },
    onRequest: ticks.wake, onScrape: () => (ticks.scrapedAtMs = Date.now()),
  })
  server.on('error', (error) => end(1, `OSError: [Errno 98] ${error.message}`))
  server.on('listening', () => {
    say('APIServer', 'api_server.py:1773', `Starting vLLM API server 0 on http://${options.host}:${options.port}`)
    process.stdout.write(`(APIServer pid=${process.pid}) INFO:     Application startup complete.\n`)
    ticks.tick()
  })
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (env['OVERLAP_SIM_IGNORE_SIGTERM']) return say('APIServer', 'simulated', 'Asked to end; does not.')
    process.stdout.write(`(APIServer pid=${process.pid}) INFO:     Shutting down\n`)
    setTimeout(() => end(0), SHUTDOWN_MS)
  })
}
process.on('SIGHUP', () => {})
process.on('SIGUSR2', () => end(1, 'CUDA error: the MPS client has been terminated by the server'))
main().catch((error: unknown) => {
  if (error instanceof UsageError) end(2, error.message)
  if (error instanceof CudaError) end(1, error.message)
  throw error
})
