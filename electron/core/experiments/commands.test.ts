// What experiments.integration.test.ts does not meet: a file whose commands are too much to be shown.
import { expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import { commandsOf } from './commands.ts'
import type { Lab } from './lab.ts'
import { armOf, syntheticReport } from './report.testkit.ts'

it('refuses a file of long arguments, many models and many engines, before anything is built', async () => {
  const values = Array.from({ length: 20 }, (_, at) => `m${at}`)
  const { plan } = syntheticReport({ axes: [{ vary: 'model', values }], arms: ['a', 'b', 'c'].map((id) => armOf(id, 'mps', 16, { extraArguments: Array.from({ length: 50 }, () => 'x'.repeat(32_768)) })), rounds: 1 })
  await expect(commandsOf(plan, { engine: { name: 'alpha' } as EngineSpec }, {} as Lab)).rejects.toMatchObject({ fault: { code: 'TOO_LARGE' } })
})
