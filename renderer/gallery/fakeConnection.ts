// A Connection that answers from a scene: no core, no link. For the gallery only.
import type { Engine } from '../../shared/engine.ts'
import type { Hold } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'
import type { HistoryWindow, MetricKey } from '../../shared/gpu.ts'
import type { Client, Connection } from '../link/connect.ts'
import { frameAt, metricAt, wave } from './model.ts'
import { PRESETS, summaryOf } from './experiments.ts'
import { COMPARED } from './reportScenes.ts'
import type { Scene } from './scenes.ts'
import { ledger, startCommands } from './things.ts'

type Items<Item> = AsyncGenerator<{ stream: string; seq: number; dropped: number; item: Item }>

function paused(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => { clearTimeout(timer); signal.removeEventListener('abort', end); resolve() }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

/** One item, then one per period for as long as somebody listens; 0: no more. Keeps its pace: a late item is followed by an early one. */
async function* items<Item>(make: (seq: number) => Item, periodMs: number, signal: AbortSignal): Items<Item> {
  const beganMs = performance.now()
  for (let seq = 1; !signal.aborted; seq++) {
    yield { stream: 'gallery', seq, dropped: 0, item: make(seq) }
    if (periodMs === 0) return
    await paused(Math.max(0, beganMs + seq * periodMs - performance.now()), signal)
  }
}

const tokensAt = (engine: Engine, atMs: number): number | null => (engine.state === 'ready' ? wave(engine.colour + 3, atMs, 2400 - (engine.colour % 16) * 90, 500) : null)

function alive(engine: Engine, atMs: number): Engine {
  if (engine.state !== 'ready') return engine
  return { ...engine, rates: {
    generatedTokensPerSecond: tokensAt(engine, atMs), promptTokensPerSecond: 1210, requestsRunning: Math.round(wave(engine.colour, atMs, 12, 4)), requestsWaiting: engine.colour % 2,
    source: 'llamacpp:tokens_predicted_total', counting: 'live', readAtMs: atMs,
  } }
}

function valueAt(scene: Scene, series: string, atMs: number): number | null {
  const [kind, id, value] = series.split('/')
  if (kind === 'gpu') {
    const identity = scene.identities.find((gpu) => gpu.uuid === id)
    return identity === undefined || scene.broken !== null ? null : metricAt(value as MetricKey, identity, scene.load(identity.index), atMs)
  }
  const engine = scene.engines.find((one) => one.id === id)
  return engine === undefined ? null : value === 'gpuMemoryMiB' ? engine.gpuMemoryMiB : tokensAt(engine, atMs)
}

function history(scene: Scene, periodMs: number, asked: { series: string[]; fromMs: number; toMs: number; maxPoints: number }): HistoryWindow {
  const bucketMs = Math.max(periodMs, Math.ceil((asked.toMs - asked.fromMs) / asked.maxPoints / periodMs) * periodMs)
  const atMs: number[] = []
  for (let at = asked.fromMs; at < asked.toMs; at += bucketMs) atMs.push(at)
  const series = Object.fromEntries(asked.series.map((name) => {
    const samples = atMs.map((at) => [0, 0.4, 0.8].map((part) => valueAt(scene, name, at + part * bucketMs)))
    const pick = (choose: (...values: number[]) => number) => samples.map((each) => (each.includes(null) ? null : choose(...(each as number[]))))
    return [name, { min: pick(Math.min), max: pick(Math.max) }]
  }))
  return { atMs, bucketMs, series }
}

const log = Array.from({ length: 60 }, (_, at) => `slot update_slots: id ${at % 8} | task ${1000 + at} | n_past = ${200 + at * 3}, generated 1 token`)
const control = ['[2026-11-02 12:04:55.120 Control  4090] Starting control daemon using socket /run/user/1000/overlap/mps-0/control', '[2026-11-02 12:04:55.611 Control  4090] Starting new server 4100 for user 1000', '[2026-11-02 12:04:56.002 Control  4090] Accepting connection...']

const LOADED_MS = Date.now()

function holdOf(scene: Scene): Hold | null {
  const running = scene.experiment(Date.now() - LOADED_MS)
  return running === null || running.phase === 'done' ? null : { experimentId: running.id, sentence: `The experiment "${running.plan.file.title}" holds the workstation.`, sinceMs: running.startedAtMs }
}

/** `hz`: frames and engines per second. */
export function fakeConnection(scene: Scene, hz = 1): Connection {
  const wait = (_input: unknown, more?: { signal?: AbortSignal }): AbortSignal => more?.signal ?? new AbortController().signal
  const periodMs = 1000 / hz
  const lasting = scene.link.name === 'open' ? periodMs : 0
  const now = () => (scene.link.name === 'lost' ? scene.link.sinceMs : Date.now())
  const client = {
    workstation: {
      greeting: async () => ({ protocolVersion: 1, version: '0.1.0', hostName: 'gpu-box-01', simulated: scene.simulated, scene: scene.simulated ? 'two-engines' : null, sceneSentence: null, stateDirectory: '/home/ada/.local/state/overlap', uid: 1000, startedAtMs: Date.now(), faults: [] }),
      cost: async (...given: [unknown, { signal: AbortSignal }]) => items(() => ({ atMs: now(), corePercent: 0.6, toolsPercent: 1.4, residentMiB: 118, eventLoopDelayP99Ms: 1.2 }), 0, wait(...given)),
      advice: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.advice, 0, wait(...given)),
      plainHttp: async (...given: [unknown, { signal: AbortSignal }]) => items(() => ({ address: 'http://127.0.0.1:7650/#token=of-the-gallery', canClose: true }), 0, wait(...given)),
      setPlainHttp: async () => ({}),
      hold: async (...given: [unknown, { signal: AbortSignal }]) => items(() => holdOf(scene), scene.link.name === 'open' ? 500 : 0, wait(...given)),
    },
    gpu: {
      identities: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.identities, 0, wait(...given)),
      frames: async (...given: [unknown, { signal: AbortSignal }]) => items((tick) => frameAt(scene.identities, scene.load, now(), tick, scene.broken), lasting, wait(...given)),
      history: async (asked: Parameters<typeof history>[2]) => history(scene, periodMs, { ...asked, fromMs: asked.fromMs - (Date.now() - now()), toMs: now() }),
      retry: async () => ({}),
    },
    mps: {
      daemons: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.daemons, 0, wait(...given)),
      preview: async () => startCommands,
      start: async () => ({}), restart: async () => ({}), useForeign: async () => ({}), setLimits: async () => ({}),
      stop: async ({ forceAfterSeconds }: { forceAfterSeconds: number | null }) => {
        if (forceAfterSeconds === null && scene.daemons.some((daemon) => daemon.clients.length > 0)) throw new FaultError('NEEDS_CONSENT', 'Two engines are clients of this daemon.', 'Stop them first, or stop with forceAfterSeconds: they then get errors when that time is over.', { field: 'forceAfterSeconds' })
        return {}
      },
      log: async () => ({ control, server: ['[2026-11-02 12:04:55.911 Server  4100] Creating server context on device 0 (NVIDIA H100 80GB HBM3)', '[2026-11-02 12:04:56.101 Server  4100] Active'] }),
    },
    engine: {
      found: async (...given: [unknown, { signal: AbortSignal }]) => items(() => [], 0, wait(...given)),
      list: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.engines.map((engine) => alive(engine, now())), lasting, wait(...given)),
      log: async (...given: [unknown, { signal: AbortSignal }]) => items(() => ({ kind: 'snapshot', entries: log }), 0, wait(...given)),
      preview: async () => startCommands,
      add: async () => { throw new FaultError('PORT_TAKEN', 'Port 40100 is taken.', 'Choose another, or leave it empty.', { field: 'spec.port' }) },
      change: async () => ({}), remove: async () => ({}), start: async () => ({}), stop: async () => ({}), restart: async () => ({}), putOnMps: async () => ({}),
    },
    experiment: {
      presets: async () => scene.presets ?? PRESETS,
      plan: async () => scene.plan(false), rehearse: async () => { await paused(900, new AbortController().signal); return scene.plan(true) },
      start: async () => { throw new FaultError('PREFLIGHT', 'A process that is not ours uses the GPU.', 'End it, or choose another GPU; rehearse again.', { detail: 'gpuIsFree: python3, pid 2210' }) },
      cancel: async () => ({}),
      now: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.experiment(now() - LOADED_MS), scene.link.name === 'open' ? 500 : 0, wait(...given)),
      reports: async (...given: [unknown, { signal: AbortSignal }]) => items(() => scene.reports.map(summaryOf), 0, wait(...given)),
      report: async ({ id }: { id: string }) => {
        const found = scene.reports.find((report) => report.id === id)
        if (found === undefined) throw new FaultError('NOT_FOUND', 'There is no such report.', 'It may have been removed; see the Reports screen.')
        return found
      },
      compare: async () => ({ rows: COMPARED }), exportReport: async () => ({ fileName: 'report.json', mediaType: 'application/json', text: '{}' }), importReport: async () => { throw new FaultError('BAD_INPUT', 'This is not a report: blocks.3.total.ttftMs.p95 is missing.', 'Choose a report.json that Overlap exported.', { field: 'text' }) }, removeReport: async () => ({}),
    },
    host: { environment: async () => ({ HOME: '/home/ada', LANG: 'C.UTF-8', PATH: '/usr/local/bin:/usr/bin:/bin', USER: 'ada' }), routine: async (...given: [unknown, { signal: AbortSignal }]) => items(() => [], 0, wait(...given)), commands: async (...given: [unknown, { signal: AbortSignal }]) => items(() => ({ kind: 'snapshot', entries: ledger() }), 0, wait(...given)) },
  } as unknown as Client
  return {
    client, state: scene.link, onState: () => () => undefined,
    follow: (openStream, onItem) => {
      const controller = new AbortController()
      void (async () => { for await (const { item, dropped } of await openStream(client, controller.signal)) onItem(item, dropped) })()
      return () => controller.abort()
    },
  }
}
