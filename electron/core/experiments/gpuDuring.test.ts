// Readings over a window: only what lies in it, only what was read anew, and null where nothing was known.
import { expect, it } from 'vitest'
import { METRIC_KEYS, type GpuFrame, type GpuRow } from '../../../shared/gpu.ts'
import { gpuDuring, meanReadings, NO_READINGS } from './gpuDuring.ts'

const frame = (atMs: number, metrics: Partial<GpuRow['metrics']>, readAtMs = { query: atMs as number | null, gpm: atMs as number | null }, uuid = 'GPU-1'): GpuFrame => ({
  atMs, tick: 0, streams: [], processes: [],
  rows: [{ uuid, index: 0, missing: {}, readAtMs, metrics: { ...(Object.fromEntries(METRIC_KEYS.map((key) => [key, null])) as GpuRow['metrics']), ...metrics } }],
})

it('takes the mean of the frames in the window, without its first second', () => {
  const frames = [frame(999, { powerWatts: 1 }), frame(1500, { powerWatts: 100 }), frame(2000, { powerWatts: 300 }), frame(5000, { powerWatts: 500 }), frame(5001, { powerWatts: 9 })]
  expect(gpuDuring(frames, 'GPU-1', 1000, 5000)).toMatchObject({ powerWatts: 400, frames: 2 })
})

it('keeps the first second of a window that is too short to spare it', () => {
  expect(gpuDuring([frame(1200, { smClockMHz: 1980 })], 'GPU-1', 1000, 3000)).toMatchObject({ smClockMHz: 1980, frames: 1 })
})

it('says null, not zero, for what no frame had, and zero for what was zero', () => {
  expect(gpuDuring([frame(2500, { kernelBusyPercent: 0 })], 'GPU-1', 1000, 5000)).toMatchObject({ kernelBusyPercent: 0, smActivityPercent: null, dramBandwidthPercent: null, frames: 1 })
  expect(gpuDuring([frame(2500, { powerWatts: 7 }, undefined, 'GPU-2')], 'GPU-1', 1000, 5000)).toEqual(NO_READINGS)
})

it('counts a row that was not renewed once: a stale value has no second vote', () => {
  const frames = [frame(2500, { powerWatts: 100, smActivityPercent: 10 }), frame(3500, { powerWatts: 100, smActivityPercent: 30 }, { query: 2500, gpm: 3500 }), frame(4500, { powerWatts: 400 }, { query: 4500, gpm: null })]
  expect(gpuDuring(frames, 'GPU-1', 1000, 5000)).toMatchObject({ powerWatts: 250, smActivityPercent: 20, frames: 2 })
})

it('means over blocks leave out blocks without a reading', () => {
  expect(meanReadings([])).toBeNull()
  expect(meanReadings([{ ...NO_READINGS, powerWatts: 100, frames: 3 }, { ...NO_READINGS, frames: 2 }])).toMatchObject({ powerWatts: 100, smActivityPercent: null, frames: 5 })
})
