// Which engine is copied, and which one a resumed experiment may go on with.
import { expect, it } from 'vitest'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import { EngineSpec as EngineSpecShape } from '../../../shared/engine.ts'
import type { ExperimentChoice, Report } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { Secrets } from '../host/secrets.ts'
import type { Reports } from '../store/reports.ts'
import { chosenOf, secondsToLoad } from './choice.ts'
import type { Lab } from './lab.ts'
import { withoutSecrets } from './reporting.ts'
import { TINY } from './workstation.testkit.ts'

const spec = (change: Partial<EngineSpec> = {}): EngineSpec => EngineSpecShape.parse({
  recipe: 'custom', name: 'alpha', gpuUuid: 'GPU-1', onMps: false, sharePercent: null, port: null, env: { HF_TOKEN: 'hf_abcdefghijklmnop' }, cwd: null, restartBudget: 0, readyWithinSeconds: 30,
  argv: ['serve', '--port', '{port}'], healthPath: null, metricsPath: null, openAi: true, ...change,
})
const host = { preview: ({ argv, env }: { argv: readonly string[]; env?: Record<string, string> }) => ({ argv: new Secrets().argv(argv), env: new Secrets().env(env ?? {}) }) } as unknown as Lab['host']
const engine = (id: string, change: Partial<EngineSpec> = {}): Engine => ({ id, spec: spec(change), temporary: false } as Engine)

function choose(engines: Engine[], choice: Partial<ExperimentChoice>, copied: EngineSpec | null = spec()) {
  const lab = { host, engines: { list: { value: engines } }, identities: { value: [{ uuid: 'GPU-1' }] } } as unknown as Lab
  const earlier = { id: 'x1', plan: { file: { ...TINY, engine: copied && withoutSecrets(copied, host) }, gpuUuid: 'GPU-1' } } as Report
  const whole: ExperimentChoice = { preset: null, file: TINY, gpuUuid: null, engineId: null, resumes: null, ...choice }
  return chosenOf(whole, { lab, reports: { get: () => earlier } as unknown as Reports, presetsFolder: '' })
}
const refused = async (...asked: Parameters<typeof choose>) => {
  const thrown: unknown = await choose(...asked).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(FaultError)
  return (thrown as FaultError).fault
}
const other = engine('e0', { name: 'beta', argv: ['serve', '--other', '--port', '{port}'] } as Partial<EngineSpec>)

it('goes on with copies of the engine that measured the cells that are done, with its secrets, wherever it stands now', async () => {
  const moved = engine('e1', { name: 'renamed', onMps: true, sharePercent: 50, port: 8000 })
  const { engine: copied } = await choose([other, moved], { resumes: 'x1' })
  expect(copied).toMatchObject({ name: 'renamed', env: { HF_TOKEN: 'hf_abcdefghijklmnop' } })
})

it('refuses to go on with another engine, or with one that was changed since', async () => {
  expect(await refused([other, engine('e1')], { resumes: 'x1', engineId: 'e0' })).toMatchObject({ code: 'BAD_INPUT', field: 'engineId', sentence: expect.stringContaining('copies of alpha, and beta is another engine') })
  expect(await refused([engine('e1', { argv: ['serve', '--more'] } as Partial<EngineSpec>)], { resumes: 'x1', engineId: 'e1' })).toMatchObject({ field: 'engineId' })
})

it('never starts a copy whose secrets are masked', async () => {
  expect(await refused([other], { resumes: 'x1' })).toMatchObject({ code: 'BAD_INPUT', sentence: expect.stringContaining('masked') })
  expect(await refused([], { file: { ...TINY, engine: withoutSecrets(spec(), host) } })).toMatchObject({ sentence: expect.stringContaining('masked') })
  expect((await choose([], { resumes: 'x1' }, spec({ env: {} }))).engine).toMatchObject({ name: 'alpha' })
})

it('copies the chosen engine, else the file\'s, else the first of the GPU', async () => {
  const file = { ...TINY, engine: spec({ name: 'written' }) }
  expect((await choose([engine('e1'), other], { file, engineId: 'e0' })).engine.name).toBe('beta')
  expect((await choose([engine('e1')], { file })).engine.name).toBe('written')
  expect((await choose([engine('e1'), other], {})).engine.name).toBe('alpha')
  expect(await refused([], {})).toMatchObject({ code: 'BAD_INPUT', field: 'engineId' })
  expect(await refused([], { engineId: 'gone' })).toMatchObject({ code: 'NOT_FOUND', field: 'engineId' })
})

it('a GPU that is not there is what is wrong, not the engines on it', async () => {
  expect(await refused([engine('e0')], { gpuUuid: 'GPU-9' })).toMatchObject({ code: 'NOT_FOUND', field: 'gpuUuid' })
})

it('takes the time to load from itself, else from one of the same kind and model that was seen loading', () => {
  const vllm = (name: string, model: string): EngineSpec => EngineSpecShape.parse({
    recipe: 'vllm', name, gpuUuid: null, onMps: false, sharePercent: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 60, executable: 'vllm', model, gpuMemoryUtilization: null, kvCacheMemoryMiB: null,
    maxSequences: null, maxModelTokens: null, asyncScheduling: null, streamIntervalTokens: null, extraArguments: [],
  })
  const seen = (one: EngineSpec, seconds: number, change: Partial<Engine> = {}) => ({ spec: one, state: 'ready', loadedInMs: 1000 * seconds, ...change }) as Engine
  const engines = [seen(vllm('alpha', 'small'), 2), seen(vllm('beta', 'large'), 30), seen(spec({ name: 'custom' }), 5)]
  expect([vllm('beta', 'small'), vllm('replica', 'small'), vllm('replica', 'other'), spec({ name: 'unlike' })].map((one) => secondsToLoad(one, engines))).toEqual([30, 2, null, null])
  expect(secondsToLoad(vllm('replica', 'small'), [seen(vllm('alpha', 'small'), 2, { loadedInMs: null })])).toBeNull()
})
