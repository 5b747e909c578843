import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
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

it('on a full disk it is lost, and nobody falls over it', () => {
  const log = openLog('/dev/full', 'info')
  const before = process.memoryUsage().rss
  for (let at = 0; at < 100_000; at += 1) log.warn('x'.repeat(1000))
  expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
})
