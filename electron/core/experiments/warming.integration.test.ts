// Engines that compile when they first get load, on the simulated workstation: nothing of that is measured.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBench, TINY, type Bench } from './workstation.testkit.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench({ scene: 'cold-kernels' })
})
afterAll(() => bench.clear())

it('an arm is given load until tokens come, and only then is it looked at', async () => {
  const { experiments, engines, reports, mps } = bench.workstation
  await bench.until('the scene is open', () => engines.engines.value[0]?.state === 'ready' && mps.daemons.value[0]?.state === 'stopped')
  const file = { ...TINY, arms: TINY.arms.filter(({ id }) => id !== 'sliced') }
  const { id } = await experiments.start({ preset: null, file, gpuUuid: null, engineId: engines.engines.value[0]?.id ?? null, resumes: null })
  await bench.until('its end', () => experiments.now.value?.phase === 'done', 200_000)
  const { checks, blocks } = reports.get(id)
  for (const arm of ['single', 'mps']) {
    const warm = checks.find(({ name }) => name === `warm/${arm}`)
    expect(warm, arm).toMatchObject({ result: 'passed', sentence: expect.stringMatching(/after \d+ s of load in which it did not/) as string })
    expect(warm?.evidence[0]).toBe('0 tokens/s in 1 s')
  }
  expect(blocks.filter(({ total }) => (total?.outputTokens ?? 0) === 0)).toEqual([])
  expect(checks.find(({ name }) => name === 'idleResidentsCostNothing')?.evidence[0]).not.toContain(' 0 tokens')
}, 300_000)
