// Cold arms, two cells, a limited SM share that computes wrongly, a cancel between the cells and the rest afterwards: on the simulated workstation.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ExperimentChoice, ExperimentFile } from '../../../shared/experiment.ts'
import { openBench, TINY, type Bench } from './workstation.testkit.ts'

let bench: Bench
const [single, , mps] = TINY.arms as [ExperimentFile['arms'][number], unknown, ExperimentFile['arms'][number]]
const file: ExperimentFile = {
  ...TINY, residency: 'cold', load: { ...TINY.load, arrivals: { kind: 'poisson', perSecond: 10 } }, axes: [{ vary: 'outputTokens', values: [16, 32] }],
  arms: [{ ...mps, id: 'half', name: 'Half', sharePercent: [50] }, single],
}

beforeAll(async () => {
  bench = await openBench({ scene: 'wrong-gemm' })
})
afterAll(() => bench.clear())
const settled = () => bench.until('the scene is open', () => {
  const { engines, gpu, mps: daemons } = bench.workstation
  return engines.engines.value[0]?.state === 'ready' && gpu.frames.value?.processes?.length === 1 && daemons.daemons.value[0]?.state === 'stopped'
})

it('measures in halves, keeps the cells that were done, goes on with the others, and lets no wrong answers count', async () => {
  const { experiments, reports, engines } = bench.workstation
  await settled()
  const choice: ExperimentChoice = { preset: null, file, gpuUuid: null, engineId: engines.engines.value[0]?.id ?? null, resumes: null }
  const { id } = await experiments.start(choice)
  await bench.until('the second cell', () => experiments.now.value?.cell === 1, 120_000)
  await experiments.cancel(id)
  const partial = reports.get(id)
  expect(partial).toMatchObject({ outcome: 'partial', cellsDone: [0] })
  const turns = partial.blocks.filter(({ cell, validity }) => cell === 0 && validity !== 'failed').map(({ round, armId }) => `${round} ${armId}`)
  // a spoilt one is there twice, one after the other
  expect(turns.filter((turn, at) => turn !== turns[at - 1])).toEqual(['0 single', '0 half', '1 half', '1 single'])
  expect(partial.checks.find(({ name }) => name === 'answers/half')).toMatchObject({ result: 'failed', weight: 'invalidates' })
  const halves = partial.blocks.filter(({ armId }) => armId === 'half')
  expect(halves.every(({ validity, reasons }) => validity === 'invalid' && reasons.some((reason) => reason.includes('other answers')))).toBe(true)

  await settled()
  await experiments.start({ ...choice, file: null, engineId: null, resumes: id })
  await bench.until('its end', () => experiments.now.value?.phase === 'done', 120_000)
  const whole = reports.get(id)
  expect(whole.cellsDone).toEqual([0, 1])
  expect(whole.blocks.filter(({ cell }) => cell === 0)).toEqual(partial.blocks.filter(({ cell }) => cell === 0))
  expect(new Set(whole.blocks.filter(({ cell }) => cell === 1).map(({ round, armId }) => `${round} ${armId}`)).size).toBe(4)
  expect(new Set(whole.blocks.map(({ index }) => index)).size).toBe(whole.blocks.length)
  expect(whole.checks.find(({ name }) => name.startsWith('resumed/'))).toMatchObject({ result: 'passed', sentence: expect.stringContaining('when 1 of 2 cells were done') as string })
}, 300_000)
