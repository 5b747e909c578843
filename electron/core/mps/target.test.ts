import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mustBeOurs } from './target.ts'

it.each<[string, (path: string) => void, boolean]>([
  ['that is not there yet', () => {}, true],
  ['of this user alone', (path) => mkdirSync(path, { mode: 0o700 }), true],
  ['that everybody may write to', (path) => { mkdirSync(path); chmodSync(path, 0o777) }, false],
  ['that a group may write to', (path) => { mkdirSync(path); chmodSync(path, 0o770) }, false],
  ['that is a link', (path) => symlinkSync(tmpdir(), path), false],
  ['that is a file', (path) => writeFileSync(path, '', { mode: 0o600 }), false],
])('a folder for pipes %s', (_, make, good) => {
  const path = join(tmpdir(), `overlap-${randomBytes(6).toString('hex')}`)
  try {
    make(path)
    const look = expect(() => mustBeOurs(join(path, '5e1f0c7a', 'pipe')))
    if (good) look.not.toThrow()
    else look.toThrow(expect.objectContaining({ fault: expect.objectContaining({ code: 'NO_PERMISSION' }) }))
  } finally {
    rmSync(path, { force: true, recursive: true })
  }
})
