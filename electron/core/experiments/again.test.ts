// Engines that were set aside, started again without an Overlap: real keepers and engines, one after another, and never beside another Overlap.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { standIn } from '../engines/fixtures/workbench.ts'
import { KEEPER_PATH, type Relaunch } from '../engines/launch.ts'
import { StartedRun } from '../engines/runFolder.ts'
import { AbstractLock, stateLock } from '../host/abstractLock.ts'
import { LocalHost } from '../host/localHost.ts'
import { freePort } from '../host/ports.ts'
import { Procfs } from '../host/procfs.ts'
import { HandClock, systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { startAgain } from './again.ts'
import { Journal, readJournal } from './journal.ts'

const procfs = new Procfs()
const host = new LocalHost({ log: silentLog, clock: systemClock, procfs })
const parts = { host, procfs, clock: systemClock, log: silentLog }
let state: string
let path: string
let journal: Journal

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'overlap-again-'))
  path = join(state, 'experiment.journal')
  journal = Journal.begin(path, { experimentId: 'x1', core: { pid: 1, startTicks: 1 }, bootId: null, atMs: 0, throwaway: null })
})
afterEach(() => {
  for (const id of ['e1', 'e2']) {
    const run = runOf(id)
    if (run && procfs.isAlive(run.engine)) host.signal(run.engine, 'SIGKILL', 'group')
  }
  rmSync(state, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
})

function runOf(id: string): StartedRun | null {
  try {
    return StartedRun.parse(JSON.parse(readFileSync(join(state, 'engines', id, 'run.json'), 'utf8')))
  } catch {
    return null
  }
}

async function setAside(id: string, { words = [], mps = null }: { words?: string[]; mps?: Relaunch['plan']['mps'] } = {}): Promise<void> {
  const folder = join(state, 'engines', id)
  mkdirSync(folder, { recursive: true })
  journal.making({ kind: 'setAside', id, name: id, again: { folder, keeperPath: KEEPER_PATH, toolsEnv: {}, plan: { version: 1, runId: 'before', spec: standIn(id, words), port: await freePort(), mps } } })
}

it('starts them one after another, the last one set aside first, and closes the journal', async () => {
  await setAside('e1')
  await setAside('e2', { words: ['--slow', '800'] })
  await startAgain(path, parts)
  const [first, second] = [runOf('e2'), runOf('e1')]
  expect([first, second].every((run) => run !== null && procfs.isAlive(run.engine))).toBe(true)
  expect(first!.runId).not.toBe('before')
  expect(second!.startedAtMs - first!.startedAtMs).toBeGreaterThan(800) // not while the first one loads
  expect(readJournal(path)).toBeNull()
}, 30_000)

it('leaves everything to another Overlap that has the state folder', async () => {
  await setAside('e1')
  const lock = await AbstractLock.take(stateLock(state), { timeoutMs: 0 })
  await startAgain(path, parts)
  await lock?.release()
  expect(runOf('e1')).toBeNull()
  expect(readJournal(path)?.outstanding).toHaveLength(1)
}, 30_000)

it.each([['is gone', 2 ** 22 + 1], ['left its pid to another process', process.pid]])('does not run an engine plain that wants an MPS daemon which %s', async (_, daemonPid) => {
  await setAside('e1', { mps: { pipeDirectory: '/nowhere', daemonPid } })
  await startAgain(path, parts)
  expect(runOf('e1')).toBeNull()
  expect(readJournal(path)?.outstanding).toHaveLength(1)
}, 30_000)

it('lets one run on that nobody had asked to end', async () => {
  await setAside('e1')
  await startAgain(path, parts)
  const run = runOf('e1')
  const again = Journal.begin(path, { experimentId: 'x2', core: { pid: 1, startTicks: 1 }, bootId: null, atMs: 0, throwaway: null })
  again.making({ kind: 'setAside', id: 'e1', name: 'e1', again: { folder: join(state, 'engines', 'e1'), keeperPath: KEEPER_PATH, toolsEnv: {}, plan: run!.plan } })
  const clock = Object.assign(new HandClock(), { now: () => 0 }) // a wall clock that was set back
  const over = startAgain(path, { ...parts, clock })
  await vi.waitFor(async () => {
    await clock.advance(1000)
    expect(readJournal(path)).toBeNull()
  }, { timeout: 20_000, interval: 5 })
  await over
  expect(runOf('e1')?.engine).toEqual(run?.engine)
}, 40_000)
