import { describe, expect, it } from 'vitest'
import type { EngineSpec } from '../../shared/engine.ts'
import { fieldOfFault, fieldsOf, NEW_ENGINE, specOf } from './engineFields.ts'

const llama: EngineSpec = {
  recipe: 'llamaServer', name: 'one', gpuUuid: 'GPU-a', onMps: true, sharePercent: 50, port: 8081, env: { A: 'b=c', B: '' }, cwd: '/tmp', restartBudget: 0, readyWithinSeconds: 60,
  executable: 'llama-server', modelPath: '/m/a b.gguf', contextTokens: 4096, slots: 2, gpuLayers: 0, extraArguments: ['--x', "it's"],
}
const custom: EngineSpec = {
  recipe: 'custom', name: 'two', gpuUuid: null, onMps: false, sharePercent: null, port: null, env: {}, cwd: null, restartBudget: 3, readyWithinSeconds: 60,
  argv: ['sh', '-c', 'exec serve "$0"', '{port}'], healthPath: null, metricsPath: '/metrics', openAi: false,
}

describe('engine fields', () => {
  it.each([llama, custom])('go round: $recipe', (spec) => expect(specOf(fieldsOf(spec))).toEqual({ spec }))
  it('names what is needed', () => {
    expect(specOf(NEW_ENGINE)).toEqual({ errors: { name: 'Needed.', modelPath: 'Needed.' } })
  })
  it.each([
    [{ ...fieldsOf(custom), argv: "'open" }, 'argv'], [{ ...fieldsOf(llama), env: 'nonsense' }, 'env'], [{ ...fieldsOf(llama), env: '1A=x' }, 'env'],
    [{ ...fieldsOf(llama), port: 80 }, 'port'], [{ ...fieldsOf(llama), restartBudget: '' as const }, 'restartBudget'], [{ ...fieldsOf(custom), argv: '' }, 'argv'],
  ])('finds the field at fault: %#', (fields, field) => {
    const answer = specOf(fields)
    expect('errors' in answer ? Object.keys(answer.errors) : []).toEqual([field])
  })
})

describe('fieldOfFault', () => {
  it.each([['spec.port', 'port'], ['spec.env.A', 'env'], ['port', 'port'], ['spec.nothing', null], [null, null]])('%s → %s', (given, field) => expect(fieldOfFault(given)).toBe(field))
})
