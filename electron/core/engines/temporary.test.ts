// Temporary engines as real processes: started, asked for and removed like others, never stored, never taken over; and restarts
// that wait while the workstation is held.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultError } from '../../../shared/fault.ts'
import { GPU, noMps, openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'

const SHORT_LIVED = fileURLToPath(new URL('./fixtures/shortLived.ts', import.meta.url))
let bench: Workbench
beforeEach(async () => {
  bench = await openWorkbench()
})
afterEach(() => bench.clear())

const inState = (id: string, state: string) => bench.until(state, () => bench.engine(id).state === state)
const stored = async () => {
  const { engines } = JSON.parse(await readFile(join(bench.stateDirectory, 'settings.json'), 'utf8').catch(() => '{"engines":[]}')) as { engines: { id: string }[] }
  return engines.map(({ id }) => id)
}
const codeOf = async (call: Promise<unknown>) => {
  const thrown: unknown = await call.then(() => null, (error: unknown) => error)
  return thrown instanceof FaultError ? thrown.fault.code : thrown
}

describe('a temporary engine', () => {
  it('runs like any other, tells its doors, folder and processes, and leaves nothing behind', async () => {
    const kept = await bench.supervisor.add(standIn('kept'))
    const id = await bench.supervisor.addTemporary(standIn('passing', ['--api-key', 'sesame']))
    expect(id).toMatch(/^t/)
    expect(bench.engine(id)).toMatchObject({ temporary: true, colour: 1 })
    expect(bench.engine(kept).temporary).toBe(false)
    expect([bench.supervisor.processes(id), bench.supervisor.doors(id)]).toEqual([null, null])
    expect(await codeOf(bench.supervisor.addTemporary(standIn('PASSING')))).toBe('BAD_INPUT')
    await bench.supervisor.start(id)
    await inState(id, 'ready')
    const { pid, port } = bench.engine(id)
    expect(bench.supervisor.doors(id)).toEqual({ url: `http://127.0.0.1:${port}`, model: 'stand-in', apiKey: 'sesame' })
    const processes = bench.supervisor.processes(id)
    expect(processes?.engine.pid).toBe(pid)
    expect(processes && [processes.engine, processes.keeper].every((process) => process !== null && bench.procfs.isAlive(process))).toBe(true)
    const folder = bench.supervisor.folderOf(id)
    expect((await stat(join(folder, 'run.json'))).isFile()).toBe(true)
    expect(await stored()).toEqual([kept])
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await inState(id, 'stopped')
    await bench.supervisor.remove(id)
    expect(await codeOf(stat(folder))).toMatchObject({ code: 'ENOENT' })
    expect(bench.supervisor.engines.value.map((engine) => engine.id)).toEqual([kept])
    expect(await stored()).toEqual([kept])
  })

  it('serves no doors when it is no OpenAI server', async () => {
    const id = await bench.supervisor.addTemporary(standIn('mute', [], { openAi: false }))
    await bench.supervisor.start(id)
    await inState(id, 'ready')
    expect(bench.supervisor.doors(id)).toBeNull()
  })

  it('loads in turn with the others of its GPU, which nobody may stop meanwhile', async () => {
    const calm = await bench.supervisor.add(standIn('calm', [], { gpuUuid: GPU }))
    await bench.supervisor.start(calm)
    await inState(calm, 'ready')
    const loaded = join(bench.stateDirectory, 'loaded')
    const both = [await bench.supervisor.addTemporary(standIn('first', ['--ready-when', loaded], { gpuUuid: GPU })), await bench.supervisor.addTemporary(standIn('second', [], { gpuUuid: GPU }))]
    const most = { loading: 0 }
    bench.supervisor.engines.subscribe((engines) => (most.loading = Math.max(most.loading, engines.filter(({ state }) => state === 'starting').length)))
    await Promise.all(both.map((id) => bench.supervisor.start(id)))
    await inState(both[0] ?? '', 'starting')
    expect(await codeOf(bench.supervisor.stop(calm, { drainSeconds: 1 }))).toBe('HELD')
    expect(await codeOf(bench.supervisor.restart(calm))).toBe('HELD')
    await writeFile(loaded, '')
    await inState(both[1] ?? '', 'ready')
    expect(most.loading).toBe(1)
    expect(bench.engine(calm).state).toBe('ready')
  })

  it('is not taken over after a crash: its folder and its process stay for whoever tidies up', async () => {
    await bench.clear()
    const folder = await mkdtemp(join(tmpdir(), 'overlap-temporary-'))
    const overlap = spawn(process.execPath, [SHORT_LIVED, folder, '--temporary'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(overlap.stdout), 'line')) as [string]
    overlap.kill('SIGKILL')
    await once(overlap, 'exit')
    const [, id = '', pid] = line.split(' ')
    bench = await openWorkbench({ stateDirectory: folder })
    expect(bench.supervisor.engines.value).toEqual([])
    expect((await stat(join(folder, 'engines', id, 'run.json'))).isFile()).toBe(true)
    expect(bench.procfs.processStat(Number(pid))).not.toBeNull()
    process.kill(-Number(pid), 'SIGKILL') // not the workbench's own
  })
})

describe('CPUs of its own', () => {
  it('bind the engine, which stays the process that Overlap knows', async () => {
    const id = await bench.supervisor.add(standIn('bound', [], { cpus: '0' }))
    expect((await bench.supervisor.preview(id, 'start'))[0]?.argv.join(' ')).toContain('-- taskset -c 0 ')
    await bench.supervisor.start(id)
    await inState(id, 'ready')
    const { pid } = bench.engine(id)
    expect(bench.procfs.commandLine(pid ?? 0)?.[0]).toBe(process.execPath)
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m)
  })
  it('are refused in plain words where taskset or the program behind it is missing', async () => {
    const id = await bench.supervisor.add({ ...standIn('lost', [], { cpus: '0' }), argv: ['/no/such/engine', '{port}'] })
    await bench.supervisor.start(id)
    await inState(id, 'failed')
    expect(bench.engine(id).fault).toMatchObject({ code: 'TOOL_MISSING', sentence: 'lost ended: its program is not there, or may not be executed.' })
    await bench.clear()
    bench = await openWorkbench({ environment: { ...process.env, PATH: '/no/such/folder' } })
    const bare = await bench.supervisor.add(standIn('bare', [], { cpus: '0' }))
    await bench.supervisor.start(bare)
    await inState(bare, 'failed')
    expect(bench.engine(bare).fault).toMatchObject({ code: 'TOOL_MISSING', field: 'spec.cpus' })
  })
})

it('an automatic restart waits while the workstation is held, says so, and happens afterwards', async () => {
  await bench.clear()
  let held = true
  bench = await openWorkbench({ surroundings: { ...noMps, mayRestart: () => !held } })
  const id = await bench.supervisor.add(standIn('one', [], { restartBudget: 1 }))
  await bench.supervisor.start(id)
  await inState(id, 'ready')
  const { pid } = bench.engine(id)
  process.kill(pid!, 'SIGKILL')
  await inState(id, 'failed')
  expect(bench.engine(id).fault?.hint).toContain('not restarted by itself while an experiment holds the workstation')
  held = false
  await inState(id, 'ready')
  expect(bench.engine(id)).toMatchObject({ restarts: { used: 1 }, fault: null })
  expect(bench.engine(id).pid).not.toBe(pid)
})

it('an automatic restart that waits for MPS says so, and happens once there is a daemon', async () => {
  await bench.clear()
  let mps: ReturnType<typeof noMps.mpsEnvironment> = { pipeDirectory: '/pipe', daemonPid: 1 }
  bench = await openWorkbench({ surroundings: { ...noMps, mpsEnvironment: () => mps } })
  const id = await bench.supervisor.add(standIn('one', [], { gpuUuid: GPU, onMps: true, restartBudget: 1 }))
  await bench.supervisor.start(id)
  await inState(id, 'ready')
  const daemon = mps
  mps = null
  process.kill(bench.engine(id).pid!, 'SIGKILL')
  await inState(id, 'failed')
  expect(bench.engine(id).fault?.hint).toMatch(/ It is started again by itself as soon as MPS can be used on its GPU\.$/)
  mps = daemon
  await inState(id, 'ready')
  expect(bench.engine(id)).toMatchObject({ restarts: { used: 1 }, fault: null })
})
