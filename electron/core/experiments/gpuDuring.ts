// Readings of one GPU over a measuring window. Pure. What no frame had is null, never zero.
import type { GpuDuring } from '../../../shared/experiment.ts'
import type { GpuFrame, GpuRow } from '../../../shared/gpu.ts'

/** Readings speak of the second before them: the first second of a window still tells of the time before it. */
const LAG_MS = 1000

/** Frames within [fromMs, toMs], without the first second where the window is long enough to spare it. A row that was not renewed counts once. */
export function gpuDuring(frames: readonly GpuFrame[], gpuUuid: string, fromMs: number, toMs: number): GpuDuring {
  const startMs = toMs - fromMs >= 3 * LAG_MS ? fromMs + LAG_MS : fromMs
  const rows = frames.filter(({ atMs }) => atMs >= startMs && atMs <= toMs).flatMap((frame) => frame.rows.filter(({ uuid }) => uuid === gpuUuid))
  const byQuery = renewed(rows, 'query')
  const byGpm = renewed(rows, 'gpm')
  return {
    smActivityPercent: mean(byGpm, 'smActivityPercent'),
    dramBandwidthPercent: mean(byGpm, 'dramBandwidthPercent'),
    kernelBusyPercent: mean(byQuery, 'kernelBusyPercent'),
    memoryControllerBusyPercent: mean(byQuery, 'memoryControllerBusyPercent'),
    powerWatts: mean(byQuery, 'powerWatts'),
    temperatureCelsius: mean(byQuery, 'temperatureCelsius'),
    smClockMHz: mean(byQuery, 'smClockMHz'),
    memoryClockMHz: mean(byQuery, 'memoryClockMHz'),
    frames: byQuery.length,
  }
}

export const NO_READINGS: GpuDuring = gpuDuring([], '', 0, 0)

function renewed(rows: readonly GpuRow[], stream: 'query' | 'gpm'): GpuRow[] {
  return rows.filter((row, at) => row.readAtMs[stream] === null || !rows.slice(0, at).some((earlier) => earlier.readAtMs[stream] === row.readAtMs[stream]))
}

function mean(rows: readonly GpuRow[], metric: keyof GpuRow['metrics']): number | null {
  const values = rows.flatMap((row) => row.metrics[metric] ?? [])
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Mean over blocks, weighed alike; null where no block had a reading. */
export function meanReadings(readings: readonly GpuDuring[]): GpuDuring | null {
  if (readings.length === 0) return null
  const over = (key: keyof GpuDuring): number | null => {
    const values = readings.flatMap((reading) => reading[key] ?? [])
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
  }
  return {
    smActivityPercent: over('smActivityPercent'), dramBandwidthPercent: over('dramBandwidthPercent'), kernelBusyPercent: over('kernelBusyPercent'),
    memoryControllerBusyPercent: over('memoryControllerBusyPercent'), powerWatts: over('powerWatts'), temperatureCelsius: over('temperatureCelsius'),
    smClockMHz: over('smClockMHz'), memoryClockMHz: over('memoryClockMHz'), frames: readings.reduce((sum, { frames }) => sum + frames, 0),
  }
}
