// Engines as real processes: stand-ins that start slowly, refuse to end, crash, flood their log or never become ready.
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultError } from '../../../shared/fault.ts'
import { GPU, noMps, openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'
import { StartedRun } from './runFolder.ts'

let bench: Workbench
beforeEach(async () => {
  bench = await openWorkbench()
})
afterEach(() => bench.clear())

const faultCodeOf = async (call: Promise<unknown>) => {
  const thrown: unknown = await call.then(() => null, (error: unknown) => error)
  return thrown instanceof FaultError ? [thrown.fault.code, thrown.fault.field] : thrown
}
const started = async (...spec: Parameters<typeof standIn>) => {
  const id = await bench.supervisor.add(standIn(...spec))
  await bench.supervisor.start(id)
  return id
}
const inState = (id: string, state: string) => bench.until(`${state}`, () => bench.engine(id).state === state)

describe('a start', () => {
  it('becomes ready through every step, shows rates, and stops politely', async () => {
    const id = await started('one', ['--slow', '300'])
    const steps: (string | null)[] = []
    bench.supervisor.engines.subscribe(([engine]) => engine && engine.readiness !== steps.at(-1) && steps.push(engine.readiness))
    await inState(id, 'ready')
    expect(steps.filter((step) => step !== null)).toEqual(['launched', 'portOpen', 'healthy', 'modelListed', 'oneToken'])
    await bench.until('two readings', () => bench.engine(id).rates.generatedTokensPerSecond !== null)
    expect(bench.engine(id).rates).toMatchObject({ source: 'vllm:generation_tokens_total', counting: 'live', requestsRunning: 3, requestsWaiting: 1 })
    expect(bench.engine(id).rates.generatedTokensPerSecond).toBeGreaterThan(0)
    await bench.supervisor.stop(id, { drainSeconds: 10 })
    await inState(id, 'stopped')
    expect(bench.engine(id)).toMatchObject({ pid: null, fault: null, lastExit: { code: 0, signal: null, sentence: 'one was stopped.' }, rates: { generatedTokensPerSecond: null } })
  })

  it('runs exactly what was previewed, in a clean environment that cannot attach to MPS', async () => {
    await bench.clear()
    bench = await openWorkbench({ environment: { ...process.env, CUDA_MPS_PIPE_DIRECTORY: '/tmp/elsewhere', CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '20', CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=1G', CUDA_MPS_CLIENT_PRIORITY: '1', npm_config_x: '1', ELECTRON_RUN_AS_NODE: '1' } })
    const id = await bench.supervisor.add(standIn('one', [], { gpuUuid: GPU, env: { MY_VARIABLE: 'mine' } }))
    const [preview] = await bench.supervisor.preview(id, 'start')
    await bench.supervisor.start(id)
    await inState(id, 'ready')
    const entry = bench.host.ledger.kept.find(({ way }) => way === 'launch')
    expect(entry).toMatchObject({ argv: preview?.argv, cwd: preview?.cwd })
    expect(preview?.env).toEqual({ ...entry?.env, MY_VARIABLE: 'mine' })
    const line = (await bench.supervisor.log(id).tail(100)).find((text) => text.startsWith('environment ')) ?? ''
    const environment = JSON.parse(line.slice('environment '.length)) as Record<string, string>
    expect(environment).toMatchObject({ MY_VARIABLE: 'mine', CUDA_VISIBLE_DEVICES: GPU, CUDA_MPS_PIPE_DIRECTORY: join(bench.stateDirectory, 'engines', id, 'no-mps') })
    expect(Object.keys(environment).filter((name) => /^(npm_|ELECTRON_|VITEST|CUDA_MPS_(ACTIVE|PINNED|CLIENT))/.test(name))).toEqual([])
  })

  it('gives the user\'s variables to the engine and not to its keeper', async () => {
    const id = await started('one', ['--word', 'hush-0123456789'], { env: { NODE_OPTIONS: '--title=mine', MY_TOKEN: 'hush-0123456789' } })
    await inState(id, 'ready')
    expect(JSON.stringify(bench.host.ledger.kept)).not.toContain('hush')
    const run = StartedRun.parse(JSON.parse(await readFile(join(bench.stateDirectory, 'engines', id, 'run.json'), 'utf8')))
    expect(bench.procfs.environmentOf(run.engine.pid)).toMatchObject({ NODE_OPTIONS: '--title=mine', MY_TOKEN: 'hush-0123456789' })
    const keepers = Object.keys(bench.procfs.environmentOf(run.keeper?.pid ?? 0) ?? {})
    expect(keepers).toContain('CUDA_MPS_PIPE_DIRECTORY')
    expect(keepers.filter((name) => ['NODE_OPTIONS', 'MY_TOKEN'].includes(name))).toEqual([])
    expect((await bench.supervisor.preview(id, 'restart')).at(-1)?.env).toMatchObject({ NODE_OPTIONS: '--title=mine', MY_TOKEN: '••••' })
  })

  it('waits while another engine on the same GPU loads, which nobody may stop another one meanwhile', async () => {
    const calm = await started('calm', [], { gpuUuid: GPU })
    await inState(calm, 'ready')
    const loaded = join(bench.stateDirectory, 'loaded')
    const slow = await started('slow', ['--ready-when', loaded], { gpuUuid: GPU })
    await inState(slow, 'starting')
    const next = await started('next', [], { gpuUuid: GPU })
    const elsewhere = await started('elsewhere')
    expect(await faultCodeOf(bench.supervisor.stop(calm, { drainSeconds: 1 }))).toEqual(['HELD', null])
    let together = false
    bench.supervisor.engines.subscribe((engines) => (together ||= engines.filter(({ id, state }) => [slow, next].includes(id) && state === 'starting').length > 1))
    await inState(elsewhere, 'ready')
    expect(bench.engine(next).state).toBe('waiting')
    await writeFile(loaded, '')
    await inState(next, 'ready')
    expect(bench.engine(slow).state).toBe('ready')
    expect(together).toBe(false)
  })

  it.each([
    ['program that is not there', ['/no/such/engine', '{port}'], {}, 'TOOL_MISSING'],
    ['working directory that is not there', null, { cwd: '/no/such/folder' }, 'BAD_INPUT'],
    ['engine that is out of memory', null, {}, 'ENGINE_OUT_OF_MEMORY'],
  ])('fails in plain words: %s', async (_, argv, change, code) => {
    const spec = standIn('one', code === 'ENGINE_OUT_OF_MEMORY' ? ['--oom'] : [], { restartBudget: code === 'TOOL_MISSING' ? 3 : 0, ...change })
    const id = await bench.supervisor.add(argv ? { ...spec, argv } : spec)
    await bench.supervisor.start(id)
    await inState(id, 'failed')
    expect(bench.engine(id).fault?.code).toBe(code)
    expect(bench.engine(id).restarts.used).toBe(0)
  })

  it('leaves no engine behind that could not be written down', async () => {
    const id = await bench.supervisor.add(standIn('lost', ['--mark-of-the-lost']))
    await mkdir(join(bench.stateDirectory, 'engines', id, 'run.json.new'), { recursive: true })
    await bench.supervisor.start(id)
    await inState(id, 'failed')
    expect(bench.engine(id).fault).toMatchObject({ code: 'ENGINE_EXITED', sentence: 'The keeper of lost ended before it could start the engine.' })
    const left = () => [...(bench.procfs.processTable(true)?.keys() ?? [])].filter((pid) => bench.procfs.commandLine(pid)?.includes('--mark-of-the-lost'))
    await bench.until('no process of it', () => left().length === 0)
  })

  it('does not count as ready without a 200, and is ended when its time is over', async () => {
    const id = await started('never', ['--never-ready', '--ignore-sigterm'], { readyWithinSeconds: 8 })
    await bench.until('its process', () => bench.engine(id).pid !== null)
    const pid = bench.engine(id).pid ?? 0
    await inState(id, 'failed')
    expect(bench.engine(id).fault).toMatchObject({ code: 'ENGINE_NOT_READY', detail: '/health answered 503' })
    expect(bench.procfs.processStat(pid)).toBeNull()
  })
})

describe('an end', () => {
  it('comes also to an engine that ignores SIGTERM, its MPS clients released before', async () => {
    await bench.clear()
    const order: unknown[] = []
    bench = await openWorkbench({
      surroundings: {
        ...noMps,
        mpsEnvironment: () => ({ pipeDirectory: '/tmp/overlap-test-pipe', daemonPid: 1 }),
        releaseMpsClients: async (gpuUuid, pids) => void order.push([gpuUuid, pids.length, pids.every((pid) => bench.procfs.processStat(pid) !== null)]),
      },
    })
    const id = await started('deaf', ['--ignore-sigterm'], { gpuUuid: GPU, onMps: true, sharePercent: 40 })
    await inState(id, 'ready')
    expect((await bench.supervisor.log(id).tail(10)).join()).toContain('"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE":"40"')
    await bench.supervisor.stop(id, { drainSeconds: 1 })
    expect(bench.engine(id).state).toBe('draining')
    await inState(id, 'stopped')
    expect(order).toEqual([[GPU, 1, true]])
    expect(bench.engine(id).lastExit).toMatchObject({ signal: 'SIGKILL', sentence: 'deaf did not end when asked, and was killed.' })
  })

  it('comes also when its record cannot be deleted', async () => {
    const id = await started('one', [], { gpuUuid: GPU })
    await inState(id, 'ready')
    const planOf = (engine: string) => join(bench.stateDirectory, 'engines', engine, 'plan.json')
    await rm(planOf(id))
    await mkdir(planOf(id)) // what rm refuses
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await inState(id, 'stopped')
    const loading = await started('loading', ['--slow', '60000'], { gpuUuid: GPU })
    await bench.until('its process', () => bench.engine(loading).pid !== null)
    const waiting = await started('waiting', [], { gpuUuid: GPU })
    await mkdir(planOf(waiting), { recursive: true })
    await bench.supervisor.stop(waiting, { drainSeconds: 5 })
    expect(bench.engine(waiting).state).toBe('stopped')
  })

  it('takes what the engine left in its group along', async () => {
    const crash = join(bench.stateDirectory, 'crash')
    const id = await started('parent', ['--orphan', '--crash-when', crash])
    await bench.until('its child', async () => (await bench.supervisor.log(id).tail(10)).some((line) => line.startsWith('orphan')))
    const child = Number((await bench.supervisor.log(id).tail(10)).find((line) => line.startsWith('orphan'))?.split(' ')[1])
    expect(bench.procfs.processStat(child)).not.toBeNull()
    await writeFile(crash, '')
    await inState(id, 'failed')
    expect(bench.procfs.processStat(child)?.state ?? 'Z').toBe('Z')
  })

  it('by itself is told with the last telling line, and restarted within the budget', async () => {
    const id = await started('weak', ['--crash-after', '400'], { restartBudget: 1 })
    const pids = new Set<number>()
    bench.supervisor.engines.subscribe(([engine]) => engine?.pid && pids.add(engine.pid))
    await bench.until('its budget is spent', () => bench.engine(id).fault?.code === 'RESTART_BUDGET_SPENT')
    expect(pids.size).toBe(2)
    expect(bench.engine(id)).toMatchObject({ state: 'failed', restarts: { used: 1, budget: 1 }, lastExit: { code: 3, sentence: 'weak ended by itself with exit code 3. Its last words: RuntimeError: the engine broke' } })
  })
})

describe('an engine that lost its MPS', () => {
  it('keeps its reason and its budget until there is MPS again, and comes back by itself', async () => {
    await bench.clear()
    let mps: { pipeDirectory: string; daemonPid: number } | null = { pipeDirectory: '/tmp/overlap-test-pipe', daemonPid: 1 }
    bench = await openWorkbench({ surroundings: { ...noMps, mpsEnvironment: () => mps, releaseMpsClients: async () => {} } })
    const crash = join(bench.stateDirectory, 'crash')
    const id = await started('one', ['--crash-when', crash], { gpuUuid: GPU, onMps: true, restartBudget: 1 })
    await bench.until('its process', () => bench.engine(id).pid !== null)
    const pid = bench.engine(id).pid
    mps = null
    await writeFile(crash, '')
    await inState(id, 'failed')
    await rm(crash)
    const until = Date.now() + 2_500 // longer than its first back-off
    await bench.until('time has passed', () => Date.now() > until)
    expect(bench.engine(id)).toMatchObject({ state: 'failed', restarts: { used: 0 }, fault: { code: 'ENGINE_EXITED', detail: 'RuntimeError: the engine broke' } })
    mps = { pipeDirectory: '/tmp/overlap-test-pipe', daemonPid: 2 }
    await bench.until('another process', () => ![null, pid].includes(bench.engine(id).pid))
    expect(bench.engine(id).restarts.used).toBe(1)
  })
})

describe('stopAll', () => {
  it('ends every engine, whoever is loading, waiting or about to be restarted', async () => {
    const words: [string, string[], object][] = [
      ['calm', [], {}], ['crashed', ['--crash-after', '1'], { restartBudget: 5 }], ['loading', ['--slow', '60000'], { gpuUuid: GPU }], ['waiting', [], { gpuUuid: GPU }],
    ]
    const ids: string[] = []
    for (const engine of words) ids.push(await started(...engine))
    const [calm = '', crashed = '', loading = '', waiting = ''] = ids
    await inState(calm, 'ready')
    await bench.until('a restart is due', () => bench.engine(crashed).lastExit !== null)
    await inState(loading, 'starting')
    expect(bench.engine(waiting).state).toBe('waiting')
    await bench.supervisor.stopAll({ drainSeconds: 5 })
    expect(bench.supervisor.engines.value.map(({ pid, state }) => [pid, ['stopped', 'failed'].includes(state)])).toEqual(ids.map(() => [null, true]))
  })
})

describe('a flood', () => {
  it('of log lines is tailed and followed, and its file stays bounded', async () => {
    const id = await started('loud', ['--flood'])
    await inState(id, 'ready')
    const reader = bench.supervisor.log(id)
    expect((await reader.tail(20)).length).toBe(20)
    let lines = 0
    const stop = reader.follow((more) => (lines += more.length))
    await bench.until('new lines', () => lines > 100)
    stop()
    const log = join(bench.stateDirectory, 'engines', id, 'engine.log')
    const size = async (path: string) => (await stat(path).catch(() => null))?.size ?? 0
    await bench.until('the log is cut at its limit, the old part kept', async () => (await size(`${log}.1`)) > 64 * 2 ** 20 && (await size(log)) < 64 * 2 ** 20, 60_000)
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await inState(id, 'stopped')
    expect((await reader.tail(3)).length).toBe(3)
  })
})

describe('wishes that cannot be granted', () => {
  it('are refused with the field at fault', async () => {
    await bench.supervisor.add(standIn('one', [], { port: 18_555 }))
    const add = (change: object, name = 'two') => faultCodeOf(bench.supervisor.add(standIn(name, [], change)))
    expect(await add({}, 'ONE')).toEqual(['BAD_INPUT', 'spec.name'])
    expect(await add({ port: 18_555 })).toEqual(['PORT_TAKEN', 'spec.port'])
    expect(await add({ onMps: true })).toEqual(['BAD_INPUT', 'spec.gpuUuid'])
    expect(await add({ env: { CUDA_VISIBLE_DEVICES: '0' } })).toEqual(['BAD_INPUT', 'spec.env.CUDA_VISIBLE_DEVICES'])
    expect(await add({ argv: ['engine'] })).toEqual(['BAD_INPUT', 'spec.argv'])
    expect(await faultCodeOf(bench.supervisor.start('nobody'))).toEqual(['NOT_FOUND', 'id'])
  })

  it('MPS without a daemon is a fault, never a plain start', async () => {
    const id = await bench.supervisor.add(standIn('one', [], { gpuUuid: GPU, onMps: true }))
    expect(await faultCodeOf(bench.supervisor.start(id))).toEqual(['MPS_NOT_RUNNING', 'spec.onMps'])
    expect(await faultCodeOf(bench.supervisor.preview(id, 'start'))).toEqual(['MPS_NOT_RUNNING', 'spec.onMps'])
    expect(bench.engine(id).state).toBe('stopped')
  })

  it('a port that another program listens on', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const id = await started('one', [], { port: typeof address === 'object' && address ? address.port : 0 })
    await inState(id, 'failed')
    expect(bench.engine(id).fault).toMatchObject({ code: 'PORT_TAKEN', field: 'spec.port' })
    other.close()
  })

  it('a start that meets a removal or a change, on either side of it', async () => {
    const id = await bench.supervisor.add(standIn('one'))
    const change = bench.supervisor.change(id, standIn('two'))
    expect(await faultCodeOf(bench.supervisor.start(id))).toEqual(['HELD', null])
    await change
    const remove = bench.supervisor.remove(id)
    expect(await faultCodeOf(bench.supervisor.restart(id))).toEqual(['HELD', null])
    await remove
    expect(bench.supervisor.engines.value).toEqual([])
    const other = await bench.supervisor.add(standIn('other'))
    const start = bench.supervisor.start(other)
    expect(await faultCodeOf(bench.supervisor.remove(other))).toEqual(['WRONG_STATE', null])
    await start
    await inState(other, 'ready')
  })

  it('a start that meets a move to MPS: the engine is started once, with MPS', async () => {
    await bench.clear()
    bench = await openWorkbench({ surroundings: { ...noMps, mpsEnvironment: () => ({ pipeDirectory: '/tmp/overlap-test-pipe', daemonPid: 1 }), releaseMpsClients: async () => {} } })
    const id = await bench.supervisor.add(standIn('one', [], { gpuUuid: GPU }))
    const move = bench.supervisor.putOnMps(id)
    expect(await faultCodeOf(bench.supervisor.start(id))).toEqual(['HELD', null])
    await move
    await inState(id, 'ready')
    expect(bench.supervisor.facts[0]?.run?.mps).toEqual({ pipeDirectory: '/tmp/overlap-test-pipe', daemonPid: 1 })
    expect(bench.host.ledger.kept.filter(({ way }) => way === 'launch')).toHaveLength(1)
  })

  it('a running engine is neither changed nor removed', async () => {
    const id = await started('one')
    await inState(id, 'ready')
    expect(await faultCodeOf(bench.supervisor.remove(id))).toEqual(['WRONG_STATE', null])
    expect(await faultCodeOf(bench.supervisor.change(id, standIn('other')))).toEqual(['WRONG_STATE', null])
    await bench.supervisor.stop(id, { drainSeconds: 5 })
    await inState(id, 'stopped')
    await bench.supervisor.change(id, standIn('other'))
    expect(JSON.parse(await readFile(join(bench.stateDirectory, 'settings.json'), 'utf8'))).toMatchObject({ engines: [{ id, spec: { name: 'other' } }] })
    await bench.supervisor.remove(id)
    expect(bench.supervisor.engines.value).toEqual([])
  })
})
