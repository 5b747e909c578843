import { describe, expect, it } from 'vitest'
import type { EngineSpec } from '../../shared/engine.ts'
import { fieldOfFault, fieldsOf, NEW_ENGINE, specOf, withRecipe } from './engineFields.ts'

const llama: EngineSpec = {
  recipe: 'llamaServer', name: 'one', gpuUuid: 'GPU-a', onMps: true, sharePercent: 50, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: 8081, env: { A: 'b=c', B: '' }, cwd: '/tmp', restartBudget: 0, readyWithinSeconds: 60,
  executable: 'llama-server', modelPath: '/m/a b.gguf', contextTokens: 4096, slots: 2, gpuLayers: 0, extraArguments: ['--x', "it's"],
}
const custom: EngineSpec = {
  recipe: 'custom', name: 'two', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 3, readyWithinSeconds: 60,
  argv: ['sh', '-c', 'exec serve "$0"', '{port}'], healthPath: null, metricsPath: '/metrics', openAi: false, sequences: null, kvTokens: null,
}

const vllm: EngineSpec = {
  recipe: 'vllm', name: 'three', gpuUuid: 'GPU-a', onMps: true, sharePercent: null, pinnedMemoryLimitMiB: 20_000, clientPriority: 0, cpus: '0-7,16-23', port: null, env: {}, cwd: null, restartBudget: 3, readyWithinSeconds: 900,
  executable: '/venv/bin/vllm', model: 'Qwen/Qwen3-0.6B', gpuMemoryUtilization: 0.4, kvCacheMemoryMiB: 4096, maxSequences: 64, maxModelTokens: 4096, asyncScheduling: false, streamIntervalTokens: 4, extraArguments: [],
}
const plainVllm: EngineSpec = {
  ...vllm, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, gpuMemoryUtilization: null, kvCacheMemoryMiB: null, maxSequences: null, maxModelTokens: null, asyncScheduling: null, streamIntervalTokens: null,
}

describe('engine fields', () => {
  it.each([llama, custom, vllm, plainVllm, { ...custom, sequences: 8, kvTokens: 4096 }])('go round: $recipe', (spec) => expect(specOf(fieldsOf(spec))).toEqual({ spec }))
  it('names what is needed', () => {
    expect(specOf(NEW_ENGINE)).toEqual({ errors: { name: 'Needed.', modelPath: 'Needed.' } })
  })
  it('follow the recipe where nobody has typed', () => {
    expect(withRecipe(NEW_ENGINE, 'vllm')).toEqual({ ...NEW_ENGINE, recipe: 'vllm', executable: 'vllm', readyWithinSeconds: 900 })
    expect(withRecipe({ ...NEW_ENGINE, executable: '/opt/it', readyWithinSeconds: 60 }, 'vllm')).toMatchObject({ executable: '/opt/it', readyWithinSeconds: 60 })
    expect(withRecipe(withRecipe(NEW_ENGINE, 'custom'), 'llamaServer')).toEqual(NEW_ENGINE)
  })
  it.each([
    [{ ...fieldsOf(vllm), extraArguments: "'open" }, 'extraArguments'], [{ ...fieldsOf(vllm), cpus: 'all' }, 'cpus'], [{ ...fieldsOf(vllm), model: ' ' }, 'model'], [{ ...fieldsOf(vllm), gpuMemoryUtilization: 92 }, 'gpuMemoryUtilization'],
    [{ ...fieldsOf(custom), argv: "'open" }, 'argv'], [{ ...fieldsOf(llama), env: 'nonsense' }, 'env'], [{ ...fieldsOf(llama), env: '1A=x' }, 'env'],
    [{ ...fieldsOf(llama), port: 80 }, 'port'], [{ ...fieldsOf(llama), restartBudget: '' as const }, 'restartBudget'], [{ ...fieldsOf(custom), argv: '' }, 'argv'],
  ])('finds the field at fault: %#', (fields, field) => {
    const answer = specOf(fields)
    expect('errors' in answer ? Object.keys(answer.errors) : []).toEqual([field])
  })
})

it('says every wrong field at once, in words', () => {
  expect(specOf({ ...fieldsOf(llama), port: 80, sharePercent: 0, slots: 9999, env: 'nonsense', extraArguments: "'open", name: 'n'.repeat(41), modelPath: ' ' })).toEqual({
    errors: { extraArguments: 'A quote stays open.', env: 'Not NAME=value: nonsense', name: 'At most 40 characters.', sharePercent: 'Above 0.', port: 'At least 1024.', slots: 'At most 4096.', modelPath: 'Needed.' },
  })
})

it('knows that nobody here reads ~', () => {
  expect(specOf({ ...fieldsOf(llama), modelPath: '~/m.gguf', cwd: '~' })).toEqual({ errors: { modelPath: 'Only a shell reads ~: write the whole path.', cwd: 'Only a shell reads ~: write the whole path.' } })
})

describe('fieldOfFault', () => {
  it.each([['spec.port', 'port'], ['spec.env.A', 'env'], ['port', 'port'], ['spec.nothing', null], [null, null]])('%s → %s', (given, field) => expect(fieldOfFault(given)).toBe(field))
})
