// Command lines as /proc shows them → which engine they run, and the spec that would start the same again.
import { describe, expect, it } from 'vitest'
import { EngineSpec } from '../../../shared/engine.ts'
import { engineCommand, metricsPath, namedKey, namedModel, namedPort } from './commandLine.ts'
import { comparedEnvironments, draftSpec, ownEnvironment, type Draft } from './draft.ts'
import { launchOf } from './recipes/recipes.ts'

const words = (line: string) => line.split(' ')

describe('engineCommand', () => {
  it.each([
    ['/venv/bin/python3.12 /venv/bin/vllm serve Qwen/Qwen3-0.6B --port 8001', 'vllm', '/venv/bin/vllm serve', 'Qwen/Qwen3-0.6B', 8001],
    ['vllm serve --model m', 'vllm', 'vllm serve', 'm', 8000],
    ['python3 -u -X dev -m vllm.entrypoints.openai.api_server --model m --port=9', 'vllm', 'python3 -u -X dev -m vllm.entrypoints.openai.api_server', 'm', 9],
    ['python -m sglang.launch_server --model-path m', 'sglang', 'python -m sglang.launch_server', 'm', 30_000],
    ['/opt/sglang/bin/python /opt/sglang/bin/sglang serve --model-path m', 'sglang', '/opt/sglang/bin/sglang serve', 'm', 30_000],
    ['/usr/bin/llama-server -m /m/a.gguf', 'llamaServer', '/usr/bin/llama-server', '/m/a.gguf', 8080],
    ['/lib/ld-linux-x86-64.so.2 --library-path /x /usr/bin/llama-server -hf a/b --port 7', 'llamaServer', '/lib/ld-linux-x86-64.so.2 --library-path /x /usr/bin/llama-server', 'a/b', 7],
    ['vllm serve m --port nonsense', 'vllm', 'vllm serve', 'm', 8000],
  ])('%s', (line, program, start, model, port) => {
    const command = engineCommand(words(line))
    expect(command).toMatchObject({ program, start: words(start) })
    expect(command && [namedModel(command, {}), namedPort(command, {})]).toEqual([model, port])
  })

  it.each([
    'sh -c vllm serve m', 'bash', 'docker run --gpus all vllm/vllm-openai serve m', 'grep llama-server', 'timeout 9 vllm serve m', 'vllm bench serve', 'vim vllm serve', 'python3 train.py vllm serve m', 'tmux new llama-server',
    'python3 -c import_vllm', 'node /overlap/keeper.ts /state/engines/e1 -- vllm serve m', 'python3', '', 'taskset -c 0 vllm serve m', 'python3 -m', 'ld-linux-x86-64.so.2',
  ])('%s is none', (line) => expect(engineCommand(words(line))).toBeNull())

  it('knows what comes by the environment, and whether there are metrics', () => {
    const llama = engineCommand(['llama-server'])
    const sglang = engineCommand(words('sglang serve --enable-metrics'))
    if (llama === null || sglang === null) throw new Error('not recognised')
    const env = { LLAMA_ARG_PORT: '77', LLAMA_ARG_MODEL: '/m.gguf', LLAMA_API_KEY: 'k', LLAMA_ARG_ENDPOINT_METRICS: '1' }
    expect([namedPort(llama, env), namedModel(llama, env), namedKey(llama, env), metricsPath(llama, env)]).toEqual([77, '/m.gguf', 'k', '/metrics'])
    expect([metricsPath(llama, {}), metricsPath(sglang, {}), namedKey(sglang, {})]).toEqual([null, '/metrics', null])
  })
})

const draft = (line: string, change: Partial<Draft> = {}): Draft => {
  const command = engineCommand(words(line))
  if (command === null) throw new Error('not recognised')
  return { command, env: {}, inherited: {}, cwd: '/w', name: 'a', port: 8001, gpuUuid: 'GPU-1', onMps: false, restartedElsewhere: false, ...change }
}
const placement = { port: 8001, mps: null, noMpsDirectory: '/no' }

describe('draftSpec', () => {
  it.each([
    ['vllm serve m --port 8001 --host 127.0.0.1', 'vllm', 'vllm serve m --host 127.0.0.1 --port 8001'],
    // vLLM listens at every address unless told otherwise: whoever calls it from elsewhere does not lose it
    ['/v/bin/vllm serve m --max_num_seqs 9 --no-async-scheduling --dtype bfloat16', 'vllm', '/v/bin/vllm serve m --port 8001 --max-num-seqs 9 --no-async-scheduling --host 0.0.0.0 --dtype bfloat16'],
    ['vllm serve --model m --kv-cache-memory-bytes 5G --max-model-len 4k --gpu-memory-utilization=0.5 --host 0.0.0.0', 'vllm', 'vllm serve m --port 8001 --gpu-memory-utilization 0.5 --kv-cache-memory-bytes 5368709120 --max-model-len 4000 --host 0.0.0.0'],
    ['vllm serve m --kv-cache-memory-bytes 1000', 'custom', 'vllm serve m --kv-cache-memory-bytes 1000'],
    ['vllm serve m --max-num-seqs lots', 'custom', 'vllm serve m --max-num-seqs lots'],
    ['vllm serve m --gpu-memory-utilization', 'custom', 'vllm serve m --gpu-memory-utilization'],
    ['vllm serve m --kv-cache-memory 5', 'custom', 'vllm serve m --kv-cache-memory 5'],
    ['vllm serve --config c.yaml', 'custom', 'vllm serve --config c.yaml'],
    ['vllm serve m --host 10.0.0.7 --port 8001', 'custom', 'vllm serve m --host 10.0.0.7 --port 8001'],
    ['python3 -m vllm.entrypoints.openai.api_server --model m --port 1', 'custom', 'python3 -m vllm.entrypoints.openai.api_server --model m --port 8001'],
    ['python3 -m sglang.launch_server --model-path m --port=1', 'custom', 'python3 -m sglang.launch_server --model-path m --port=8001'],
    ['llama-server -m a.gguf -c 4096 --parallel 4 -ngl 99 --metrics -fa on', 'llamaServer', 'llama-server -m a.gguf --host 127.0.0.1 --port 8001 -c 4096 -np 4 -ngl 99 --metrics -fa on'],
    // what it does not say is its own choice, which the recipe would have to invent
    ['llama-server -m a.gguf -c 4096 --metrics', 'custom', 'llama-server -m a.gguf -c 4096 --metrics'],
    ['llama-server -m a.gguf -c 4096 -np 4 -ngl 99', 'custom', 'llama-server -m a.gguf -c 4096 -np 4 -ngl 99'],
  ])('%s', (line, recipe, argv) => {
    const spec = draftSpec(draft(line))
    expect(EngineSpec.parse(spec)).toEqual(spec)
    expect(spec).toMatchObject({ recipe, port: 8001, cwd: '/w', restartBudget: 3, gpuUuid: 'GPU-1' })
    expect(launchOf(spec, placement).argv.join(' ')).toBe(argv)
  })

  it('asks for metrics only where there are some, and knows its key', () => {
    expect(draftSpec(draft('llama-server -m a.gguf'))).toMatchObject({ recipe: 'custom', metricsPath: null, healthPath: '/health', openAi: true })
    expect(launchOf(draftSpec(draft('vllm serve m --api-key hush')), placement)).toMatchObject({ apiKey: 'hush', metricsPath: '/metrics' })
  })

  it('leaves restarts to whoever does them already', () => expect(draftSpec(draft('vllm serve m', { restartedElsewhere: true })).restartBudget).toBe(0))

  it('keeps what the engine has of its own in the environment, and nothing of a session, of MPS, of npm or of Overlap', () => {
    const env = {
      HF_HOME: '/hf', PATH: '/venv/bin:/bin', HOME: '/root', SSH_TTY: '/dev/pts/1', XDG_SESSION_ID: '4', npm_lifecycle_event: 'start', CUDA_VISIBLE_DEVICES: '0', CUDA_MPS_PIPE_DIRECTORY: '/p', OVERLAP_TOKEN: 't',
      INVOCATION_ID: 'x', TMUX: 'y', _: '/usr/bin/env', OVERLAP_SIM_LOAD: '64', 'BASH_FUNC_x%%': '()', VLLM_API_KEY: 'k',
    }
    expect(ownEnvironment(env, { HOME: '/root', PATH: '/bin' })).toEqual({ HF_HOME: '/hf', PATH: '/venv/bin:/bin', OVERLAP_SIM_LOAD: '64', VLLM_API_KEY: 'k' })
    expect(draftSpec(draft('vllm serve m', { env: { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '40' }, onMps: true })).sharePercent).toBe(40)
  })
})

describe('comparedEnvironments', () => {
  it('shows what stays of its own, and what an engine reads that a start from here gives others; not the rest of a login', () => {
    const now = { HF_HOME: '/hf', PATH: '/bin', EDITOR: 'vi', CUDA_VISIBLE_DEVICES: '0', HOME: '/root' }
    const next = { HF_HOME: '/hf', PATH: '/bin', HOME: '/root', LS_COLORS: 'x', CUDA_VISIBLE_DEVICES: 'GPU-1', CUDA_MPS_PIPE_DIRECTORY: '/no-mps', http_proxy: 'http://p' }
    expect(comparedEnvironments(now, next, { HF_HOME: '/hf' })).toEqual({
      now: { CUDA_VISIBLE_DEVICES: '0', HF_HOME: '/hf' },
      next: { CUDA_MPS_PIPE_DIRECTORY: '/no-mps', CUDA_VISIBLE_DEVICES: 'GPU-1', HF_HOME: '/hf', http_proxy: 'http://p' },
    })
  })
})
