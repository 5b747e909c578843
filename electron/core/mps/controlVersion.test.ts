import { expect, it } from 'vitest'
import { FaultError } from '../../../shared/fault.ts'
import type { Host, Output } from '../host/host.ts'
import { HandClock } from '../kit/clock.ts'
import { ControlVersion } from './controlVersion.ts'

const output = (stdout: string): Output => ({ exitCode: 0, signal: null, stdout, stderr: '', truncated: false, durationMs: 1 })

it('is asked again after it did not answer, and no more once it did', async () => {
  const clock = new HandClock()
  const answers = [() => Promise.reject(new FaultError('COMMAND_TIMED_OUT', 'Late.', 'Wait.')), () => Promise.resolve(output('Binary version: 13000\n'))]
  let asked = 0
  const host = { run: () => answers[asked++]?.() } as unknown as Host
  const version = new ControlVersion({ host, clock, tools: { nvidiaSmi: [], mpsControl: ['x'], env: {} } })
  const read = () => version.read('/p', new AbortController().signal)
  await read()
  await read()
  expect([asked, version.value, version.fault?.code]).toEqual([1, null, 'COMMAND_TIMED_OUT'])
  clock.setWall(-86_400_000)
  await clock.advance(30_000)
  await read()
  expect([asked, version.value, version.fault]).toEqual([2, '13000', null])
  await clock.advance(60_000)
  await read()
  expect(asked).toBe(2)
})
