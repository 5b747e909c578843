import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Load } from '../../../shared/load.ts'
import { LOAD, Rig } from './rig.testkit.ts'
import type { Script } from './scriptedEngine.testkit.ts'
import type { Generator, Progress, RunParts } from './target.ts'

let rig = new Rig()
afterEach(async () => {
  await rig.disposer.close()
  rig = new Rig()
})

const QUICK: Script = { ttftMs: [20], gapsMs: [5] }
const pids = () => rig.host.ledger.kept.filter(({ why, outcome }) => why.startsWith('send load') && outcome === 'running').map(({ pid }) => pid ?? 0)

async function targets(scripts: Script[]) {
  return Promise.all(scripts.map(async (script, at) => rig.target(await rig.engine(), script, `engine-${at + 1}`)))
}
const block = (parts: Partial<RunParts> & Pick<RunParts, 'targets'>): RunParts => ({
  load: LOAD, warmUpSeconds: 0.3, seconds: 1, ignoreEosFields: {}, salt: 'a', onProgress: () => {}, signal: new AbortController().signal, ...parts,
})
const works = async (generator: Generator, parts: RunParts) => expect((await generator.run(parts)).total.requests.finished).toBeGreaterThan(5)

describe('openGenerator', () => {
  it('loads two engines at once and adds up what they did', async () => {
    const generator = await rig.generator({ processes: 2 })
    const progress: Progress[] = []
    const load: Load = { ...LOAD, arrivals: { kind: 'closed', concurrency: 5 } }
    const { total, engines } = await generator.run(block({ targets: await targets([QUICK, { ...QUICK, ttftMs: [120] }]), load, onProgress: (one) => progress.push(one) }))
    expect(engines.map(({ engineName }) => engineName)).toEqual(['engine-1', 'engine-2'])
    const [one, two] = engines.map(({ result }) => result)
    expect(total.requests.cutOff).toBe(5)
    expect([one?.requests.cutOff, two?.requests.cutOff]).toEqual([3, 2])
    expect(total.outputTokensPerSecond).toBeCloseTo(one!.outputTokensPerSecond + two!.outputTokensPerSecond)
    expect(total.ttftMs?.count).toBe(one!.ttftMs!.count + two!.ttftMs!.count)
    // Of all requests together: the slow engine's few are its tail, and not half of an average.
    expect(total.ttftMs!.p50).toBeLessThan(two!.ttftMs!.p50)
    expect(total.ttftMs!.max).toBeCloseTo(Math.max(one!.ttftMs!.max, two!.ttftMs!.max), 0)
    expect(new Set(progress.map(({ engineName }) => engineName))).toEqual(new Set(['engine-1', 'engine-2']))
    expect(pids()).toHaveLength(2)
  })

  it('keeps its processes from block to block, and may use fewer', async () => {
    const generator = await rig.generator({ processes: 2 })
    const before = pids()
    const [one, two] = await targets([QUICK, QUICK])
    await works(generator, block({ targets: [one!, two!] }))
    await works(generator, block({ targets: [two!] }))
    expect(pids()).toEqual(before)
    await generator.close()
    await vi.waitFor(() => expect(pids()).toEqual([]), { timeout: 20_000 })
  })

  it('stops at once when aborted, and is ready for the next block', async () => {
    const generator = await rig.generator({ processes: 2 })
    const abort = new AbortController()
    const [one, two] = await targets([QUICK, QUICK])
    const began = performance.now()
    const running = generator.run(block({ targets: [one!, two!], seconds: 60, signal: abort.signal, onProgress: () => abort.abort() }))
    await expect(running).rejects.toMatchObject({ fault: { code: 'EXPERIMENT_FAILED', sentence: expect.stringContaining('stopped') } })
    expect(performance.now() - began).toBeLessThan(30_000) // of 60 s
    await works(generator, block({ targets: [one!, two!] }))
    await expect(generator.run(block({ targets: [one!], signal: abort.signal }))).rejects.toMatchObject({ fault: { code: 'EXPERIMENT_FAILED' } })
  })

  it('says that a process died, ends the others, and starts it again for the next block', async () => {
    const generator = await rig.generator({ processes: 2 })
    const [one, two] = await targets([QUICK, QUICK])
    const [victim, other] = pids()
    const running = generator.run(block({ targets: [one!, two!], seconds: 60, onProgress: () => process.kill(victim!, 'SIGKILL') }))
    await expect(running).rejects.toMatchObject({ fault: { code: 'EXPERIMENT_FAILED', sentence: expect.stringContaining('ended by itself') } })
    await works(generator, block({ targets: [one!, two!] }))
    expect(pids()).toHaveLength(2)
    expect(pids()).toContain(other)
    expect(pids()).not.toContain(victim)
  })

  it('one that hangs is ended when its time is up', async () => {
    const generator = await rig.generator()
    const [one] = await targets([QUICK])
    const [pid] = pids()
    const abort = new AbortController()
    const running = generator.run(block({
      targets: [one!], seconds: 60, signal: abort.signal,
      onProgress: () => {
        process.kill(pid!, 'SIGSTOP')
        abort.abort()
      },
    }))
    await expect(running).rejects.toMatchObject({ fault: { code: 'EXPERIMENT_FAILED' } })
    expect(pids()).not.toContain(pid)
    await works(generator, block({ targets: [one!] }))
  })

  it('says that a program does not start', async () => {
    await expect(rig.generator({ programPath: '/nowhere/generator.ts' })).rejects.toMatchObject({ fault: { code: 'EXPERIMENT_FAILED', detail: expect.stringContaining('/nowhere/generator.ts') } })
  })
})
