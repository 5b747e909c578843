import { expect, it } from 'vitest'
import type { PmonRow } from './parsePmon.ts'
import { ProcessReadings } from './processReadings.ts'

const row = (gpuIndex: number, pid: number | null): PmonRow => ({ gpuIndex, pid, type: 'C', usedMemoryMiB: 1, name: 'x' })
const pids = (readings: ProcessReadings, nowMs: number) => readings.latest(nowMs)?.map(({ pid }) => pid) ?? null

it('shows whole samples only', () => {
  const readings = new ProcessReadings()
  expect(pids(readings, 0)).toBeNull()
  readings.take(row(0, 1), 1000)
  readings.take(row(0, 2), 1001)
  expect(pids(readings, 1010)).toBeNull()
  expect(pids(readings, 1200)).toEqual([1, 2])
  readings.take(row(0, 1), 2000)
  expect(pids(readings, 2010)).toEqual([1, 2])
  expect(pids(readings, 2200)).toEqual([1])
})

it.each([
  ['a process of the last sample comes again', [row(0, 1), row(0, 2)], [row(0, 1), row(0, 3)]],
  ['the GPUs begin anew', [row(0, 1), row(1, 2)], [row(0, 9), row(1, 2)]],
  ['a GPU stays empty', [row(0, null)], [row(0, null)]],
])('without a pause a new sample begins where %s', (_, first, second) => {
  const readings = new ProcessReadings()
  for (const each of [...first, ...second]) readings.take(each, 1000)
  expect(readings.latest(1001)).toEqual(first)
  expect(readings.latest(2000)).toEqual(second)
})

it('a process that ended is gone with the next sample', () => {
  const readings = new ProcessReadings()
  readings.take(row(0, 1), 1000)
  readings.take(row(0, null), 2000)
  expect(pids(readings, 2500)).toEqual([null])
})

it('a sample with an unreadable line is not shown as whole, and the last good one does not stay for ever', () => {
  const readings = new ProcessReadings()
  readings.take(row(0, 1), 1000)
  readings.take(row(0, 2), 1001)
  for (const atMs of [2000, 3000, 4000, 5000]) {
    readings.take(row(0, 1), atMs)
    readings.spoil(atMs + 1)
    expect(pids(readings, atMs + 200)).toEqual(atMs < 4000 ? [1, 2] : null)
  }
  readings.take(row(0, 1), 6000)
  expect(pids(readings, 6200)).toEqual([1])
})
