import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseCudaVersion } from './parseCudaVersion.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

it.each([['captures/q-x.535.xml', '12.4'], ['captures/q-x.550.xml', '12.4'], ['captures/q-x.580.xml', '12.4']])('%s', (file, version) => expect(parseCudaVersion(readFileSync(join(fixtures, file), 'utf8'))).toBe(version))
it.each(['', '<cuda_version>N/A</cuda_version>', 'Failed to initialize NVML: Driver/library version mismatch'])('nothing out of %o', (answer) => expect(parseCudaVersion(answer)).toBeNull())
