// Engines that leave processes behind: in a group of their own, or themselves, by going into the background.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { NOT_SEEN, type EngineParts } from './engineParts.ts'
import { openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'
import type { StartedRun } from './runFolder.ts'
import { Leaving } from './stopping.ts'

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

it('a worker in its engine\'s group is asked to end once', async () => {
  const worker = `process.on("SIGTERM", () => { console.log("asked"); setTimeout(() => process.exit(), 500) }); setInterval(() => {}, 1000); console.log("at work")`
  const id = await bench.supervisor.add(standIn('parent', [], { argv: ['sh', '-c', `'${process.execPath}' -e '${worker}' & exec '${process.execPath}' '${STAND_IN}' --port {port}`] }))
  const said = async () => await bench.supervisor.log(id).tail(20)
  await bench.supervisor.start(id)
  await inState(id, 'ready')
  await bench.until('at work', async () => (await said()).includes('at work'))
  process.kill(bench.engine(id).pid!, 'SIGKILL')
  await inState(id, 'failed')
  expect((await said()).filter((line) => line === 'asked')).toHaveLength(1)
})

it('whoever is left is asked once, and killed when the grace is over, whatever the wall clock says', async () => {
  const clock = Object.assign(new HandClock(), { now: () => 0 }) // a wall clock that was set back
  const sent: string[] = []
  const groups = new Map([[10, 10], [11, 10], [12, 12]]) // engine, worker of its group, worker of its own
  const procfs = { processTree: () => [...groups.keys()], processStat: (pid: number) => ({ pid, startTicks: 1, processGroup: groups.get(pid) }), isAlive: ({ pid }: { pid: number }) => pid !== 10 }
  const host = { signal: ({ pid }: { pid: number }, signal: string, whole: string) => sent.push(`${signal} ${whole} ${pid}`) }
  const parts = { clock, procfs, host } as unknown as EngineParts
  const leaving = new Leaving()
  leaving.terminate({ keeper: { pid: 9, startTicks: 1 }, engine: { pid: 10, startTicks: 1 } } as StartedRun, parts)
  expect(sent.splice(0)).toEqual(['SIGTERM group 10'])
  for (let looks = 0; looks < 50; looks += 1, await clock.advance(100)) expect(leaving.allGone(parts)).toBe(false)
  expect(sent.splice(0)).toEqual(['SIGTERM process 12'])
  expect(leaving.allGone(parts)).toBe(false)
  expect(sent).toEqual(['SIGKILL process 11', 'SIGKILL process 12'])
  await clock.advance(5_001)
  expect(leaving.allGone(parts)).toBe(true)
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
