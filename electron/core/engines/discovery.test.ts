// Engines that somebody else started: a stand-in by vLLM's command line, and a real llama-server. Found, followed, taken over, stopped and started again.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { mkdtemp, rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { llamaParts } from '../../../e2e/parts/llama.ts'
import type { FoundEngine } from '../../../shared/foundEngine.ts'
import { freePort } from '../host/ports.ts'
import { Procfs } from '../host/procfs.ts'
import { HandClock, systemClock } from '../kit/clock.ts'
import { Discovery } from './discovery.ts'
import { openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'

const STAND_IN = pathToFileURL(fileURLToPath(new URL('./fixtures/standIn.ts', import.meta.url))).href
let folder: string
let bench: Workbench
let discovery: Discovery
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'overlap-found-'))
  await mkdir(join(folder, 'bin'))
  // runs itself with Node, as Python's console scripts run themselves with Python
  await writeFile(join(folder, 'bin/vllm'), `#!/bin/sh\n':' //; exec '${process.execPath}' "$0" "$@"\nimport(${JSON.stringify(STAND_IN)})\n`, { mode: 0o755 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  bench = await openWorkbench()
  discovery = discoveryOf(bench)
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await bench.clear()
})

const discoveryOf = ({ host, procfs, stateDirectory, supervisor }: Workbench, toolsEnv = {}) =>
  new Discovery({ host, procfs, stateDirectory, clock: systemClock, toolsEnv, uid: process.getuid?.() ?? 0, own: () => supervisor.facts })

/** As from a terminal. `group`: together with this test, as a script's children are. */
function started(argv: string[], env: Record<string, string> = {}, group = false): ChildProcess {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { env: { ...process.env, ...env }, cwd: folder, stdio: 'ignore', detached: !group })
  children.push(child)
  return child
}
const vllm = async (words: string[] = [], env: Record<string, string> = {}) => {
  const port = await freePort()
  return { port, child: started([join(folder, 'bin/vllm'), 'serve', 'Qwen/Qwen3-0.6B', '--port', String(port), '--host', '127.0.0.1', ...words], env) }
}

function look(child: ChildProcess, by = discovery): FoundEngine | null {
  by.tick(bench.procfs.processTable(true))
  by.observe(new Map(), () => null)
  return by.found.value.find(({ pid }) => pid === child.pid) ?? null
}
async function found(child: ChildProcess, isSo: (one: FoundEngine) => boolean = ({ port }) => port !== null): Promise<FoundEngine> {
  await bench.until('found', () => {
    const one = look(child)
    return one !== null && isSo(one)
  })
  return look(child) ?? expect.fail('it is gone')
}
async function takenIn(one: FoundEngine): Promise<string> {
  const adoptable = discovery.adoptable(one.id)
  if (adoptable === null) throw new Error(JSON.stringify(one.obstacle))
  return bench.supervisor.takeIn(adoptable)
}
const inState = (id: string, state: string) => bench.until(state, () => bench.engine(id).state === state)

describe('a vLLM that somebody else started', () => {
  it('is found with its rates and its command, secrets masked', async () => {
    const { child, port } = await vllm(['--api-key', 'hush-0123456789'], { HF_TOKEN: 'hf_abcdefgh12345', HF_HOME: '/models' })
    const one = await found(child, ({ rates }) => rates.generatedTokensPerSecond !== null)
    expect(one).toMatchObject({ program: 'vllm', name: expect.stringMatching(/^Qwen3-0\.6B/) as string, model: 'Qwen/Qwen3-0.6B', port, silence: null, obstacle: null, caution: null, rates: { source: 'vllm:generation_tokens_total', requestsRunning: 3, requestsWaiting: 1 } })
    expect(one.command).toMatchObject({ cwd: folder, env: { HF_TOKEN: '••••', HF_HOME: '/models' } })
    expect(JSON.stringify(one)).not.toMatch(/hush|abcdefgh/)
    expect(Math.abs((one.startedAtMs ?? 0) - Date.now())).toBeLessThan(30_000)
  })

  it('is taken over as it runs; stopped and started again it is the same, kept; a killed Overlap finds it again', async () => {
    const { child, port } = await vllm([], { MY_MODELS: '/models' })
    const taking = takenIn(await found(child))
    await expect(bench.supervisor.start(bench.supervisor.facts[0]!.id)).rejects.toMatchObject({ fault: { code: 'HELD' } }) // or it would run twice
    const id = await taking
    await inState(id, 'ready')
    expect(bench.engine(id)).toMatchObject({ pid: child.pid, port, adopted: true, fault: null, spec: { recipe: 'vllm', model: 'Qwen/Qwen3-0.6B', port, cwd: folder, env: { MY_MODELS: '/models' } } })
    expect(look(child, discoveryOf(bench))).toBeNull()
    await bench.until('rates', () => bench.engine(id).rates.generatedTokensPerSecond !== null)
    expect(await bench.supervisor.log(id).tail(5)).toEqual([expect.stringContaining('started outside Overlap')])
    expect((await bench.supervisor.preview(id, 'stop')).map(({ argv }) => argv)).toEqual([['kill', '-TERM', '--', `${child.pid}`], ['kill', '-KILL', '--', `${child.pid}`]])
    await expect(bench.supervisor.takeIn({ process: { pid: child.pid ?? 0, startTicks: bench.procfs.processStat(child.pid ?? 0)?.startTicks ?? 0 }, spec: { ...bench.engine(id).spec, name: 'twice', port: null }, port, argv: [], env: {}, cwd: '/', startedAtMs: null })).rejects.toMatchObject({ fault: { code: 'WRONG_STATE' } })

    const { stateDirectory } = bench
    await bench.supervisor.close()
    bench = await openWorkbench({ stateDirectory })
    await inState(id, 'ready')
    expect(bench.engine(id)).toMatchObject({ pid: child.pid, adopted: true })

    const gone = once(child, 'exit')
    await bench.supervisor.stop(id, { drainSeconds: 10 })
    await gone
    await inState(id, 'stopped')
    await bench.supervisor.start(id)
    await inState(id, 'ready')
    expect(bench.engine(id)).toMatchObject({ port, adopted: false })
    expect(bench.procfs.environmentOf(bench.engine(id).pid ?? 0)).toMatchObject({ MY_MODELS: '/models' })
    expect(JSON.parse(await readFile(join(stateDirectory, 'engines', id, 'run.json'), 'utf8'))).toMatchObject({ keeper: { pid: expect.any(Number) as number } })
  }, 60_000)

  it('is ended without whoever shares its process group, and with what it started itself, also when it does not listen to SIGTERM', async () => {
    const { child } = await vllm(['--ignore-sigterm', '--orphan'])
    const id = await takenIn(await found(child, ({ pids }) => pids.length === 2))
    await inState(id, 'ready')
    const [, worker = 0] = bench.procfs.processTree(child.pid ?? 0)
    await bench.supervisor.stop(id, { drainSeconds: 0 })
    await inState(id, 'stopped')
    expect([bench.procfs.processStat(child.pid ?? 0)?.state ?? 'gone', bench.procfs.processStat(worker)?.state ?? 'gone'].every((state) => ['gone', 'Z'].includes(state))).toBe(true)

    const together = await freePort()
    const neighbour = started(['sleep', '600'], {}, true)
    const second = started([join(folder, 'bin/vllm'), 'serve', 'm', '--port', String(together), '--host', '127.0.0.1', '--orphan'], {}, true)
    const other = await takenIn(await found(second, ({ port, pids }) => port !== null && pids.length === 2))
    await inState(other, 'ready')
    const [, left = 0] = bench.procfs.processTree(second.pid ?? 0)
    await bench.supervisor.stop(other, { drainSeconds: 5 })
    await inState(other, 'stopped')
    expect(bench.procfs.processStat(left)?.state ?? 'gone').toMatch(/gone|Z/)
    expect(bench.procfs.processStat(neighbour.pid ?? 0)?.state).toMatch(/[SR]/)
  }, 60_000)

  it('is loading until it answers', async () => {
    const loaded = join(bench.stateDirectory, 'loaded')
    const { child } = await vllm(['--metrics-when', loaded])
    const loads = () => discovery.loading.map(({ port }) => port)
    await bench.until('found', () => look(child) !== null)
    const port = Number(child.spawnargs[child.spawnargs.indexOf('--port') + 1])
    expect(loads()).toContain(port)
    await writeFile(loaded, '')
    await found(child, ({ rates }) => rates.source !== null)
    expect(loads()).not.toContain(port)
  })

  it('that ends by itself is said to have, and is not started again', async () => {
    const { child } = await vllm()
    const one = await found(child)
    const id = await takenIn(one)
    expect(id).toBe(one.id) // what is kept of it goes on
    await inState(id, 'ready')
    child.kill('SIGKILL')
    await inState(id, 'failed')
    expect(bench.engine(id)).toMatchObject({ fault: { code: 'ENGINE_EXITED', sentence: expect.stringContaining('started outside Overlap') as string }, restarts: { used: 0 } })
  })

  it('is not taken over by a name that is there, or once it is gone; and nothing of the attempt stays', async () => {
    const { child } = await vllm()
    const one = await found(child)
    const adoptable = discovery.adoptable(one.id)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect(bench.supervisor.takeIn(adoptable ?? expect.fail('not adoptable'))).rejects.toMatchObject({ fault: { code: 'NOT_FOUND' } })
    expect(bench.supervisor.engines.value).toEqual([])
    expect(discovery.adoptable(one.id)).toBeNull()
  })

  it('belongs to one workstation: not to a simulated one, not to another Overlap that keeps it, and never twice to this one', async () => {
    const { child } = await vllm([], { OVERLAP_SIM: '/a/scene' })
    await bench.until('seen by its own', () => look(child, discoveryOf(bench, { OVERLAP_SIM: '/a/scene' })) !== null)
    expect(look(child)).toBeNull()

    const other = await openWorkbench()
    try {
      const id = await other.supervisor.add({ ...standIn('theirs'), argv: [join(folder, 'bin/vllm'), 'serve', 'm', '--port', '{port}'] })
      await other.supervisor.start(id)
      await other.until('ready', () => other.engine(id).state === 'ready')
      const theirs = { pid: other.engine(id).pid } as ChildProcess
      await bench.until('found', () => look(theirs) !== null)
      expect(look(theirs)?.obstacle).toMatchObject({ code: 'HELD', sentence: 'Another Overlap keeps it.' })
      expect(look(theirs, discoveryOf(other))).toBeNull()
    } finally {
      await other.clear()
    }
  }, 40_000)
})

it('a script of the name of its engine that becomes the engine is found when it has', async () => {
  const stat = { pid: 77, ppid: 1, comm: 'llama-server', state: 'S', processGroup: 77, session: 77, cpuSeconds: 0, threads: 1, startTicks: 5, residentBytes: 0, readAtMs: 0 }
  let argv = ['/bin/sh', '/usr/local/bin/llama-server', '-m', 'x.gguf']
  const clock = Object.assign(new HandClock(), { now: () => 0 }) // a wall clock that was set back
  const procfs = Object.assign(new Procfs({ root: join(folder, 'no-proc') }), { commandLine: () => argv, environmentOf: () => ({}), isAlive: () => true, processTree: () => [77] })
  const alone = new Discovery({ host: bench.host, procfs, stateDirectory: folder, clock, toolsEnv: {}, uid: 0, own: () => [] })
  const seen = () => {
    alone.tick(new Map([[77, stat]]))
    alone.observe(new Map(), () => null)
    return alone.found.value.map(({ program }) => program)
  }
  expect(seen()).toEqual([])
  argv = ['/opt/llama.cpp/llama-server', '-m', 'x.gguf']
  await clock.advance(2_000)
  expect(seen()).toEqual(['llamaServer'])
})

describe('a real llama-server that somebody else started', () => {
  it('is found, gives its rates, and says why it gives none', async () => {
    const parts = await llamaParts()
    const [quiet, loud] = [await freePort(), await freePort()]
    const run = (port: number, more: string[]) => started([...parts.argv, '-m', parts.model, '--port', String(port), '-c', '512', '-np', '1', '-ngl', '0', '-t', '1', ...more])
    const silent = run(quiet, [])
    const child = run(loud, ['--metrics'])
    const one = await found(child, ({ rates }) => rates.source !== null)
    expect(one).toMatchObject({ program: 'llamaServer', name: expect.stringMatching(/^random-weights/) as string, port: loud, silence: null, rates: { source: 'llamacpp:tokens_predicted_total', requestsRunning: 0 } })
    expect(await found(silent)).toMatchObject({ port: quiet, silence: 'It has no metrics page: llama-server was started without --metrics.', rates: { generatedTokensPerSecond: null }, obstacle: null })
    const id = await takenIn(one)
    await bench.until('ready', () => bench.engine(id).state === 'ready', 60_000)
    expect(bench.engine(id)).toMatchObject({ pid: child.pid, spec: { recipe: 'llamaServer', contextTokens: 512, slots: 1 } })
  }, 120_000)
})

it('one that never answers is waited for ten minutes from its start, whatever the wall clock says', async () => {
  const stat = { pid: 77, ppid: 1, comm: 'vllm', state: 'S', processGroup: 77, session: 77, cpuSeconds: 0, threads: 1, startTicks: 5, residentBytes: 0, readAtMs: 0 }
  const clock = new HandClock()
  const procfs = Object.assign(new Procfs({ root: join(folder, 'no-proc'), clock }), { commandLine: () => ['/opt/bin/vllm', 'serve', 'm'], environmentOf: () => ({}), ageMs: () => 60_000, listeningPorts: () => [], processTree: () => [77] })
  const alone = new Discovery({ host: bench.host, procfs, stateDirectory: folder, clock, toolsEnv: {}, uid: 0, own: () => [] })
  alone.tick(new Map([[77, stat]]))
  for (const byMs of [3_600_000, -7_200_000]) {
    clock.setWall(byMs)
    expect(alone.loading).toHaveLength(1)
  }
  await clock.advance(9 * 60_000)
  expect(alone.loading).toEqual([])
})
