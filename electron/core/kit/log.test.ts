import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openLog } from './log.ts'

it('writes one line of JSON per event, with the stack of an error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'overlap-log-'))
  const path = join(folder, 'deep', 'overlap.log')
  openLog(path, 'info').error('it broke', { error: new Error('why'), pid: 7 })
  const line = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  expect(line).toMatchObject({ msg: 'it broke', pid: 7, error: expect.stringContaining('Error: why\n    at ') })
  rmSync(folder, { recursive: true })
})

it('keeps two files of 5 MiB, also from one run to the next', () => {
  const folder = mkdtempSync(join(tmpdir(), 'overlap-log-'))
  const path = join(folder, 'overlap.log')
  for (let run = 0; run < 3; run += 1) {
    const log = openLog(path, 'info')
    for (let at = 0; at < 8; at += 1) log.info('x'.repeat(512 * 1024), { run, at })
  }
  expect(readdirSync(folder).sort()).toEqual(['overlap.1.log', 'overlap.log'])
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { run: number; at: number }).map(({ run, at }) => [run, at])
  expect(read('overlap.1.log')).toEqual([[1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [1, 7], [2, 0], [2, 1]])
  expect(read('overlap.log')).toEqual([[2, 2], [2, 3], [2, 4], [2, 5], [2, 6], [2, 7]])
  rmSync(folder, { recursive: true })
})

it('on a full disk it is lost, and nobody falls over it', () => {
  const log = openLog('/dev/full', 'info')
  const before = process.memoryUsage().rss
  for (let at = 0; at < 100_000; at += 1) log.warn('x'.repeat(1000))
  expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
})
