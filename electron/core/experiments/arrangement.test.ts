// What was made is undone last in first out, whatever fails on the way; what could not be undone stays in the journal.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Engine, EngineSpec, EngineState } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Topic } from '../kit/topic.ts'
import { Arrangement } from './arrangement.ts'
import { Journal, readJournal } from './journal.ts'
import type { Lab } from './lab.ts'

const GPU = 'GPU-1'
let folder: string
let path: string
let did: string[]
let clock: HandClock
let list: Topic<Engine[]>
let lab: Lab
let refuses: Set<string>
let arrangement: Arrangement
const never = new AbortController().signal

const engine = (id: string, state: EngineState): Engine => ({ id, state, spec: { name: id, gpuUuid: GPU } } as Engine)
const setState = (id: string, state: EngineState) => list.set(list.value.map((one) => (one.id === id ? { ...one, state } : one)))
function doing(what: string): void {
  did.push(what)
  if (refuses.has(what)) throw new FaultError('COMMAND_FAILED', `${what} failed.`, 'x')
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-arrangement-'))
  path = join(folder, 'experiment.journal')
  did = []
  refuses = new Set()
  clock = new HandClock()
  list = new Topic([engine('alpha', 'ready'), engine('beta', 'ready')])
  lab = {
    clock, log: silentLog,
    engines: {
      list, relaunch: () => null, folderOf: (id: string) => join(folder, id), processes: () => ({ engine: { pid: 4242, startTicks: 1 }, keeper: null }),
      addTemporary: async (spec: EngineSpec) => { list.set([...list.value, engine(spec.name, 'stopped')]); return spec.name },
      start: async (id: string) => { doing(`start ${id}`); setState(id, 'ready') },
      // as the supervisor does: nothing is stopped while a neighbour loads, except the one that loads
      stop: async (id: string) => {
        if (list.value.find((one) => one.id === id)?.state === 'stopped') throw new FaultError('WRONG_STATE', 'It rests.', 'x')
        if (list.value.some((one) => one.id !== id && one.state === 'starting')) throw new FaultError('HELD', 'One is loading.', 'x')
        doing(`stop ${id}`)
        setState(id, 'stopped')
      },
      remove: async (id: string) => { doing(`remove ${id}`); list.set(list.value.filter((one) => one.id !== id)) },
    },
    mps: { start: async () => doing('start mps'), stop: async () => doing('stop mps'), afterlife: () => ({ argv: ['x'], env: {}, stdin: 'quit\n', daemon: null }) },
    openGenerator: async () => ({ run: () => Promise.reject(new Error('no load here')), close: async () => doing('close generator') }),
  } as unknown as Lab
  arrangement = new Arrangement({ lab, journal: Journal.begin(path, { experimentId: 'x1', core: { pid: 1, startTicks: 1 }, bootId: null, atMs: 0, throwaway: null }), gpuUuid: GPU })
})
afterEach(() => rmSync(folder, { recursive: true }))

async function arrange(): Promise<void> {
  await arrangement.setAside(list.value, never)
  await arrangement.startMps(never)
  await arrangement.openGenerator({ processes: 1, cpus: null })
  for (const name of ['t1', 't2']) {
    const id = await arrangement.addEngine({ name } as EngineSpec)
    await lab.engines.start(id)
    arrangement.engineRuns(id)
  }
}

it('undoes last in, first out, and closes the journal', async () => {
  await arrange()
  expect(readJournal(path)?.outstanding.map(({ thing }) => ('id' in thing ? `${thing.kind} ${thing.id}` : thing.kind))).toEqual(['setAside alpha', 'setAside beta', 'daemon', 'engine t1', 'engine t2'])
  expect(readJournal(path)?.outstanding.at(-1)?.thing).toMatchObject({ engine: { pid: 4242 } })
  did = []
  expect(await arrangement.undo()).toEqual([])
  expect(did).toEqual(['stop t2', 'stop t1', 'remove t2', 'remove t1', 'close generator', 'stop mps', 'start beta', 'start alpha'])
  expect(existsSync(path)).toBe(false)
})

it('takes down the engine that is loading before the others, which may not be stopped meanwhile', async () => {
  await arrange()
  setState('t2', 'starting')
  did = []
  expect(await arrangement.undo()).toEqual([])
  expect(did.slice(0, 2)).toEqual(['stop t2', 'stop t1'])
})

it('goes on after a failure, tells it, and leaves the rest in the journal', async () => {
  await arrange()
  refuses = new Set(['stop mps'])
  const faults = await arrangement.undo()
  expect(faults.map(({ sentence }) => sentence)).toEqual(['Not taken down: the MPS daemon. stop mps failed.'])
  expect(did.slice(-2)).toEqual(['start beta', 'start alpha'])
  expect(readJournal(path)?.outstanding.map(({ thing }) => thing.kind)).toEqual(['daemon'])
})

it('takes down every engine that can be, whatever stopping one of them says', async () => {
  await arrange()
  refuses = new Set(['stop t2'])
  did = []
  const undone = arrangement.undo()
  await clock.advance(15_000)
  expect((await undone).map(({ sentence }) => sentence)).toEqual(['Not taken down: the engines of the experiment. stop t2 failed.'])
  expect(did).toContain('remove t1')
  expect(readJournal(path)?.outstanding.map(({ thing }) => ('id' in thing ? thing.id : thing.kind))).toEqual(['t2'])
})

it('puts back what was set aside when it was cancelled half-way, and nothing else', async () => {
  const cancelled = new AbortController()
  const stop = lab.engines.stop
  lab.engines.stop = async (id, how) => { await stop(id, how); cancelled.abort() }
  await expect(arrangement.setAside(list.value, cancelled.signal)).rejects.toThrow('cancelled')
  await arrangement.undo()
  expect(did).toEqual(['stop alpha', 'start alpha'])
})

it('names an engine that does not end, after its time', async () => {
  lab.engines.stop = async () => {}
  const setting = arrangement.setAside(list.value, never)
  const refused = expect(setting).rejects.toThrow('alpha did not end')
  await clock.advance(31_000)
  await refused
})
