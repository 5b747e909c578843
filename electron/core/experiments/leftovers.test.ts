// At a start after a kill: nothing new begins before the old is tidied up, and whoever closes does not wait for it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Engine } from '../../../shared/engine.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import type { Host } from '../host/host.ts'
import { Procfs } from '../host/procfs.ts'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Topic } from '../kit/topic.ts'
import type { Reports } from '../store/reports.ts'
import { Experiments } from './experiments.ts'
import { Journal, readJournal } from './journal.ts'
import type { Lab } from './lab.ts'
import { undoMachine } from './undoing.ts'

const procfs = new Procfs()
const self = { pid: process.pid, startTicks: procfs.processStat(process.pid)?.startTicks ?? 0 }
let folder: string
let path: string
let clock: HandClock
let did: string[]
let experiments: Experiments
let journal: Journal
let list: Topic<Engine[]>
let daemons: Topic<MpsDaemon[]>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-leftovers-'))
  path = join(folder, 'experiment.journal')
  clock = new HandClock()
  did = []
  list = new Topic<Engine[]>([{ id: 'e1', state: 'stopped', spec: { name: 'alpha', gpuUuid: 'GPU-1', onMps: true } } as Engine])
  daemons = new Topic<MpsDaemon[]>([])
  const host = { run: async () => { did.push('quit'); return {} } } as unknown as Host
  const lab = { clock, log: silentLog, host, stateDirectory: folder, engines: { list, start: async (id: string) => void did.push(`start ${id}`) }, daemons, mps: { stop: async () => void did.push('stop mps') } } as unknown as Lab
  experiments = new Experiments({ lab, reports: {} as Reports, presetsFolder: folder })
  journal = Journal.begin(path, { experimentId: 'x1', core: { pid: 1, startTicks: 1 }, bootId: procfs.bootId(), atMs: 0, throwaway: null })
})
afterEach(() => rmSync(folder, { recursive: true }))

it('lets a new experiment wait until the old one is tidied up', async () => {
  journal.watchedBy(self) // an afterlife that is still at it
  journal.leave()
  const order: string[] = []
  const tidied = experiments.tidyLeftovers().then(() => order.push('tidied'))
  const started = experiments.start({ preset: null, file: null, gpuUuid: null, engineId: null, resumes: null }).catch(() => order.push('start was answered'))
  await clock.advance(10_000)
  expect(order).toEqual([])
  expect(existsSync(path)).toBe(true)
  await clock.advance(6_000)
  await Promise.all([tidied, started])
  expect(order).toEqual(['tidied', 'start was answered'])
  expect(existsSync(path)).toBe(false)
})

it('waits for nothing when it is closed, and leaves the rest to the next start', async () => {
  journal.watchedBy(self)
  journal.making({ kind: 'setAside', id: 'e1', name: 'alpha', again: null })
  journal.leave()
  const tidied = experiments.tidyLeftovers()
  await experiments.close()
  await tidied
  expect(did).toEqual([])
  expect(readJournal(path)?.outstanding).toHaveLength(1)
})

it('looks at the GPU before it stops its daemon and starts an engine on it again', async () => {
  journal.making({ kind: 'setAside', id: 'e1', name: 'alpha', again: null })
  journal.making({ kind: 'daemon', gpuUuid: 'GPU-1', quit: null })
  journal.leave()
  const tidied = experiments.tidyLeftovers()
  await clock.advance(1_000)
  expect(did).toEqual([])
  daemons.set([{ gpuUuid: 'GPU-1', state: 'running' } as MpsDaemon])
  await tidied
  expect(did).toEqual(['start e1', 'stop mps'])
  expect(existsSync(path)).toBe(false)
})

it('asks a daemon twice that was just being started: it may listen a moment later', async () => {
  journal.making({ kind: 'daemon', gpuUuid: 'GPU-1', quit: { argv: ['control'], env: {}, stdin: 'quit\n', daemon: null } })
  journal.leave()
  const undone = undoMachine(path, { host: { run: async () => { did.push('quit'); return {} as never }, signal: () => false }, procfs, clock, log: silentLog })
  await clock.advance(5_000)
  expect(await undone).toBe(true)
  expect(did).toEqual(['quit', 'quit'])
})
