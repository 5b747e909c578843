// One engine × arms → the specs of their engines.
import { describe, expect, it } from 'vitest'
import type { CustomSpec, EngineSpec, LlamaServerSpec, VllmSpec } from '../../../shared/engine.ts'
import type { Arm } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { fleetOf, type FleetRequest } from './fleet.ts'

const every = { name: 'mine', gpuUuid: 'GPU-old', onMps: true, sharePercent: 30, pinnedMemoryLimitMiB: 99, clientPriority: 1 as const, cpus: '9', port: 9000, env: { A: 'b' }, cwd: '/w', restartBudget: 5, readyWithinSeconds: 60 }
const llama: LlamaServerSpec = { recipe: 'llamaServer', ...every, executable: 'llama-server', modelPath: '/m/a.gguf', contextTokens: 4096, slots: 4, gpuLayers: null, extraArguments: ['-fa', 'on'] }
const vllm: VllmSpec = { recipe: 'vllm', ...every, executable: 'vllm', model: 'Qwen/Qwen3-0.6B', gpuMemoryUtilization: null, kvCacheMemoryMiB: 4096, maxSequences: 64, maxModelTokens: 2048, asyncScheduling: null, streamIntervalTokens: null, extraArguments: [] }
const custom: CustomSpec = { recipe: 'custom', ...every, argv: ['serve', '--model', 'm', '{port}', '{sequences}', '{kvTokens}'], healthPath: null, metricsPath: null, openAi: true, sequences: 8, kvTokens: 1000 }
const arm = (change: Partial<Arm> = {}): Arm =>
  ({ id: 'mps-2', name: 'Two under MPS', kind: 'mps', engines: 2, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [], ...change })
const single = arm({ id: 'one', name: 'One', kind: 'single', engines: 1 })
const fleet = (engine: EngineSpec, change: Partial<FleetRequest> = {}): EngineSpec[] =>
  fleetOf({ engine, arm: arm(), model: null, gpuUuid: 'GPU-1', cpus: ['0-1', '2-3'], replicas: 2, streamIntervalTokens: null, prefix: 'x1', ...change })

describe('fleetOf', () => {
  it('copies the engine, with a place and limits of its own for every copy', () => {
    const own = { gpuUuid: 'GPU-1', onMps: true, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, port: null, restartBudget: 0 }
    expect(fleet(vllm)).toEqual([{ ...vllm, ...own, name: 'x1-mps-2-1', cpus: '0-1' }, { ...vllm, ...own, name: 'x1-mps-2-2', cpus: '2-3' }])
    expect(fleet(llama, { arm: arm({ kind: 'timeSliced' }), cpus: [null, null] })).toMatchObject([{ onMps: false, cpus: null }, { onMps: false, cpus: null }])
  })
  it.each<[string, EngineSpec, number, object]>([
    ['llama-server', llama, 2, { contextTokens: 8192, slots: 8, extraArguments: ['-fa', 'on'] }],
    ['vLLM', vllm, 3, { kvCacheMemoryMiB: 12288, maxSequences: 192, gpuMemoryUtilization: null }],
    ['vLLM with a size and a share, which only has to be free at its start', { ...vllm, gpuMemoryUtilization: 0.5 }, 2, { kvCacheMemoryMiB: 8192, gpuMemoryUtilization: null }],
    ['vLLM by share of the GPU', { ...vllm, kvCacheMemoryMiB: null, gpuMemoryUtilization: 0.25 }, 3, { kvCacheMemoryMiB: null, gpuMemoryUtilization: 0.75 }],
    ['vLLM by shares that add up to more than there is', { ...vllm, kvCacheMemoryMiB: null, gpuMemoryUtilization: 0.45 }, 3, { gpuMemoryUtilization: 0.95 }],
    ['vLLM as vLLM thinks best', { ...vllm, kvCacheMemoryMiB: null, maxSequences: null }, 3, { kvCacheMemoryMiB: null, gpuMemoryUtilization: null, maxSequences: null }],
    ['a custom command', custom, 4, { sequences: 32, kvTokens: 4000 }],
  ])('gives the single engine what all replicas have together: %s', (_, engine, replicas, expected) => {
    expect(fleet(engine, { arm: single, replicas })).toMatchObject([{ ...expected, name: 'x1-one-1', onMps: false, cpus: '0-3' }])
  })
  it('asks for no share of the GPU where replicas have a KV cache of a given size', () => {
    expect(fleet({ ...vllm, gpuMemoryUtilization: 0.5 })).toMatchObject([{ gpuMemoryUtilization: null, kvCacheMemoryMiB: 4096 }, { gpuMemoryUtilization: null }])
  })
  it.each<[string, Partial<Arm>, object[]]>([
    ['one share for all', { sharePercent: [50] }, [{ sharePercent: 50 }, { sharePercent: 50 }]],
    ['a share for each', { sharePercent: [70, 30] }, [{ sharePercent: 70 }, { sharePercent: 30 }]],
    ['limit and priorities', { pinnedMemoryLimitMiB: 8192, clientPriority: [0, 1] }, [{ pinnedMemoryLimitMiB: 8192, clientPriority: 0 }, { pinnedMemoryLimitMiB: 8192, clientPriority: 1 }]],
    ['scheduling and arguments', { asyncScheduling: false, extraArguments: ['--enforce-eager'] }, [{ asyncScheduling: false, extraArguments: ['--enforce-eager'] }, { asyncScheduling: false }]],
  ])('sets what the arm sets: %s', (_, change, expected) => {
    expect(fleet(vllm, { arm: arm(change) })).toMatchObject(expected)
  })
  it('listens for the experiment alone, whoever calls the engine itself', () => {
    expect(fleet({ ...vllm, extraArguments: ['--host', '0.0.0.0', '--enforce-eager', '--host=::'] })[0]).toMatchObject({ extraArguments: ['--enforce-eager'] })
  })
  it('sets model and stream interval where the recipe has them', () => {
    const change = { model: 'other', streamIntervalTokens: 4 }
    expect(fleet(vllm, change)[1]).toMatchObject({ model: 'other', streamIntervalTokens: 4 })
    expect(fleet(llama, change)[1]).toMatchObject({ modelPath: 'other' })
    expect(fleet(custom, { ...change, arm: arm({ extraArguments: ['--more'] }) })[1]).toMatchObject({ argv: ['serve', '--model', 'other', '{port}', '{sequences}', '{kvTokens}', '--more'] })
  })
  it('keeps names within their length, and different', () => {
    const names = fleet(llama, { arm: arm({ id: 'a'.repeat(40) }) }).map(({ name }) => name)
    expect(names.map((name) => name.length)).toEqual([40, 40])
    expect(new Set(names).size).toBe(2)
  })
  it.each<[string, EngineSpec, Partial<Arm>, Partial<FleetRequest>, string]>([
    ['async scheduling of another engine', llama, { asyncScheduling: true }, {}, 'arms.mps-2.asyncScheduling'],
    ['shares without MPS', vllm, { kind: 'timeSliced', sharePercent: [50] }, {}, 'arms.mps-2.sharePercent'],
    ['priorities without MPS', vllm, { kind: 'timeSliced', clientPriority: [0] }, {}, 'arms.mps-2.clientPriority'],
    ['a limit without MPS', vllm, { kind: 'timeSliced', pinnedMemoryLimitMiB: 1 }, {}, 'arms.mps-2.pinnedMemoryLimitMiB'],
    ['too few shares', vllm, { engines: 3, sharePercent: [50, 50] }, {}, 'arms.mps-2.sharePercent'],
    ['two single engines', vllm, { kind: 'single' }, {}, 'arms.mps-2.engines'],
    ['a size that no engine can have', { ...llama, contextTokens: 9_000_000 }, { kind: 'single', engines: 1 }, {}, 'arms.mps-2.engines'],
    ['another model of a command that names none', { ...custom, argv: ['serve', '{port}'] }, {}, { model: 'm' }, 'arms.mps-2.model'],
    ['an argument that a field sets', vllm, { extraArguments: ['--max-num-seqs=3'] }, {}, 'spec.extraArguments'],
  ])('refuses %s', (_, engine, change, request, field) => {
    let fault = null
    try {
      fleet(engine, { arm: arm(change), ...request })
    } catch (error) {
      fault = error instanceof FaultError ? error.fault : error
    }
    expect(fault).toMatchObject({ code: 'BAD_INPUT', field })
  })
})
