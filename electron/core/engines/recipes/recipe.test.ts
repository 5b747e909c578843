// Specs → argv and environment, whole.
import { describe, expect, it } from 'vitest'
import type { EngineSpec, LlamaServerSpec } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { argumentAfter } from './recipe.ts'
import { checkSpec, launchOf } from './recipes.ts'

const common = { name: 'a', gpuUuid: 'GPU-1', onMps: true, sharePercent: 37.5, port: null, env: { LLAMA_API_KEY: 'k' }, cwd: '/w', restartBudget: 0, readyWithinSeconds: 9 }
const llama: LlamaServerSpec = { recipe: 'llamaServer', ...common, executable: 'llama-server', modelPath: '/m/a b.gguf', contextTokens: 4096, slots: 4, gpuLayers: null, extraArguments: ['-fa', 'on'] }
const custom: EngineSpec = { recipe: 'custom', ...common, argv: ['vllm', 'serve', '--port', '{port}', '--x={port}'], healthPath: '/health', metricsPath: null, openAi: true }
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
