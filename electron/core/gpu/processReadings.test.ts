import { expect, it } from 'vitest'
import type { PmonRow } from './parsePmon.ts'
import { ProcessReadings } from './processReadings.ts'

const row = (gpuIndex: number, pid: number | null): PmonRow => ({ gpuIndex, pid, type: 'C', usedMemoryMiB: 1, name: 'x' })
const pids = (readings: ProcessReadings, nowMs: number) => readings.latest(nowMs)?.map(({ pid }) => pid) ?? null

it('shows whole samples only', () => {
  const readings = new ProcessReadings([0])
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
  const readings = new ProcessReadings([0])
  for (const each of [...first, ...second]) readings.take(each, 1000)
  expect(readings.latest(1001)).toEqual(first)
  expect(readings.latest(2000)).toEqual(second)
})

it('a slow driver that pauses between its GPUs makes no half samples', () => {
  const readings = new ProcessReadings([0, 1, 2])
  for (const second of [1, 2, 3]) {
    for (const gpu of [0, 1, 2]) {
      readings.take(row(gpu, 10 * gpu + second), 1000 * second + 250 * gpu)
      expect(pids(readings, 1000 * second + 250 * gpu + 200)).toEqual(gpu < 2 ? (second === 1 ? null : [0, 1, 2].map((each) => 10 * each + second - 1)) : [second, 10 + second, 20 + second])
    }
  }
})

it('a bad line spoils one sample of several GPUs, wherever the pauses are', () => {
  const readings = new ProcessReadings([0, 1, 2])
  for (const gpu of [0, 1, 2]) readings.take(row(gpu, gpu), 1000)
  readings.take(row(0, 5), 2000)
  readings.spoil(2250)
  readings.take(row(2, 7), 2500)
  expect(pids(readings, 2900)).toEqual([0, 1, 2])
  for (const gpu of [0, 1, 2]) readings.take(row(gpu, 10 + gpu), 3000 + 250 * gpu)
  expect(pids(readings, 3700)).toEqual([10, 11, 12])
})

it('a process that ended is gone with the next sample', () => {
  const readings = new ProcessReadings([0])
  readings.take(row(0, 1), 1000)
  readings.take(row(0, null), 2000)
  expect(pids(readings, 2500)).toEqual([null])
})

it('a sample with an unreadable line is not shown as whole, and the last good one does not stay for ever', () => {
  const readings = new ProcessReadings([0])
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
