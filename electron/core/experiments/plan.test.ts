// Plans: cells, loads, time, memory and what is set aside; and that the presets say of themselves what the plan says of them.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { Plan, type ExperimentFile } from '../../../shared/experiment.ts'
import { faultOf } from '../../../shared/fault.ts'
import type { GpuIdentity } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { duration } from '../../../shared/units.ts'
import { cellsOf, controlOf, GUESSED_SECONDS_TO_LOAD, loadOf, planOf, probeOf, probesPlateau, type PlanRequest } from './plan.ts'
import { readPresets } from './presets.ts'

const presets = new Map((await readPresets(join(import.meta.dirname, '../../../assets/experiments'))).map(({ name, file }) => [name, file]))
const preset = (name: string): ExperimentFile => {
  const file = presets.get(name)
  if (file === undefined) throw new Error(`no preset ${name}`)
  return file
}
const H100: GpuIdentity = {
  index: 0, uuid: 'GPU-1', name: 'NVIDIA H100 80GB HBM3', pciBusId: null, driverVersion: null, memoryTotalMiB: 81559, computeMode: 'Default', migMode: 'Disabled', persistenceMode: null,
  computeCapability: '9.0', gpm: true,
}
const vllm = preset('demo-vllm').engine as EngineSpec
const request = (file: ExperimentFile, change: Partial<PlanRequest> = {}): PlanRequest => ({ file, engine: file.engine ?? vllm, gpu: H100, engines: [], daemon: null, gpuUsedMiB: 480, secondsToLoad: null, seenMiB: null, ...change })
const running = (name: string, change: Partial<Engine> = {}): Engine => ({ spec: { ...vllm, name, gpuUuid: 'GPU-1' }, state: 'ready', temporary: false, gpuMemoryMiB: 8000, ...change }) as Engine

test('the presets are all there', () => {
  expect([...presets.keys()]).toEqual(['attention-only', 'concurrency-sweep', 'decode-scaling', 'demo', 'demo-vllm', 'gemma-async', 'mlp-only', 'prefill-scaling', 'priorities', 'rate-sweep', 'shares'])
  expect([...presets].filter(([, file]) => file.waitsFor !== null).map(([name]) => name)).toEqual(['attention-only', 'mlp-only'])
})

test.each([...presets])('%s can be planned, and says how long it takes', (_name, file) => {
  const plan = Plan.parse(planOf(request(file)))
  const { measuringSeconds, loadingSeconds, gpuMemoryMiB } = plan.estimate
  const measuring = `Measuring takes ${duration(measuringSeconds * 1000)}`
  expect(file.needs).toContain(file.engine === null ? `${measuring}; loading comes before it and depends on the engine` : `${measuring}, loading ${duration(loadingSeconds * 1000)} where an engine takes 60 s`)
  expect(gpuMemoryMiB).toBeLessThan(80_000)
  expect(file.blocks.rounds).toBeGreaterThanOrEqual(6)
})

test('presets carry no number of the study but those it gives in words', () => {
  expect([...presets.values()].flatMap(({ source }) => (source === null ? [] : [source.match(/[+−]?\d+ %/g) ?? []])).flat()).toEqual(['+33 %', '+35 %'])
})

test('the demonstration takes three minutes where engines load in two seconds', () => {
  const { measuringSeconds, loadingSeconds } = planOf(request(preset('demo'), { secondsToLoad: 2 })).estimate
  expect(measuringSeconds + loadingSeconds).toBeLessThanOrEqual(180)
})

test('cells: the first axis outermost; none: one cell', () => {
  expect(cellsOf(preset('demo'))).toEqual([{}])
  const cells = cellsOf(preset('decode-scaling'))
  expect(cells).toHaveLength(28)
  expect(cells.slice(6, 8)).toEqual([{ model: 'Qwen/Qwen2.5-0.5B-Instruct', promptTokens: 8192 }, { model: 'Qwen/Qwen2.5-1.5B-Instruct', promptTokens: 128 }])
  const values = Array.from({ length: 30 }, (_, at) => at + 1)
  const many: ExperimentFile = { ...preset('demo'), axes: [{ vary: 'promptTokens', values }, { vary: 'concurrency', values }] }
  expect(() => cellsOf(many)).toThrow('900 cells')
})

test('the load of a cell', () => {
  const file = preset('demo')
  expect(loadOf(file, {})).toEqual(file.load)
  expect(loadOf(file, { promptTokens: 9, outputTokens: 7, concurrency: 3 })).toEqual({ ...file.load, prompt: { shape: 'fixed', tokens: 9 }, output: { shape: 'fixed', tokens: 7 }, arrivals: { kind: 'closed', concurrency: 3 } })
  expect(loadOf(preset('rate-sweep'), { perSecond: 80 }).arrivals).toEqual({ kind: 'poisson', perSecond: 80 })
})

test('time: blocks, warming up, probes and control apart from loading', () => {
  const { seconds, warmUpSeconds, coolDownSeconds } = preset('demo').blocks
  const block = seconds + warmUpSeconds + coolDownSeconds
  const probe = 2 * (0.5 + 2)
  const warming = 2 * (0.5 + 1)
  const control = 4 * (0.5 + 2)
  const hot = planOf(request(preset('demo')))
  expect(hot).toMatchObject({ residency: 'hot', estimate: { loadingSeconds: 5 * GUESSED_SECONDS_TO_LOAD.vllm, measuringSeconds: 6 * 3 * block + 3 * (warming + probe) + control } })
  const cold = planOf(request({ ...preset('demo'), residency: 'cold' }, { secondsToLoad: 10 }))
  expect(cold.estimate).toMatchObject({ loadingSeconds: 2 * 5 * 10, measuringSeconds: 6 * 3 * block + 2 * 3 * warming + 3 * probe })
  const single = planOf(request({ ...preset('demo'), residency: 'cold', blocks: { ...preset('demo').blocks, rounds: 1 } }, { secondsToLoad: 10 }))
  expect(single.estimate.loadingSeconds).toBe(50)
  const sweep = planOf(request(preset('concurrency-sweep'), { secondsToLoad: 10 }))
  expect(sweep.estimate).toMatchObject({ loadingSeconds: 50, measuringSeconds: 10 * 6 * 3 * 12 + 3 * 2 * (1 + 1) + 4 * (1 + 2) }) // engines stay while only the load changes
  const models: ExperimentFile = { ...preset('prefill-scaling'), residency: 'hot' }
  expect(planOf(request(models, { secondsToLoad: 10 })).estimate.loadingSeconds).toBe(4 * 3 * 10)
  // long prompts give no token at first: a probe that is shorter than their warm-up would see nothing
  expect([probeOf(preset('demo')), controlOf(preset('demo')), probeOf(preset('decode-scaling'))].map(({ warmUpSeconds }) => warmUpSeconds)).toEqual([0.5, 0.5, 5])
  expect([preset('demo'), preset('concurrency-sweep'), preset('rate-sweep')].map(probesPlateau)).toEqual([true, false, false])
})

test('hot where all arms fit with a tenth to spare, else cold and only the largest arm counts', () => {
  const needed = planOf(request(preset('demo'))).estimate.gpuMemoryMiB ?? 0
  expect(needed).toBe(6 * 2048 + 5 * (943 + 2048))
  const roomy = Math.ceil(needed / 0.9)
  const of = (change: Partial<PlanRequest>) => planOf(request(preset('demo'), change))
  expect(of({ gpu: { ...H100, memoryTotalMiB: roomy + 480 } }).residency).toBe('hot')
  expect(of({ gpu: { ...H100, memoryTotalMiB: roomy + 470 } })).toMatchObject({ residency: 'cold', estimate: { gpuMemoryMiB: 2 * (943 + 2048 + 2048) } })
  expect(of({ gpuUsedMiB: 75_000 }).residency).toBe('cold')
  expect(of({ gpuUsedMiB: 75_000, engines: [running('a', { gpuMemoryMiB: 74_000 })] }).residency).toBe('hot') // it is set aside
  expect(of({ gpuUsedMiB: null }).residency).toBe('cold')
  const unknown = of({ engine: { ...vllm, model: 'some/model' } as EngineSpec })
  expect(unknown).toMatchObject({ residency: 'cold', estimate: { gpuMemoryMiB: null } })
})

test('where the need cannot be worked out, an engine that runs tells at most what copies need: they fit, or it is not known', () => {
  const llama = { recipe: 'llamaServer', name: 'a', modelPath: '/m/a.gguf', contextTokens: 4096, slots: 4 } as EngineSpec
  const of = (seenMiB: number | null, change: Partial<PlanRequest> = {}) => {
    const { residency, estimate } = planOf(request(preset('demo'), { engine: { ...vllm, ...llama, executable: 'llama-server', gpuLayers: null } as EngineSpec, seenMiB, ...change }))
    return [residency, estimate.gpuMemoryMiB]
  }
  expect(of(null)).toEqual(['cold', null])
  expect(of(10_000)).toEqual(['hot', 60_000])
  expect(of(20_000)).toEqual(['cold', 40_000])
  expect(of(40_000)).toEqual(['cold', null]) // the single one needs less than twice as much: nobody knows how much less
})

test('what is set aside: running engines of this GPU that are the user\'s', () => {
  const engines = [running('a'), running('b', { state: 'stopped' }), running('c', { state: 'failed' }), running('d', { temporary: true }), running('e', { spec: { ...vllm, name: 'e', gpuUuid: 'GPU-2' } }), running('f', { state: 'starting' })]
  expect(planOf(request(preset('demo'), { engines })).setsAside).toEqual(['a', 'f'])
})

test.each([
  ['demo', null, true], ['demo', 'stopped', true], ['demo', 'running', false], ['demo', 'noServer', false], ['demo', 'foreign', false],
] as const)('%s with MPS %s starts it: %s', (name, state, starts) => {
  expect(planOf(request(preset(name), { daemon: state === null ? null : ({ state } as MpsDaemon) })).startsMps).toBe(starts)
})

test('without an arm on MPS it is not started', () => {
  const file = preset('demo')
  expect(planOf(request({ ...file, arms: file.arms.filter(({ kind }) => kind !== 'mps') })).startsMps).toBe(false)
})

test('every cell is predicted; what waits for another engine is not', () => {
  const plan = planOf(request(preset('demo')))
  expect(plan.cells[0]?.predictions.map(({ armId }) => armId)).toEqual(['single', 'time-sliced', 'mps'])
  expect(plan.checks).toEqual([])
  expect(planOf(request(preset('mlp-only'))).cells.every(({ predictions }) => predictions.length === 0)).toBe(true)
})

test('what cannot be an experiment is refused with its field', () => {
  const file = preset('demo')
  const refused = (change: Partial<ExperimentFile>) => {
    try {
      planOf(request({ ...file, ...change }))
    } catch (thrown) {
      return faultOf(thrown)
    }
    return null
  }
  expect(refused({ arms: [...file.arms, ...file.arms] })).toMatchObject({ code: 'BAD_INPUT', field: 'arms.3.id' })
  expect(refused({ arms: file.arms.map((arm) => ({ ...arm, sharePercent: [50] })) })).toMatchObject({ code: 'BAD_INPUT', field: 'arms.single.sharePercent' })
})

test('more blocks than a report can hold are refused before anything is started', () => {
  const file = preset('decode-scaling')
  expect(() => planOf(request({ ...file, blocks: { ...file.blocks, rounds: 200 }, axes: [{ vary: 'outputTokens', values: Array.from({ length: 40 }, (_, at) => at + 1) }] }))).toThrow(/blocks; 5000 are the most/)
})
