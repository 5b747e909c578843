// A stand for tests and benchmarks of the links: the smallest thing that can answer the contract, with topics to push into.
import type { Advice } from '../../shared/advice.ts'
import type { LedgerEntry, Routine } from '../../shared/command.ts'
import type { OwnCost, PlainHttp } from '../../shared/contract.ts'
import type { Engine } from '../../shared/engine.ts'
import type { ExperimentNow, Hold, ReportSummary } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'
import type { FoundEngine } from '../../shared/foundEngine.ts'
import type { GpuFrame, GpuIdentity } from '../../shared/gpu.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import type { Answering } from '../core/answers.ts'
import { Feed, Topic } from '../core/kit/topic.ts'

export interface Stand extends Answering {
  /** Lines of engine `e1`'s log. */
  lines: Feed<string>
}

export function stand(): Stand {
  const lines = new Feed<string>(100)
  const plainHttp = new Topic<PlainHttp>({ address: null, canClose: true })
  const refuse = () => Promise.reject(new FaultError('WRONG_STATE', 'The stand does nothing.', 'Use the product.'))
  return {
    lines,
    greeting: () => ({ protocolVersion: 1, version: '0', hostName: 'stand', simulated: true, scene: null, sceneSentence: null, stateDirectory: '/nowhere', uid: 0, startedAtMs: 1, faults: [] }),
    cost: new Topic<OwnCost | null>(null),
    advice: new Topic<Advice[]>([]),
    plainHttp: { now: plainHttp, set: async (open) => plainHttp.set({ address: open ? 'http://127.0.0.1:1/#token=of-the-stand' : null, canClose: true }) },
    gpu: { identities: new Topic<GpuIdentity[]>([]), frames: new Topic<GpuFrame | null>(null), retry: () => {} },
    history: { window: (_series, fromMs) => ({ atMs: [fromMs], bucketMs: 1, series: {} }) },
    mps: {
      daemons: new Topic<MpsDaemon[]>([]),
      on(gpuUuid) {
        throw new FaultError('NOT_FOUND', `There is no GPU ${gpuUuid}.`, 'Look at the list.', { field: 'gpuUuid' })
      },
      useForeign: refuse,
      setLimits: refuse,
    },
    engines: {
      engines: new Topic<Engine[]>([]),
      add: () => Promise.resolve('e1'),
      change: refuse,
      remove: refuse,
      preview: () => [],
      start: () => Promise.reject(new Error('a secret of the inside')),
      stop: refuse,
      restart: refuse,
      putOnMps: refuse,
      log: () => ({ tail: async (count) => lines.kept.slice(-count), follow: (read) => lines.subscribe((line) => read([line])) }),
    },
    found: { found: new Topic<FoundEngine[]>([]), takeIn: refuse, previewTakeIn: () => { throw new FaultError('NOT_FOUND', 'There is no such engine.', 'Look at the list.', { field: 'id' }) }, putOnMps: refuse, previewOnMps: refuse },
    host: { ledger: new Feed<LedgerEntry>(2000, (a, b) => a.id === b.id), routine: new Topic<Routine[]>([]) },
    inherited: () => ({}),
    hold: new Topic<Hold | null>(null),
    experiments: { now: new Topic<ExperimentNow | null>(null), presets: () => Promise.resolve([]), plan: refuse, preview: () => Promise.resolve([]), rehearse: refuse, start: refuse, cancel: refuse },
    reports: {
      summaries: new Topic<ReportSummary[]>([]),
      get(id) {
        throw new FaultError('NOT_FOUND', `There is no report ${id}.`, 'Look at the list.', { field: 'id' })
      },
      save: () => {},
      remove: () => {},
    },
  }
}
