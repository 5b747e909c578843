// An engine that runs out of memory under a limit is told the limit first; what it used is remembered, and warned of.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DaemonLimits } from '../../../shared/mps.ts'
import { NOT_SEEN } from './engineParts.ts'
import { explainExit } from './exit.ts'
import { GPU, noMps, openWorkbench, standIn, type Workbench } from './fixtures/workbench.ts'
import { underLimit } from './memoryNeed.ts'

const exit = { code: 1, signal: null, spawnError: null }
const died = (line: string) => explainExit('alpha', exit, [line])
const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 5.50 GiB.'

describe('underLimit', () => {
  it.each([
    ['its own limit', { mebibytes: 4096, by: 'engine' as const }, { mebibytes: 8604, measured: false }, false,
      'alpha ran out of memory. It was limited to 4.0 GiB by its own memory limit; it needs about 8.4 GiB for model and KV cache.', /^Raise “GPU memory” among the limits in its settings, or /],
    ['the default', { mebibytes: 4096, by: 'default' as const }, { mebibytes: 8089, measured: true }, false,
      'alpha ran out of memory. It was limited to 4.0 GiB by the default memory limit of MPS servers on its GPU; it has used 7.9 GiB before.', /^Raise the default memory limit on the MPS screen and restart MPS/],
    ['a limit whose need is not known', { mebibytes: 4096, by: 'server' as const }, null, true,
      'alpha ran out of memory. It was limited to 4.0 GiB by the memory limit of the running MPS server; model and KV cache may need more.', /^Raise the memory limit of the server/],
    ['a limit that should be enough', { mebibytes: 9000, by: 'engine' as const }, { mebibytes: 8604, measured: false }, true,
      'alpha ran out of memory. It was limited to 8.8 GiB by its own memory limit, and needs about 8.4 GiB for model and KV cache.', /^Look whether the GPU was full/],
  ])('names %s first', (_, limit, need, curable, sentence, hint) => {
    const explained = underLimit('alpha', died(OOM), limit, need)
    expect(explained).toMatchObject({ curable, fault: { code: 'ENGINE_OUT_OF_MEMORY', sentence, detail: OOM } })
    expect(explained.fault.hint).toMatch(hint)
  })

  it.each([['std::bad_alloc'], ['RuntimeError: the engine broke']])('leaves what a limit of GPU memory did not do: %s', (line) => {
    expect(underLimit('alpha', died(line), { mebibytes: 4096, by: 'engine' }, null)).toEqual(died(line))
  })
  it('leaves an end without a limit', () => expect(underLimit('alpha', died(OOM), null, null)).toEqual(died(OOM)))
})

describe('an engine under MPS', () => {
  let bench: Workbench
  afterEach(() => bench.clear())
  const limits: DaemonLimits = { wanted: { sharePercent: null, pinnedMemoryMiB: null }, default: { sharePercent: 100, pinnedMemory: 'none' }, servers: [] }
  const surroundings = { ...noMps, mpsEnvironment: () => ({ pipeDirectory: '/pipe', daemonPid: 1 }), mpsLimits: () => limits }
  const inState = (id: string, state: string) => bench.until(state, () => bench.engine(id).state === state)

  it('dies of a limit below its need once, and is not started again to die the same', async () => {
    bench = await openWorkbench({ surroundings: { ...surroundings, memoryNeededMiB: () => 8604 } })
    const id = await bench.supervisor.add(standIn('alpha', ['--oom'], { gpuUuid: GPU, onMps: true, pinnedMemoryLimitMiB: 4096, restartBudget: 3 }))
    expect(bench.engine(id).memoryNeed).toEqual({ mebibytes: 8604, measured: false })
    await bench.supervisor.start(id)
    await inState(id, 'failed')
    expect(bench.engine(id).fault?.sentence).toContain('It was limited to 4.0 GiB by its own memory limit; it needs about 8.4 GiB')
    expect(bench.engine(id).restarts.used).toBe(0)
  })

  it('knows what it used in an earlier run, of an earlier Overlap too, until it is given another size', async () => {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'overlap-memory-'))
    bench = await openWorkbench({ surroundings, stateDirectory })
    const spec = standIn('alpha', [], { gpuUuid: GPU, onMps: true })
    const id = await bench.supervisor.add(spec)
    const ranWith = async (used: number[]) => {
      await bench.supervisor.start(id)
      await inState(id, 'ready')
      const pid = bench.engine(id).pid ?? 0
      for (const gpuMemoryMiB of used) bench.supervisor.observe(new Map([[id, { pids: [pid], gpuMemoryMiB, attachment: NOT_SEEN }]]))
      await bench.supervisor.stop(id, { drainSeconds: 5 })
      await inState(id, 'stopped')
    }
    await ranWith([7000, 8089, 7500])
    await bench.supervisor.close()
    bench = await openWorkbench({ surroundings, stateDirectory })
    expect(bench.engine(id).memoryNeed).toEqual({ mebibytes: 8089, measured: true })
    const { argv, ...others } = spec // a spec whose keys come in another order is of the same size
    await bench.supervisor.change(id, { argv, ...others, name: 'other', pinnedMemoryLimitMiB: 4096 })
    expect(bench.engine(id).memoryNeed).toEqual({ mebibytes: 8089, measured: true })
    await bench.supervisor.change(id, { ...spec, kvTokens: 9 })
    expect(bench.engine(id).memoryNeed).toBeNull()
    // as much as the size before: written down all the same
    await ranWith([8089])
    await bench.supervisor.close()
    bench = await openWorkbench({ surroundings, stateDirectory })
    expect(bench.engine(id).memoryNeed).toEqual({ mebibytes: 8089, measured: true })
  })
})
