// Reading experiments: the ones that come with Overlap, and what is said of those that are wrong.
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { faultOf } from '../../../shared/fault.ts'
import { parseExperiment, readPresets } from './presets.ts'

const GOOD = `version: 1
title: A test
question: Is it read?
arms:
  - { id: single, name: One engine, kind: single, engines: 1 }
  - { id: mps, name: Two, kind: mps, engines: 2 }
load:
  api: completions
  prompt: { shape: fixed, tokens: 128 }
  output: { shape: fixed, tokens: 64 }
  arrivals: { kind: closed, concurrency: 8 }
  regime: equalTotal
  ignoreEos: true
  streamIntervalTokens: null
  goodput: null
  seed: 1
blocks: { rounds: 6, seconds: 7, warmUpSeconds: 1, coolDownSeconds: 0 }
`
const faultFrom = (text: string) => {
  try {
    parseExperiment(text)
  } catch (thrown) {
    return faultOf(thrown)
  }
  throw new Error('it was read')
}

test('what is left out has its default, and JSON is read as well', () => {
  const file = parseExperiment(GOOD)
  expect(file).toMatchObject({ engine: null, axes: [], residency: 'auto', waitsFor: null, readOffAtLatencySeconds: null })
  expect(file.arms[1]).toMatchObject({ sharePercent: null, asyncScheduling: null, extraArguments: [] })
  expect(parseExperiment(JSON.stringify(file))).toEqual(file)
  expect(parseExperiment(stringify(file))).toEqual(file)
})

test.each([
  ['a value out of range', GOOD.replace('rounds: 6', 'rounds: 0'), 'blocks.rounds', 17],
  ['a missing field', GOOD.replace('  seed: 1\n', ''), 'load.seed', 8],
  ['a wrong word', GOOD.replace('kind: mps', 'kind: migg'), 'arms.1.kind', 6],
  ['a wrong choice', GOOD.replace('kind: closed', 'kind: open'), 'load.arrivals.kind', 11],
  ['a field nobody knows', GOOD.replace('ignoreEos: true', 'ignoreEos: true\n  ignoreEOS: true'), 'load.ignoreEOS', 14],
  ['a field nobody knows, deep', GOOD.replace('engines: 2', 'engines: 2, share: 50'), 'arms.1.share', 6],
  ['two arms of one id', GOOD.replace('id: mps', 'id: single'), 'arms.1.id', 6],
  ['an axis twice', `${GOOD}axes:\n  - { vary: concurrency, values: [1] }\n  - { vary: concurrency, values: [2] }\n`, 'axes.1.vary', 20],
  ['a claim about an arm that is not there', `${GOOD}claims:\n  - { says: so, armId: mbs, is: { how: above, gain: 0 } }\n`, 'claims.0', 19],
  ['two kinds of arrivals', `${GOOD}axes:\n  - { vary: concurrency, values: [1] }\n  - { vary: perSecond, values: [2] }\n`, 'axes', 19],
])('%s is refused with its path and line', (_name, text, field, line) => {
  const fault = faultFrom(text)
  expect(fault).toMatchObject({ code: 'BAD_INPUT', field })
  expect(fault.sentence).toContain(`line ${line}, ${field}: `)
})

test.each([
  ['broken YAML', 'version: 1\ntitle: [a\n', /^line 3: not YAML/],
  ['a key twice', GOOD.replace('version: 1', 'version: 1\nversion: 1'), /^line 2: not YAML/],
  ['nothing', '', /holds no experiment/],
  ['a word', 'hello', /holds no experiment/],
  ['another version', GOOD.replace('version: 1', 'version: 2'), /^line 1, version: /],
  ['a book', `# ${'x'.repeat(1_000_001)}\n${GOOD}`, /too long/],
])('%s is refused', (_name, text, sentence) => {
  expect(faultFrom(text)).toMatchObject({ code: 'BAD_INPUT', sentence: expect.stringMatching(sentence) as string })
})

test('a folder is read by name; a wrong file is named, a missing folder is NOT_FOUND', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'overlap-presets-'))
  await writeFile(join(folder, 'b.yaml'), GOOD)
  await writeFile(join(folder, 'a.yaml'), GOOD.replace('A test', 'First'))
  await writeFile(join(folder, 'notes.txt'), 'no experiment')
  expect((await readPresets(folder)).map(({ name, file }) => [name, file.title])).toEqual([['a', 'First'], ['b', 'A test']])
  await writeFile(join(folder, 'c.yaml'), GOOD.replace('version: 1', 'version: 7'))
  expect(faultOf(await readPresets(folder).catch((thrown: unknown) => thrown))).toMatchObject({ code: 'BAD_INPUT', sentence: expect.stringContaining('c.yaml, line 1, version') as string })
  expect(faultOf(await readPresets(join(folder, 'none')).catch((thrown: unknown) => thrown))).toMatchObject({ code: 'NOT_FOUND' })
})

test('the experiments for a real GPU are read too', async () => {
  const folder = join(import.meta.dirname, '../../../e2e/gpu')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
  expect(names).toHaveLength(4)
  for (const name of names) expect(parseExperiment(await readFile(join(folder, name), 'utf8')).arms, name).toHaveLength(3)
})
