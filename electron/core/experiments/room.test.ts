// Memory right before a start: by a new reading, refused by name, and never guessed.
import { expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import type { GpuFrame, GpuIdentity } from '../../../shared/gpu.ts'
import { HandClock } from '../kit/clock.ts'
import { Topic } from '../kit/topic.ts'
import { memoryCheck, roomFor } from './room.ts'

const arm = { id: 'mps', name: 'Two under MPS' }
const spec = { recipe: 'vllm', name: 'x-mps-1', gpuUuid: 'GPU-1', model: 'Qwen/Qwen2.5-0.5B-Instruct', kvCacheMemoryMiB: 4096, gpuMemoryUtilization: null } as EngineSpec
const NEEDED = 943 + 4096 + 2048
const signal = new AbortController().signal
const frame = (usedMiB: number | null, readAtMs: number): GpuFrame => ({ atMs: readAtMs, rows: [{ uuid: 'GPU-1', metrics: { memoryUsedMiB: usedMiB }, readAtMs: { query: readAtMs, gpm: null } }] } as GpuFrame)

async function ask(now: GpuFrame | null, next: GpuFrame | null, engine: EngineSpec = spec) {
  const clock = new HandClock()
  const frames = new Topic<GpuFrame | null>(now)
  const lab = { clock, frames, identities: new Topic([{ uuid: 'GPU-1', memoryTotalMiB: 80_000 } as GpuIdentity]) }
  const room = roomFor(engine, arm, { lab, signal }).catch((error: Error) => error.message)
  await clock.advance(500)
  if (next) frames.set(next)
  await clock.advance(5_000)
  return await room
}

it('waits for a reading from after the question', async () => {
  const old = frame(79_000, -1)
  expect(await ask(old, frame(10_000, 1e15))).toEqual({ name: 'x-mps-1', neededMiB: NEEDED, freeMiB: 70_000 })
})

it('refuses what does not fit, with both numbers', async () => {
  expect(await ask(frame(0, -1), frame(75_000, 1e15))).toBe(`Two under MPS: x-mps-1 needs ${NEEDED} MiB of GPU memory, and 5000 MiB are free.`)
})

it('claims nothing without a reading, or about an engine whose need is not known', async () => {
  expect(await ask(null, null)).toEqual({ name: 'x-mps-1', neededMiB: NEEDED, freeMiB: null })
  expect(await ask(null, null, { ...spec, recipe: 'llamaServer', modelPath: '/m/a.gguf' } as EngineSpec)).toMatchObject({ neededMiB: null, freeMiB: null })
  expect(memoryCheck(arm, [{ name: 'a', neededMiB: 1, freeMiB: 2 }])).toMatchObject({ name: 'memory/mps', result: 'passed', evidence: ['a: needs 1 MiB, 2 MiB free'] })
  expect(memoryCheck(arm, [{ name: 'a', neededMiB: 1, freeMiB: null }])).toMatchObject({ result: 'notChecked' })
})
