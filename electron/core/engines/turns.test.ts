// An engine that Overlap did not start loads on the GPU: nobody begins to load there, and nobody is stopped or restarted beside it.
import { afterEach, expect, it } from 'vitest'
import { GPU, noMps, openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'

let bench: Workbench
afterEach(() => bench.clear())

it('waits for an engine of somebody else to load, as for one of its own', async () => {
  let elsewhere: string | null = null
  bench = await openWorkbench({ surroundings: { ...noMps, loadingElsewhere: (gpuUuid) => (gpuUuid === GPU ? elsewhere : null) } })
  const state = (id: string) => bench.engine(id).state
  const [calm, next, other] = await Promise.all(['calm', 'next', 'other'].map((name) => bench.supervisor.add(standIn(name, [], { gpuUuid: name === 'other' ? null : GPU }))))
  if (calm === undefined || next === undefined || other === undefined) throw new Error('not added')
  await bench.supervisor.start(calm)
  await bench.until('calm', () => state(calm) === 'ready')
  elsewhere = 'theirs'
  await bench.supervisor.start(next)
  await bench.supervisor.start(other)
  await bench.until('one that needs no GPU', () => state(other) === 'ready')
  expect(state(next)).toBe('waiting')
  await expect(bench.supervisor.restart(calm)).rejects.toMatchObject({ fault: { code: 'HELD', sentence: 'theirs is loading on the same GPU, and measures its free memory.' } })
  elsewhere = null
  bench.supervisor.observe(new Map())
  await bench.until('its turn', () => state(next) === 'ready')
})
