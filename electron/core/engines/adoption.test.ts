// Overlap is killed with SIGKILL; its engine goes on, and the next Overlap takes it over. The same for a keeper that is killed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Procfs } from '../host/procfs.ts'
import { openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'
import { StartedRun } from './runFolder.ts'

const SHORT_LIVED = fileURLToPath(new URL('./fixtures/shortLived.ts', import.meta.url))
let bench: Workbench
afterEach(() => bench.clear())

/** Id and pid of the engine that it leaves behind. */
async function leftBehind(stateDirectory: string, words: string[] = []): Promise<{ id: string; pid: number }> {
  const overlap = spawn(process.execPath, [SHORT_LIVED, stateDirectory, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(overlap.stdout), 'line')) as [string]
  overlap.kill('SIGKILL')
  await once(overlap, 'exit')
  const [, id = '', pid] = line.split(' ')
  return { id, pid: Number(pid) }
}

describe('an engine whose Overlap was killed', () => {
  it('is the same process afterwards, is adopted with its log and rates, and can be stopped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    const { id, pid } = await leftBehind(folder)
    bench = await openWorkbench({ stateDirectory: folder })
    await bench.until('ready', () => bench.engine(id).state === 'ready')
    expect(bench.engine(id)).toMatchObject({ pid, adopted: true, spec: { name: 'survivor' }, fault: null })
    await bench.until('rates', () => bench.engine(id).rates.generatedTokensPerSecond !== null)
    expect(await bench.supervisor.log(id).tail(5)).toContain('listening')
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await bench.until('stopped', () => bench.engine(id).state === 'stopped')
    expect(bench.procfs.processStat(pid)).toBeNull()
    expect(bench.engine(id).lastExit).toMatchObject({ code: 0 })
  })

  it('is adopted although the settings were lost, and is in them from then on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    const { id, pid } = await leftBehind(folder)
    await writeFile(join(folder, 'settings.json'), '{"version":1,"engi')
    bench = await openWorkbench({ stateDirectory: folder })
    await bench.until('ready', () => bench.engine(id).state === 'ready')
    expect(bench.engine(id)).toMatchObject({ pid, adopted: true, colour: 0, spec: { name: 'survivor' } })
    expect(JSON.parse(await readFile(join(folder, 'settings.json'), 'utf8'))).toMatchObject({ engines: [{ id, colour: 0, spec: { name: 'survivor' } }] })
  })

  it('is known by how long it took to load, also to the next Overlap; its next run anew', async () => {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    bench = await openWorkbench({ stateDirectory })
    const id = await bench.supervisor.add(standIn('survivor', []))
    const started = async () => {
      await bench.supervisor.start(id)
      await bench.until('ready', () => bench.engine(id).state === 'ready')
      return bench.engine(id).loadedInMs ?? Number.NaN
    }
    const loadedInMs = await started()
    expect(loadedInMs).toBeGreaterThan(0)
    await bench.supervisor.close()
    bench = await openWorkbench({ stateDirectory })
    await bench.until('ready', () => bench.engine(id).state === 'ready')
    expect(bench.engine(id)).toMatchObject({ adopted: true, loadedInMs })
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await bench.until('stopped', () => bench.engine(id).state === 'stopped')
    expect(bench.engine(id).loadedInMs).toBeNull()
    expect(await started()).not.toBe(loadedInMs)
  })

  it.each([
    ['is adopted although the wall clock was set', { startedAtMs: 1 }, 'ready'],
    ['is adopted from a record that names no boot', { bootId: undefined }, 'ready'],
    ['is another process when the machine was booted since', { bootId: 'another' }, 'failed'],
  ])('%s', async (_, change, state) => {
    const folder = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    const { id, pid } = await leftBehind(folder)
    const path = join(folder, 'engines', id, 'run.json')
    const record: unknown = JSON.parse(await readFile(path, 'utf8'))
    expect(record).toMatchObject({ bootId: new Procfs().bootId() })
    await writeFile(path, JSON.stringify({ ...(record as object), ...change }))
    bench = await openWorkbench({ stateDirectory: folder })
    await bench.until(state, () => bench.engine(id).state === state)
    expect(bench.engine(id).pid).toBe(state === 'ready' ? pid : null)
    if (state === 'failed') process.kill(pid, 'SIGKILL') // not the workbench's own
  })

  it('is unknown while it does not answer in its time, and ready when it does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    const { id, pid } = await leftBehind(folder)
    const path = join(folder, 'engines', id, 'run.json')
    const run = StartedRun.parse(JSON.parse(await readFile(path, 'utf8')))
    await writeFile(path, JSON.stringify({ ...run, plan: { ...run.plan, spec: { ...run.plan.spec, readyWithinSeconds: 1 } } }))
    process.kill(pid, 'SIGSTOP')
    bench = await openWorkbench({ stateDirectory: folder })
    await bench.until('unknown', () => bench.engine(id).state === 'unknown')
    expect(bench.engine(id).fault?.code).toBe('ENGINE_NOT_READY')
    process.kill(pid, 'SIGCONT')
    await bench.until('ready', () => bench.engine(id).state === 'ready')
    expect(bench.engine(id)).toMatchObject({ pid, fault: null })
  })

  it('that ended meanwhile is shown with its exit, not as running', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlap-adoption-'))
    const { id, pid } = await leftBehind(folder)
    process.kill(pid, 'SIGTERM')
    const exitPath = join(folder, 'engines', id, 'exit.json')
    while (!(await readFile(exitPath, 'utf8').catch(() => ''))) await new Promise((resolve) => setTimeout(resolve, 20))
    bench = await openWorkbench({ stateDirectory: folder })
    expect(bench.engine(id)).toMatchObject({ state: 'failed', pid: null, lastExit: { code: 0 }, fault: { code: 'ENGINE_EXITED' } })
  })
})

describe('an engine whose keeper was killed', () => {
  it('goes on; its state says so; and it can still be stopped', async () => {
    bench = await openWorkbench()
    const id = await bench.supervisor.add(standIn('orphaned'))
    await bench.supervisor.start(id)
    await bench.until('ready', () => bench.engine(id).state === 'ready')
    const { pid } = bench.engine(id)
    const run = StartedRun.parse(JSON.parse(await readFile(join(bench.stateDirectory, 'engines', id, 'run.json'), 'utf8')))
    expect(run).toMatchObject({ engine: { pid }, plan: { mps: null, spec: { name: 'orphaned' } } })
    expect(run.envNames).toContain('CUDA_MPS_PIPE_DIRECTORY')
    if (run.keeper === null) throw new Error('it has no keeper')
    process.kill(run.keeper.pid, 'SIGHUP')
    process.kill(run.keeper.pid, 'SIGKILL')
    await bench.until('unknown', () => bench.engine(id).state === 'unknown')
    expect(bench.engine(id)).toMatchObject({ pid, fault: { sentence: 'The keeper of orphaned was ended; the engine itself goes on.' } })
    await bench.until('rates go on', () => bench.engine(id).rates.generatedTokensPerSecond !== null)
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await bench.until('stopped', () => bench.engine(id).state === 'stopped')
  })
})
