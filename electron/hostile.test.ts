// Hostile input to every call of the contract, through plain HTTP, against a whole core: each is answered, or refused with a Fault that
// can be acted on; nothing is a bug, nothing ends the core, and nothing of it stays.
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { contract } from '../shared/contract.ts'
import type { Engine, EngineSpec } from '../shared/engine.ts'
import { Fault } from '../shared/fault.ts'
import type { GpuIdentity } from '../shared/gpu.ts'
import { openCore, type Core } from '../e2e/core.ts'

const spec: EngineSpec = {
  recipe: 'custom', name: 'victim', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 5,
  argv: ['sleep', '1', '{port}'], healthPath: null, metricsPath: null, openAi: false, sequences: null, kvTokens: null,
}
const LOAD = { api: 'completions', prompt: { shape: 'fixed', tokens: 8 }, output: { shape: 'fixed', tokens: 8 }, arrivals: { kind: 'closed', concurrency: 2 }, regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: null, goodput: null, seed: 1 }
const FILE = { version: 1, title: 't', question: 'q', arms: [{ id: 'a', name: 'A', kind: 'single', engines: 1 }], load: LOAD, blocks: { rounds: 1, seconds: 1, warmUpSeconds: 0, coolDownSeconds: 0 } }

/** An input that fits, for every call that takes one. The experiment that is started is one that there is not. */
const inputs = (gpuUuid: string, id: string): Record<string, object> => ({
  'workstation.setPlainHttp': { open: true },
  'gpu.history': { series: ['x'], fromMs: 0, toMs: 1, maxPoints: 10 }, 'gpu.retry': {},
  'mps.preview': { gpuUuid, action: 'setLimits', forceAfterSeconds: null, limits: { of: 'default', sharePercent: 50, pinnedMemoryMiB: 4096 } }, 'mps.start': { gpuUuid: 'GPU-none' }, 'mps.stop': { gpuUuid, forceAfterSeconds: null }, 'mps.restart': { gpuUuid: 'GPU-none', forceAfterSeconds: null },
  'mps.useForeign': { gpuUuid, pipeDirectory: '/nowhere' }, 'mps.setLimits': { gpuUuid, of: 'default', sharePercent: 50, pinnedMemoryMiB: 4096 }, 'mps.log': { gpuUuid, lines: 10 },
  'engine.add': { spec }, 'engine.change': { id, spec }, 'engine.remove': { id: 'none' }, 'engine.preview': { id, action: 'start' }, 'engine.start': { id: 'none' }, 'engine.stop': { id, drainSeconds: 0 }, 'engine.restart': { id: 'none' }, 'engine.putOnMps': { id: 'none' }, 'engine.takeIn': { id: 'none' }, 'engine.putFoundOnMps': { id: 'none' }, 'engine.previewFoundOnMps': { id: 'none' }, 'engine.previewTakeIn': { id: 'none' },
  'experiment.plan': { preset: null, file: FILE, gpuUuid, engineId: id, resumes: null }, 'experiment.preview': { preset: null, file: FILE, gpuUuid, engineId: id, resumes: null }, 'experiment.rehearse': { preset: 'none', file: null, gpuUuid, engineId: id, resumes: null }, 'experiment.start': { preset: 'none', file: null, gpuUuid, engineId: id, resumes: null },
  'experiment.cancel': { id: 'x' }, 'experiment.report': { id: 'x' }, 'experiment.compare': { a: 'x', b: 'y' }, 'experiment.exportReport': { id: 'x', format: 'json' }, 'experiment.importReport': { text: '{}' }, 'experiment.removeReport': { id: 'x' },
  'link.acknowledge': { stream: 's1', seq: 1 },
})

const VALUES: unknown[] = [
  null, true, -1, 1.5, 1e308, 2 ** 53 + 2, '', '\0', '../../../etc/passwd', '$(id)', '-rf', '\r\nHost: x', '\ud800', 'x'.repeat(100_000), '__proto__', 'constructor',
  [], {}, [[]], JSON.parse('{"__proto__":{"polluted":1}}'), JSON.parse('{"constructor":{"prototype":{"polluted":1}}}'), Array.from({ length: 5000 }, () => 'a'),
]
const BODIES = ['', '{', 'null', '[]', '"x"', '\0', '['.repeat(100_000), '{"a":'.repeat(50_000), JSON.stringify('x'.repeat(10_000_000)), '{"__proto__":{"polluted":1}}']

let core: Core
let gpuUuid = ''
let id = ''
beforeAll(async () => {
  core = await openCore({ scene: 'mps-off' })
  gpuUuid = await vi.waitFor(async () => (await core.first<GpuIdentity[]>('gpu.identities'))[0]!.uuid, { timeout: 30_000, interval: 100 })
  id = (await core.call<{ id: string }>('engine.add', { spec })).id
})
afterAll(() => core.close())

/** Waits out the door's own limit on calls per second. */
const send = (name: string, body: string): Promise<{ status: number; answer: unknown }> =>
  vi.waitFor(
    async () => {
      const response = await fetch(`${core.url}api/${name.replace('.', '/')}`, { method: 'POST', headers: { authorization: `Bearer ${core.token}`, 'content-type': 'application/json' }, body })
      const answer: unknown = await response.json()
      if (response.status === 429) throw new Error(JSON.stringify(answer))
      return { status: response.status, answer }
    },
    { timeout: 10_000, interval: 20 },
  )

/** Every place in a value, as the keys that lead there. */
const places = (value: unknown, at: string[] = []): string[][] => (typeof value === 'object' && value !== null ? [at, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...at, key]))] : [at])

function put(value: unknown, [key, ...rest]: string[], hostile: unknown): unknown {
  if (key === undefined) return hostile
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === key ? put(inner, rest, hostile) : (inner as unknown)))
  return { ...(value as object), [key]: put((value as Record<string, unknown>)[key], rest, hostile) }
}

const calls = Object.entries(contract).flatMap(([group, inGroup]) => Object.entries(inGroup).flatMap(([call, { '~orpc': { route } }]) => (route.method === 'POST' ? [`${group}.${call}`] : [])))

it.each(calls)('%s', async (name) => {
  const input = inputs(gpuUuid, id)[name]
  expect(input, 'a call without an input to begin with').toBeDefined()
  const bodies = [...BODIES, ...places(input).flatMap((at) => VALUES.map((value) => JSON.stringify(put(input, at, value))))]
  for (const body of bodies) {
    const { status, answer } = await send(name, body)
    const told = `${name} ${body.slice(0, 300)} → ${status} ${JSON.stringify(answer).slice(0, 500)}`
    if (status === 200) {
      // what was taken in is taken out again
      if (name === 'engine.add') expect((await send('engine.remove', JSON.stringify(answer))).status, told).toBe(200)
      continue
    }
    const fault = Fault.safeParse(answer)
    expect(fault.success, told).toBe(true)
    expect(fault.data!.code, told).not.toBe('BUG')
    expect([fault.data!.sentence, fault.data!.hint], told).not.toContain('')
  }
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
}, 120_000)

it('has harmed nobody', async () => {
  // the door's own limit may still hold
  const engines = await vi.waitFor(() => core.first<Engine[]>('engine.list'), { timeout: 10_000, interval: 20 })
  expect(engines.map((engine) => engine.spec.name).toSorted()).toEqual(['alpha', 'beta', 'victim'])
  expect(core.printed()).toMatch(/^Simulated [^\n]*\nOverlap ready [^\n]*\n$/)
})
