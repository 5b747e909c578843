// Engines that leave processes behind: in a group of their own, or themselves, by going into the background.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NOT_SEEN } from './engineParts.ts'
import { openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'

const STAND_IN = fileURLToPath(new URL('./fixtures/standIn.ts', import.meta.url))
let bench: Workbench
beforeEach(async () => void (bench = await openWorkbench()))
afterEach(() => bench.clear())

const alive = (pid: number) => !['gone', 'Z'].includes(bench.procfs.processStat(pid)?.state ?? 'gone')
const inState = (id: string, state: string) => bench.until(state, () => bench.engine(id).state === state)

/** With a worker that leads a session of its own, as a daemon does: its engine's group does not reach it. */
async function withWorker(): Promise<{ id: string; pid: number; worker: number }> {
  const id = await bench.supervisor.add(standIn('parent', [], { argv: ['sh', '-c', `setsid sleep 600 & exec '${process.execPath}' '${STAND_IN}' --port {port}`] }))
  await bench.supervisor.start(id)
  await inState(id, 'ready')
  const [pid = 0, worker = 0] = bench.procfs.processTree(bench.engine(id).pid ?? 0)
  expect(bench.procfs.processStat(worker)).toMatchObject({ comm: 'sleep', processGroup: worker })
  return { id, pid, worker }
}

describe('a worker that left its engine\'s group', () => {
  it('ends with its engine when that is stopped', async () => {
    const { id, worker } = await withWorker()
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await inState(id, 'stopped')
    expect(alive(worker)).toBe(false)
  })

  it('ends with its engine when that dies, once its tree was seen', async () => {
    const { id, pid, worker } = await withWorker()
    bench.supervisor.observe(new Map([[id, { pids: [pid, worker], gpuMemoryMiB: null, attachment: NOT_SEEN }]]))
    process.kill(pid, 'SIGKILL')
    await inState(id, 'failed')
    expect(alive(worker)).toBe(false)
  })
})

describe('an engine that goes into the background', () => {
  it('is told to stay, and not started again and again: each start would leave one more behind', async () => {
    const id = await bench.supervisor.add(standIn('daemon', [], { restartBudget: 5, argv: ['sh', '-c', `setsid -f sh -c 'echo $$; exec sleep 600'`, '{port}'] }))
    await bench.supervisor.start(id)
    await inState(id, 'failed')
    expect(bench.engine(id)).toMatchObject({ restarts: { used: 0 }, lastExit: { code: 0 }, fault: { code: 'ENGINE_EXITED', sentence: 'daemon ended with exit code 0 before it was ready.' } })
    const log = join(bench.stateDirectory, 'engines', id, 'engine.log')
    await bench.until('its pid', async () => /^\d+$/m.test(await readFile(log, 'utf8')))
    process.kill(Number(/^\d+$/m.exec(await readFile(log, 'utf8'))?.[0]), 'SIGKILL')
  })
})
