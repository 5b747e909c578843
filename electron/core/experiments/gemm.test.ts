import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import { Arm } from '../../../shared/experiment.ts'
import { LocalHost } from '../host/localHost.ts'
import { silentLog } from '../kit/log.ts'
import { gemmCheck, pythonOf } from './gemm.ts'
import type { Residents } from './residents.ts'

const folder = mkdtempSync(join(tmpdir(), 'overlap-gemm-'))
const host = new LocalHost({ log: silentLog })
afterAll(async () => {
  await host.close()
  rmSync(folder, { recursive: true })
})

const custom = (argv: string[]) => ({ recipe: 'custom', argv }) as unknown as EngineSpec
const never = new AbortController().signal

/** An interpreter that answers as one with torch would, after what it was given. */
function python(script: string): string {
  const path = join(mkdtempSync(join(folder, 'bin-')), 'python3')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const residents = (interpreter: string): Residents => ({
  arm: Arm.parse({ id: 'half', name: 'Half', kind: 'mps', engines: 2, sharePercent: [50] }),
  engines: [{ id: 't1', spec: custom([interpreter, 'engine.py']), preview: { argv: [], env: { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '50', OTHER: 'x' }, cwd: null, stdin: null, why: '' } } as unknown as Residents['engines'][number]],
})
const answer = (error: number) => `echo warming up\necho '{"relativeError": ${error}, "multiprocessors": 66}'`

describe('the matrix product under an SM share', () => {
  it.each([['right', 0.0029, 'passed'], ['wrong', 0.92, 'failed']])('that is %s', async (_, error, result) => {
    const check = await gemmCheck(residents(python(answer(error))), { host, simulated: false }, never)
    expect(check).toMatchObject({ name: 'gemm/half', result, weight: 'invalidates' })
    expect(check.evidence[0]).toContain('66 SMs')
  })

  it('is computed with the share and nothing else of the engine', async () => {
    const seen = python('[ "$CUDA_MPS_ACTIVE_THREAD_PERCENTAGE" = 50 ] && [ -z "$OTHER" ] && ' + answer(0.001).split('\n')[1])
    expect((await gemmCheck(residents(seen), { host, simulated: false }, never)).result).toBe('passed')
  })

  it.each([['no torch', 'echo "ModuleNotFoundError: No module named torch" >&2; exit 1', 'No module named torch'], ['no answer', 'true', 'exit code 0']])('is not checked with %s', async (_, script, words) => {
    expect(await gemmCheck(residents(python(script)), { host, simulated: false }, never)).toMatchObject({ result: 'notChecked', weight: 'warns', sentence: expect.stringContaining(words) })
  })

  it('is not checked without an interpreter, nor on a simulated workstation', async () => {
    expect(await gemmCheck(residents(join(folder, 'absent', 'python3')), { host, simulated: false }, never)).toMatchObject({ result: 'notChecked', sentence: expect.stringContaining('not installed') })
    expect(await gemmCheck(residents('python3'), { host, simulated: true }, never)).toMatchObject({ result: 'notChecked' })
  })
})

it.each<[object, string]>([
  [{ recipe: 'vllm', executable: '/opt/venv/bin/vllm' }, '/opt/venv/bin/python3'], [{ recipe: 'vllm', executable: 'vllm' }, 'python3'],
  [{ recipe: 'custom', argv: ['/usr/bin/python3.11', 'x.py'] }, '/usr/bin/python3.11'], [{ recipe: 'custom', argv: ['server'] }, 'python3'], [{ recipe: 'llamaServer' }, 'python3'],
])('the interpreter of %j is %s', (spec, expected) => expect(pythonOf({ spec: spec as EngineSpec })).toBe(expected))
