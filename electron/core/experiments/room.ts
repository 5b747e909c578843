// Whether an engine's memory is free right before it is started: worked out from its spec, read from the GPU. Starts nothing.
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Arm, Check } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { GpuFrame } from '../../../shared/gpu.ts'
import { weightsMiBOf } from '../advisor/predict/shapes.ts'
import { memoryNeededMiB, modelOf } from '../engines/capacity.ts'
import type { Lab } from './lab.ts'
import { until } from './until.ts'

/** For the next reading of the GPU. */
const READING_MS = 3_000

export interface Room {
  name: string
  neededMiB: number | null
  freeMiB: number | null
}

/** By a reading from after whatever was loaded or taken down before it. Throws EXPERIMENT_FAILED where it does not fit. */
export async function roomFor(spec: EngineSpec, arm: Pick<Arm, 'name'>, { lab, signal }: { lab: Pick<Lab, 'clock' | 'frames' | 'identities'>; signal: AbortSignal }): Promise<Room> {
  const { clock, frames, identities } = lab
  const total = identities.value.find(({ uuid }) => uuid === spec.gpuUuid)?.memoryTotalMiB ?? null
  const needed = memoryNeededMiB(spec, weightsMiBOf(modelOf(spec)), total)
  if (needed === null || total === null) return { name: spec.name, neededMiB: needed, freeMiB: null }
  const sinceMs = clock.now()
  const rowOf = (frame: GpuFrame | null) => frame?.rows.find(({ uuid, readAtMs }) => uuid === spec.gpuUuid && (readAtMs.query ?? 0) > sinceMs) ?? null
  const row = await until(frames, rowOf, { clock, ms: READING_MS, signal })
  const used = row?.metrics.memoryUsedMiB ?? null
  const free = used === null ? null : Math.round(total - used)
  if (free !== null && needed > free) {
    throw new FaultError('EXPERIMENT_FAILED', `${arm.name}: ${spec.name} needs ${Math.round(needed)} MiB of GPU memory, and ${free} MiB are free.`, 'Give each engine a smaller KV cache, compare fewer, or end what else uses the GPU.')
  }
  return { name: spec.name, neededMiB: needed, freeMiB: free }
}

export function memoryCheck(arm: Pick<Arm, 'id' | 'name'>, room: readonly Room[]): Check {
  const known = room.every(({ neededMiB, freeMiB }) => neededMiB !== null && freeMiB !== null)
  return {
    name: `memory/${arm.id}`, weight: 'warns', result: known ? 'passed' : 'notChecked',
    sentence: known ? `Every engine of ${arm.name} found the memory it needs free before it was started.` : `Whether there was memory enough for the engines of ${arm.name} could not be told before they were started.`,
    evidence: room.map(({ name, neededMiB, freeMiB }) => `${name}: needs ${neededMiB === null ? '—' : Math.round(neededMiB)} MiB, ${freeMiB ?? '—'} MiB free`),
  }
}
