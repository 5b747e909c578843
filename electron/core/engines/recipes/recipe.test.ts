// Specs → argv and environment, whole.
import { describe, expect, it } from 'vitest'
import type { EngineSpec, LlamaServerSpec, VllmSpec } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { argumentAfter } from './recipe.ts'
import { checkSpec, launchOf } from './recipes.ts'

const common = { name: 'a', gpuUuid: 'GPU-1', onMps: true, sharePercent: 37.5, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: { LLAMA_API_KEY: 'k' }, cwd: '/w', restartBudget: 0, readyWithinSeconds: 9 }
const llama: LlamaServerSpec = { recipe: 'llamaServer', ...common, executable: 'llama-server', modelPath: '/m/a b.gguf', contextTokens: 4096, slots: 4, gpuLayers: null, extraArguments: ['-fa', 'on'] }
const custom: EngineSpec = { recipe: 'custom', ...common, argv: ['vllm', 'serve', '--port', '{port}', '--x={port}'], healthPath: '/health', metricsPath: null, openAi: true, sequences: null, kvTokens: null }
const vllm: VllmSpec = {
  recipe: 'vllm', ...common, env: { VLLM_API_KEY: 'k' }, executable: '/venv/bin/vllm', model: 'Qwen/Qwen3-0.6B', gpuMemoryUtilization: null, kvCacheMemoryMiB: null, maxSequences: null, maxModelTokens: null,
  asyncScheduling: null, streamIntervalTokens: null, extraArguments: [],
}
const placement = { port: 8123, mps: { pipeDirectory: '/run/pipe', daemonPid: 5 }, noMpsDirectory: '/state/no-mps' }

describe('launchOf', () => {
  it('builds llama-server with everything explicit', () => {
    expect(launchOf(llama, placement)).toEqual({
      argv: ['llama-server', '-m', '/m/a b.gguf', '--host', '127.0.0.1', '--port', '8123', '-c', '4096', '-np', '4', '-ngl', '999', '--metrics', '-fa', 'on'],
      env: { LLAMA_API_KEY: 'k', CUDA_VISIBLE_DEVICES: 'GPU-1', CUDA_MPS_PIPE_DIRECTORY: '/run/pipe', CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '37.5' },
      cwd: '/w', healthPath: '/health', openAi: true, metricsPath: '/metrics', apiKey: 'k',
    })
  })
  it('keeps an engine without MPS from attaching by accident, and gives it no share', () => {
    expect(launchOf({ ...llama, onMps: false }, { ...placement, mps: null }).env).toEqual({ LLAMA_API_KEY: 'k', CUDA_VISIBLE_DEVICES: 'GPU-1', CUDA_MPS_PIPE_DIRECTORY: '/state/no-mps' })
    expect(launchOf({ ...llama, onMps: false, gpuUuid: null, gpuLayers: 0 }, { ...placement, mps: null })).toMatchObject({ env: { CUDA_MPS_PIPE_DIRECTORY: '/state/no-mps' }, argv: expect.arrayContaining(['-ngl', '0']) as string[] })
  })
  it.each<[string, Partial<VllmSpec>, string[]]>([
    ['as vLLM thinks best', {}, []],
    ['all fields', { gpuMemoryUtilization: 0.4, kvCacheMemoryMiB: 2048, maxSequences: 64, maxModelTokens: 4096, asyncScheduling: true, streamIntervalTokens: 4, extraArguments: ['--enforce-eager'] },
      ['--gpu-memory-utilization', '0.4', '--kv-cache-memory-bytes', '2147483648', '--max-num-seqs', '64', '--max-model-len', '4096', '--async-scheduling', '--stream-interval', '4', '--enforce-eager']],
    ['an absolute KV size alone: no demand for a free GPU beside it', { kvCacheMemoryMiB: 1024, asyncScheduling: false }, ['--gpu-memory-utilization', '0.05', '--kv-cache-memory-bytes', '1073741824', '--no-async-scheduling']],
  ])('builds vLLM: %s', (_, change, expected) => {
    const launch = launchOf({ ...vllm, ...change }, placement)
    expect(launch.argv).toEqual(['/venv/bin/vllm', 'serve', 'Qwen/Qwen3-0.6B', '--host', '127.0.0.1', '--port', '8123', ...expected])
    expect(launch).toMatchObject({ healthPath: '/health', openAi: true, metricsPath: '/metrics', apiKey: 'k' })
  })
  it('sets limits under MPS only, and CPUs always', () => {
    const limits = { pinnedMemoryLimitMiB: 8192, clientPriority: 1 as const, cpus: '0-3,8' }
    const on = launchOf({ ...vllm, ...limits }, placement)
    expect(on.env).toMatchObject({ CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=8192M', CUDA_MPS_CLIENT_PRIORITY: '1' })
    expect(on.argv.slice(0, 5)).toEqual(['taskset', '-c', '0-3,8', '/venv/bin/vllm', 'serve'])
    const off = launchOf({ ...llama, ...limits, onMps: false }, { ...placement, mps: null })
    expect(Object.keys(off.env).filter((name) => name.startsWith('CUDA_MPS'))).toEqual(['CUDA_MPS_PIPE_DIRECTORY'])
    expect(off.argv.slice(0, 4)).toEqual(['taskset', '-c', '0-3,8', 'llama-server'])
  })
  it('puts sizes into a custom command where it names them', () => {
    expect(launchOf({ ...custom, argv: ['x', '{port}', '--n={sequences}', '{kvTokens}'], sequences: 8, kvTokens: 9000 }, placement).argv).toEqual(['x', '8123', '--n=8', '9000'])
  })
  it('listens for everybody only where it is told to', () => {
    const argv = launchOf({ ...vllm, extraArguments: ['--host', '0.0.0.0'] }, placement).argv
    expect(argv.filter((word) => word === '--host')).toHaveLength(1)
    expect(argv.slice(-2)).toEqual(['--host', '0.0.0.0'])
  })
  it('puts the port into a custom command wherever it is named', () => {
    expect(launchOf(custom, placement).argv).toEqual(['vllm', 'serve', '--port', '8123', '--x=8123'])
  })
})

describe('checkSpec', () => {
  it.each<[string, EngineSpec, string | null]>([
    ['both recipes as they are', custom, null],
    ['a flag that Overlap sets', { ...llama, extraArguments: ['--port', '1'] }, 'spec.extraArguments'],
    ['the same with =', { ...llama, extraArguments: ['--ctx-size=5'] }, 'spec.extraArguments'],
    ['a variable that Overlap sets', { ...llama, env: { CUDA_MPS_PIPE_DIRECTORY: '/x' } }, 'spec.env.CUDA_MPS_PIPE_DIRECTORY'],
    ['vLLM as it is', vllm, null],
    ['a host for everybody', { ...vllm, extraArguments: ['--host', '0.0.0.0'] }, null],
    ['a host that 127.0.0.1 does not reach', { ...llama, extraArguments: ['--host=10.0.0.7'] }, 'spec.extraArguments'],
    ['a flag of vLLM that Overlap sets', { ...vllm, extraArguments: ['--max-num-seqs=5'] }, 'spec.extraArguments'],
    ['the same with underscores', { ...vllm, extraArguments: ['--kv_cache_memory_bytes', '5'] }, 'spec.extraArguments'],
    ['a value that looks like one', { ...vllm, extraArguments: ['--served-model-name', 'port'] }, null],
    ['a limit as a variable', { ...vllm, env: { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=1G' } }, 'spec.env.CUDA_MPS_PINNED_DEVICE_MEM_LIMIT'],
    ['less memory than a CUDA context takes', { ...vllm, pinnedMemoryLimitMiB: 511 }, 'spec.pinnedMemoryLimitMiB'],
    ['as much as that', { ...vllm, pinnedMemoryLimitMiB: 512 }, null],
    ['CPUs that run backwards', { ...vllm, cpus: '3-1' }, 'spec.cpus'],
    ['a size that is not given', { ...custom, argv: ['x', '{port}', '{sequences}'] }, 'spec.sequences'],
    ['the other one', { ...custom, argv: ['x', '{port}', '{kvTokens}'] }, 'spec.kvTokens'],
    ['MPS without a GPU', { ...llama, gpuUuid: null }, 'spec.gpuUuid'],
    ['a command that never hears its port', { ...custom, argv: ['x'] }, 'spec.argv'],
    ['a command with a port of its own', { ...custom, argv: ['x'], port: 9000 }, null],
  ])('%s', (_, spec, field) => {
    let seen: string | null = null
    try {
      checkSpec(spec)
    } catch (error) {
      seen = error instanceof FaultError ? error.fault.field : 'another error'
    }
    expect(seen).toBe(field)
  })
})

describe('argumentAfter', () => {
  it.each([
    [['--api-key', 'a'], 'a'], [['--api-key=b'], 'b'], [['--api-key', 'a', '--api-key=c'], 'c'], [['--api-key'], null], [['--api-keys', 'x'], null],
  ])('%j', (argv, expected) => {
    expect(argumentAfter(argv, ['--api-key'])).toBe(expected)
  })
})
