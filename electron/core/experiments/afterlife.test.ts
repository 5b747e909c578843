// kill -9 of a core in the middle of an experiment: real processes, a real afterlife, and nothing left of them.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ProcessId } from '../host/host.ts'
import { Procfs } from '../host/procfs.ts'
import { Journal, readJournal } from './journal.ts'

const CORE = fileURLToPath(new URL('./killedCore.testkit.ts', import.meta.url))
const procfs = new Procfs()
let state: string
let core: ChildProcess
let all: ProcessId[]
let journalPath: string
let begun: { watch: ProcessId; daemon: ProcessId; keepers: ProcessId[] }

const within = async (ms: number, isSo: () => boolean): Promise<boolean> => {
  for (const endMs = Date.now() + ms; !isSo(); await new Promise((resolve) => setTimeout(resolve, 50))) if (Date.now() > endMs) return false
  return true
}
const runOf = (id: string): { engine: ProcessId } | null => {
  try {
    return JSON.parse(readFileSync(join(state, 'engines', id, 'run.json'), 'utf8')) as { engine: ProcessId }
  } catch {
    return null
  }
}

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'overlap-afterlife-'))
  journalPath = join(state, 'experiment.journal')
  core = spawn(process.execPath, [CORE, state], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve) => core.stdout?.once('data', (text: Buffer) => resolve(text.toString())))
  begun = JSON.parse(line) as typeof begun
  expect(await within(30_000, () => ['polite', 'stubborn'].every((id) => runOf(id) !== null))).toBe(true)
  const engines = ['polite', 'stubborn'].flatMap((id) => runOf(id)?.engine ?? [])
  expect(await within(30_000, () => procfs.processTree(engines[1]?.pid ?? 0).length === 2)).toBe(true)
  const child = procfs.processTree(engines[1]?.pid ?? 0).flatMap((pid) => procfs.processStat(pid) ?? [])
  all = [begun.watch, begun.daemon, ...begun.keepers, ...engines, ...child.map(({ pid, startTicks }) => ({ pid, startTicks }))]
}, 90_000)

afterEach(() => {
  core.kill('SIGKILL')
  for (const one of all) if (procfs.isAlive(one)) process.kill(one.pid, 'SIGKILL')
  rmSync(state, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
})

it('takes everything down after a kill -9, and leaves what only the next start can do', async () => {
  expect(all.every((one) => procfs.isAlive(one))).toBe(true)
  core.kill('SIGKILL')
  expect(await within(40_000, () => all.every((one) => !procfs.isAlive(one)))).toBe(true)
  expect(existsSync(join(state, 'engines', 'polite'))).toBe(false)
  expect(existsSync(join(state, 'engines', 'stubborn'))).toBe(false)
  expect(readFileSync(join(state, 'quit'), 'utf8')).toBe('quit -t 1\n')
  expect(readJournal(journalPath)?.outstanding.map(({ thing }) => thing)).toEqual([{ kind: 'setAside', id: 'e1', name: 'alpha', again: null }])
}, 60_000)

it('touches nothing while its core lives, and goes when the journal is closed', async () => {
  const others = all.filter((one) => one !== begun.watch)
  Journal.reopen(journalPath).close()
  expect(await within(20_000, () => !procfs.isAlive(begun.watch))).toBe(true)
  expect(others.every((one) => procfs.isAlive(one))).toBe(true)
  expect(existsSync(join(state, 'quit'))).toBe(false)
}, 30_000)
