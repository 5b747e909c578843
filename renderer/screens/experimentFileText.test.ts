import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { syntheticReport } from '../../electron/core/experiments/report.testkit.ts'
import { experimentFileOf } from './experimentFileText.ts'

const { file } = syntheticReport().plan

it.each([['YAML', stringify(file)], ['JSON', JSON.stringify(file)]])('reads %s', async (_what, text) => expect(await experimentFileOf(text, 'mine')).toEqual(file))
it('names the path of what is wrong', async () => {
  await expect(experimentFileOf(stringify({ ...file, blocks: { ...file.blocks, rounds: 0 } }), 'mine.yaml')).rejects.toMatchObject({ fault: { code: 'BAD_INPUT', field: 'blocks.rounds' } })
})
it('says that it is no YAML', async () => { await expect(experimentFileOf('a: [1', 'mine.yaml')).rejects.toMatchObject({ fault: { code: 'BAD_INPUT', sentence: 'mine.yaml is neither YAML nor JSON.' } }) })
