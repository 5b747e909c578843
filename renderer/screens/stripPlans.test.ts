import { describe, expect, it } from 'vitest'
import type { GpuIdentity } from '../../shared/gpu.ts'
import { gpmAbsent, othersLast, stripPlans } from './stripPlans.ts'

const subject = { gpuUuid: 'GPU-a', engines: [{ id: 'e1', colour: 0, name: 'one', gpuUuid: 'GPU-a', runs: true, serves: true }], gpmAbsent: false, totalMiB: 81920, limitWatts: 450, scheme: 'dark' as const }
const identity = (gpm: boolean | null) => ({ gpm }) as GpuIdentity

describe('stripPlans', () => {
  it('draws SM activity over kernel busy where GPM is there', () => {
    const plans = stripPlans(subject)
    expect(plans.map((plan) => plan.label)).toEqual(['SM activity over kernel busy', 'DRAM bandwidth', 'Tokens per second', 'Memory of 80.0 GiB'])
    expect(plans[0]?.names).toEqual(['gpu/GPU-a/kernelBusyPercent', 'gpu/GPU-a/smActivityPercent'])
  })
  it('shows other quantities under their own names where GPM is not', () => {
    const [first, second] = stripPlans({ ...subject, gpmAbsent: true })
    expect([first?.label, second?.label]).toEqual(['Power of 450 W limit', 'Memory controller busy'])
    expect(first?.top).toBe(450)
  })
  it('leaves the memory of an engine that is bound to no GPU out of every GPU', () => {
    const unbound = { id: 'e2', colour: 1, name: 'two', gpuUuid: null, runs: true, serves: true }
    const [, , tokens, memory] = stripPlans({ ...subject, engines: [...subject.engines, unbound] })
    expect(tokens?.names).toEqual(['engine/e1/generatedTokensPerSecond', 'engine/e2/generatedTokensPerSecond'])
    expect(memory?.names).toEqual(['engine/e1/gpuMemoryMiB', 'gpu/GPU-a/memoryUsedMiB'])
    expect(memory?.lines.map((line) => line.label)).toEqual(['one', 'other'])
  })
  it('needs every engine that serves for the total of tokens, not one that loads; and only what the GPU tells for memory in use', () => {
    const idle = { id: 'e2', colour: 1, name: 'two', gpuUuid: 'GPU-a', runs: false, serves: false }
    const [, , tokens, memory] = stripPlans({ ...subject, engines: [...subject.engines, idle] })
    expect(tokens?.lines.map((line) => line.optional)).toEqual([false, true])
    expect(memory?.lines.map((line) => line.optional ?? false)).toEqual([true, true, false])
    // the legend leaves out only what rests
    for (const plan of [tokens, memory]) expect(plan?.lines.slice(0, 2).map((line) => line.resting)).toEqual([false, true])
  })
  it('labels slow tokens so that no two labels read the same', () => {
    const { axisFormat } = stripPlans(subject)[2]!
    expect([0, 0.25, 0.5, 1, 1.5, 2000].map(axisFormat)).toEqual(['0', '0.25', '0.5', '1', '1.5', '2,000'])
  })
  it('tells a ninth engine from the first, whose colour it has', () => {
    const [, , tokens, memory] = stripPlans({ ...subject, engines: [0, 8].map((colour) => ({ ...subject.engines[0]!, id: `e${colour}`, colour })) })
    expect(tokens!.lines[0]!.colour).toBe(tokens!.lines[1]!.colour)
    for (const plan of [tokens!, memory!]) expect(plan.lines.slice(0, 2).map((line) => line.dashed)).toEqual([false, true])
  })
  it('names one series per line', () => {
    for (const plan of stripPlans(subject)) expect(plan.names.length).toBe(plan.lines.length)
  })
})

describe('gpmAbsent', () => {
  it('is silent until it is known', () => expect(gpmAbsent(identity(null), null)).toBeNull())
  it('is silent where GPM works', () => expect(gpmAbsent(identity(true), null)).toBeNull())
  it('says why', () => expect(gpmAbsent(identity(false), null)).toMatch(/Hopper/))
})

describe('othersLast', () => {
  it('turns used memory into what no engine holds', () => {
    const shaped = othersLast({ atMs: [1], bucketMs: null, series: [{ min: null, max: [30] }, { min: [40], max: [60] }] })
    expect(shaped.series.map((one) => one.max)).toEqual([[30], [20]])
  })
})
