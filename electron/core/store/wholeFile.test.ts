import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { HandClock } from '../kit/clock.ts'
import { notWritten, readWhole, writeWhole } from './wholeFile.ts'

const Shape = z.object({ version: z.literal(1), name: z.string() })
const clock = new HandClock(Date.UTC(2026, 0, 2, 3, 4, 5))
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-store-'))
  path = join(folder, 'deep', 'x.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('whole files', () => {
  it('come back as they were written, for their owner only', async () => {
    await writeWhole(path, { version: 1, name: 'a' })
    await writeWhole(path, { version: 1, name: 'b °' })
    expect(await readWhole(path, Shape, clock)).toEqual({ value: { version: 1, name: 'b °' }, fault: null })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(folder, 'deep'))).toEqual(['x.json'])
  })

  it('are nothing, and no fault, when there is none', async () => {
    expect(await readWhole(path, Shape, clock)).toEqual({ value: null, fault: null })
  })

  it.each([
    ['half a file', '{"version":1,"na'],
    ['an empty file', ''],
    ['a wrong field', '{"version":1,"name":5}'],
    ['a later version', '{"version":2,"name":"a"}'],
  ])('keeps aside %s', async (_, text) => {
    const broken = join(folder, 'x.json')
    writeFileSync(broken, text)
    const { value, fault } = await readWhole(broken, Shape, clock)
    const aside = `${broken}.broken-2026-01-02T03-04-05.000Z`
    expect(value).toBe(null)
    expect(fault).toMatchObject({ code: 'CONFIG_BROKEN', sentence: expect.stringContaining(broken), hint: expect.stringContaining(aside) })
    expect(readFileSync(aside, 'utf8')).toBe(text)
    expect(existsSync(broken)).toBe(false)
  })

  it('leaves the old content and no litter when writing fails', async () => {
    await writeWhole(path, { version: 1, name: 'a' })
    await expect(writeWhole(path, { version: 1, name: 1n })).rejects.toThrow()
    expect((await readWhole(path, Shape, clock)).value).toEqual({ version: 1, name: 'a' })
    expect(readdirSync(join(folder, 'deep'))).toEqual(['x.json'])
  })

  it('kept aside in the same moment do not take each other\'s place', async () => {
    const broken = join(folder, 'x.json')
    for (const text of ['{1', '{2', '{3']) {
      writeFileSync(broken, text)
      await readWhole(broken, Shape, clock)
    }
    expect(readdirSync(folder).sort().map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(['{1', '{2', '{3'])
  })

  it('say NOT_WRITTEN where they cannot be written, and leave no litter', async () => {
    writeFileSync(join(folder, 'deep'), 'a file where the folder should be')
    await expect(writeWhole(path, { version: 1, name: 'a' })).rejects.toMatchObject({ fault: { code: 'NOT_WRITTEN', sentence: expect.stringContaining(path) } })
    const target = join(folder, 'taken')
    mkdirSync(join(target, 'full'), { recursive: true })
    await expect(writeWhole(target, { version: 1, name: 'a' })).rejects.toMatchObject({ fault: { code: 'NOT_WRITTEN' } })
    expect(readdirSync(folder).sort()).toEqual(['deep', 'taken'])
  })

  it.each(['SQLITE_CONSTRAINT_UNIQUE', 'ERR_INVALID_ARG_TYPE', 'ENOENT'])('a mistake of ours (%s) is not called a full disk', (code) => {
    const mistake = Object.assign(new Error('x'), { code })
    expect(notWritten('/x', mistake)).toBe(mistake)
  })

  it('that are broken and cannot be moved aside stay, and the reader throws', async () => {
    // a name so long that no suffix fits: fails for root too
    const long = join(folder, 'y'.repeat(250))
    writeFileSync(long, '{')
    await expect(readWhole(long, Shape, clock)).rejects.toMatchObject({ fault: { code: 'NO_PERMISSION', sentence: expect.stringContaining('cannot be moved aside') } })
    expect(readFileSync(long, 'utf8')).toBe('{')
  })

  it('stay where they are, and the reader throws, when they cannot be read', async () => {
    mkdirSync(path, { recursive: true })
    await expect(readWhole(path, Shape, clock)).rejects.toMatchObject({ fault: { code: 'NO_PERMISSION', sentence: expect.stringContaining(path) } })
    expect(readdirSync(join(folder, 'deep'))).toEqual(['x.json'])
  })
})
