// Whole experiments on the simulated workstation: engines, MPS daemon and load generator are real processes.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Phase } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { Procfs } from '../host/procfs.ts'
import { openBench, TINY, type Bench } from './workstation.testkit.ts'

const procfs = new Procfs()
let bench: Bench
let choice: Parameters<Bench['workstation']['experiments']['start']>[0]

beforeAll(async () => {
  bench = await openBench()
  await settled()
  choice = { preset: null, file: TINY, gpuUuid: null, engineId: bench.workstation.engines.engines.value[0]?.id ?? null, resumes: null }
})
afterAll(() => bench.clear())

const settled = () => bench.until('the scene is open', () => {
  const { engines, gpu, mps } = bench.workstation
  return engines.engines.value[0]?.state === 'ready' && gpu.frames.value?.processes?.length === 1 && gpu.frames.value.streams[0]?.state === 'live' && mps.daemons.value[0]?.state === 'stopped'
})
/** Processes that no user started: engines of experiments and the afterlife of this state folder, load generators of this core. */
function left(): string[] {
  const lines = [...(procfs.processTable(true)?.values() ?? [])].flatMap(({ pid, ppid }) => [{ ppid, line: procfs.commandLine(pid)?.join(' ') ?? '' }])
  const isOfExperiment = ({ ppid, line }: (typeof lines)[number]) =>
    line.includes(join(bench.state, 'engines', 't')) || (line.includes(bench.state) && line.includes('afterlife.ts')) || (ppid === process.pid && line.includes('load/generator.ts'))
  return lines.filter(isOfExperiment).map(({ line }) => line)
}
function expectNothingLeft(): void {
  const { engines, mps, hold } = bench.workstation
  expect(left()).toEqual([])
  expect(engines.engines.value.map(({ spec }) => spec.name)).toEqual(['alpha'])
  expect(mps.daemons.value.map(({ state }) => state)).toEqual(['stopped'])
  expect(readdirSync(join(bench.state, 'engines')).filter((name) => name.startsWith('t'))).toEqual([])
  expect(existsSync(join(bench.state, 'experiment.journal'))).toBe(false)
  expect(hold.value).toBeNull()
}

it('plans, proves, measures, reports and takes everything down', async () => {
  const { experiments, engines, hold, reports } = bench.workstation
  const rehearsed = await experiments.rehearse(choice)
  expect(rehearsed).toMatchObject({ residency: 'hot', setsAside: ['alpha'], startsMps: true })
  expect(rehearsed.checks.filter(({ weight, result }) => weight === 'refuses' && result !== 'passed')).toEqual([])
  const phases: Phase[] = []
  experiments.now.subscribe((now) => now && now.phase !== phases.at(-1) && phases.push(now.phase))
  const { id } = await experiments.start(choice)
  expect(hold.value?.experimentId).toBe(id)
  await expect(experiments.start(choice)).rejects.toMatchObject({ fault: { code: 'HELD' } })
  await bench.until('its end', () => experiments.now.value?.phase === 'done', 200_000)
  expect(new Set(phases)).toEqual(new Set(['preflight', 'arranging', 'loading', 'proving', 'warming', 'control', 'probing', 'measuring', 'tidying', 'done']))
  expectNothingLeft()

  const report = reports.get(id)
  expect(experiments.now.value).toMatchObject({ id, reportId: id, cancelled: false })
  const checks = Object.fromEntries(report.checks.map(({ name, result }) => [name, result]))
  expect(checks).toMatchObject({ 'attached/single': 'passed', 'attached/sliced': 'passed', 'attached/mps': 'passed', 'kvParity/mps': 'passed', 'sequencesParity/sliced': 'passed', 'coresParity/mps': 'passed', 'warm/single': 'passed', 'warm/mps': 'passed' })
  expect(report.engines.map(({ armId }) => armId)).toEqual(['single', 'sliced', 'sliced', 'mps', 'mps'])
  expect(report.engines.every(({ argv, pids }) => argv[0]?.endsWith('vllm') && pids.length > 0)).toBe(true)
  const compared = report.blocks.filter(({ purpose }) => purpose === 'compared')
  // on a busy machine one may have been spoilt: it is there twice then, and only the first may be invalid for it
  const turns = Map.groupBy(compared, ({ round, armId }) => `${round} ${armId}`)
  expect([...turns.keys()].sort()).toEqual(['0 mps', '0 single', '0 sliced', '1 mps', '1 single', '1 sliced'])
  for (const blocks of turns.values()) expect(blocks.length === 1 || (blocks.length === 2 && blocks[0]?.validity === 'invalid')).toBe(true)
  expect(compared.every(({ total }) => (total?.outputTokensPerSecond ?? 0) > 0)).toBe(true)
  expect(report).toMatchObject({ simulated: true, cellsDone: [0] })
  await bench.until('alpha runs again', () => engines.engines.value[0]?.state === 'ready')
}, 300_000)

it('loads an arm again whose engine died, and says so in its blocks', async () => {
  const { experiments, engines, reports } = bench.workstation
  await settled()
  const file = { ...TINY, arms: TINY.arms.slice(2), load: { ...TINY.load, arrivals: { kind: 'poisson' as const, perSecond: 5 } }, blocks: { ...TINY.blocks, rounds: 1, seconds: 4 } }
  const { id } = await experiments.start({ ...choice, file })
  await bench.until('measuring', () => experiments.now.value?.phase === 'measuring')
  const victim = engines.engines.value.find(({ temporary }) => temporary)
  process.kill(victim!.pid!, 'SIGKILL')
  await bench.until('its end', () => experiments.now.value?.phase === 'done', 90_000)
  const [lost, again] = reports.get(id).blocks
  expect(lost?.reasons.join(' ')).toContain(`${victim?.spec.name} ended during the block.`)
  expect(again).toMatchObject({ armId: 'mps', round: 0 })
  expect(again?.reasons.join(' ')).not.toContain('ended')
  expectNothingLeft()
}, 150_000)

it('refuses, with every reason, what cannot work, and holds nothing then', async () => {
  const { experiments, hold } = bench.workstation
  await settled()
  const thrown: unknown = await experiments.start({ ...choice, file: { ...TINY, waitsFor: 'An engine that can run one layer.' } }).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(FaultError)
  expect((thrown as FaultError).fault).toMatchObject({ code: 'PREFLIGHT', sentence: 'An engine that can run one layer.' })
  expect(hold.value).toBeNull()
}, 90_000)

it.each<Phase>(['arranging', 'loading', 'proving', 'measuring'])('cancelled while %s, waits for the end of nothing and leaves nothing', async (phase) => {
  const { experiments } = bench.workstation
  await settled()
  // an open loop needs no probe, one arm no control: it is soon measuring
  const file = { ...TINY, arms: TINY.arms.slice(2), load: { ...TINY.load, arrivals: { kind: 'poisson' as const, perSecond: 5 } }, blocks: { ...TINY.blocks, seconds: 600 } }
  // a phase may pass within milliseconds: it is listened for, not looked for
  const reached = new Promise<void>((resolve) => {
    const unsubscribe = experiments.now.subscribe((now) => {
      if (now?.phase !== phase) return
      unsubscribe()
      resolve()
    })
  })
  const { id } = await experiments.start({ ...choice, file })
  await reached
  await experiments.cancel(id)
  expect(experiments.now.value).toMatchObject({ phase: 'done', cancelled: true, fault: null })
  expectNothingLeft()
}, 120_000)
