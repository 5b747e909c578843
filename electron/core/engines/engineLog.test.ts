// A log file that grows, is rotated, is cut and is flooded, read by tail and follow.
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kit/clock.ts'
import { LogReader } from './engineLog.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'overlap-log-'))
  path = join(folder, 'engine.log')
})
afterEach(() => rm(folder, { recursive: true }))

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`)
const asText = (lines: string[]) => lines.map((line) => `${line}\n`).join('')
const until = async (isSo: () => boolean) => {
  for (let looks = 0; !isSo() && looks < 400; looks += 1) await systemClock.sleep(50)
}

describe('tail', () => {
  it.each([
    ['no file', null, 5, []],
    ['an empty file', '', 5, []],
    ['fewer lines than asked for', 'a\nb\n', 5, ['a', 'b']],
    ['more', 'a\nb\nc\n', 2, ['b', 'c']],
    ['an unfinished last line', 'a\nb', 5, ['a']],
    ['carriage returns', 'a\r\nb\r\n', 5, ['a', 'b']],
    ['none asked for', 'a\n', 0, []],
  ])('%s', async (_, text, count, expected) => {
    if (text !== null) await writeFile(path, text)
    expect(await new LogReader(path, systemClock).tail(count)).toEqual(expected)
  })
  it('reads back over many chunks, and never the first half of a line', async () => {
    await writeFile(path, asText(numbered(0, 60_000)))
    expect(await new LogReader(path, systemClock).tail(20_000)).toEqual(numbered(40_000, 60_000))
  })
})

describe('follow', () => {
  it('goes on right after the tail, over halves of lines and characters, rotation and cutting', async () => {
    await writeFile(path, 'old\nha')
    const reader = new LogReader(path, systemClock)
    expect(await reader.tail(10)).toEqual(['old'])
    const seen: string[] = []
    const stop = reader.follow((lines) => seen.push(...lines))
    const euro = Buffer.from('€')
    await appendFile(path, Buffer.concat([Buffer.from('lf\n'), euro.subarray(0, 1)]))
    await until(() => seen.length > 0)
    await appendFile(path, Buffer.concat([euro.subarray(1), Buffer.from('\n')]))
    await until(() => seen.length > 1)
    await rename(path, `${path}.1`)
    await writeFile(path, 'rotated\n')
    await until(() => seen.length > 2)
    await truncate(path, 0)
    await appendFile(path, 'cut\n')
    await until(() => seen.length > 3)
    stop()
    expect(seen).toEqual(['half', '€', 'rotated', 'cut'])
  })
  it('says how much of a flood it skipped', async () => {
    await writeFile(path, '')
    const reader = new LogReader(path, systemClock)
    await reader.tail(0)
    await writeFile(path, asText(numbered(0, 200_000)))
    const seen: string[] = []
    const stop = reader.follow((lines) => seen.push(...lines))
    await until(() => seen.length > 0)
    stop()
    expect(seen[0]).toMatch(/^\[overlap\] \d+ bytes of a flood are not shown/)
    expect(seen.at(-1)).toBe('line 199999')
  })
})
