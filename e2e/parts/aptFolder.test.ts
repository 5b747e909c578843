// Fetches a very small package for real (0.2 MB), from two processes at once and over the remains of a killed one.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseList, parseStanzas } from './aptSource.ts'
import { available } from './parts.ts'

const execute = promisify(execFile)
const reason = (await available())['nvidia-535']

const FETCH = `
import { aptFolder } from '${import.meta.dirname}/aptFolder.ts'
const need = { name: 'tiny', suite: 'bookworm', components: ['non-free'], packages: ['nvidia-cuda-mps'] }
console.log(JSON.stringify(await aptFolder(need)))`

describe.skipIf(reason)('aptFolder', () => {
  test('two processes get the same whole folder, fetched once, whatever an interrupted run left', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'parts-'))
    onTestFinished(() => rm(cache, { recursive: true, force: true }))
    const fetching = async (): Promise<{ stdout: string; stderr: string }> => {
      return execute(process.execPath, ['--input-type=module-typescript', '--eval', FETCH], { env: { ...process.env, OVERLAP_PARTS: cache } })
    }
    const first = await fetching()
    const { root } = JSON.parse(first.stdout) as { root: string }
    const folder = join(root, '..')
    await rm(folder, { recursive: true })
    await mkdir(join(`${folder}.draft`, 'root/usr/half'), { recursive: true })
    await writeFile(join(`${folder}.draft`, 'contents.json'), '{')

    const both = await Promise.all([fetching(), fetching()])
    expect(both[0].stdout).toBe(both[1].stdout)
    expect(both.filter(({ stderr }) => stderr.includes('fetching tiny'))).toHaveLength(1)
    expect(await readdir(join(root, 'usr'))).not.toContain('half')
    expect(await readdir(join(root, 'usr/sbin'))).toContain('nvidia-cuda-mps-server')
    expect((await readdir(cache)).filter((name) => name.endsWith('.draft'))).toEqual([])
  }, 300_000)
})

test('mirrors are read from one-line and deb822 sources', () => {
  expect(parseList('# deb http://no/debian sid main\ndeb [signed-by=/k arch=amd64] https://m/debian/ bookworm main non-free\ndeb-src http://s x y')).toEqual([
    { uris: ['https://m/debian/'], suites: ['bookworm'] },
  ])
  const stanzas = `# a note
Types: deb deb-src
URIs: http://a/debian
# another
Suites: trixie
  trixie-updates
Components: main

Types: deb
Enabled: no
URIs: http://off/debian
Suites: sid
`
  expect(parseStanzas(stanzas)).toEqual([{ uris: ['http://a/debian'], suites: ['trixie', 'trixie-updates'] }])
})
