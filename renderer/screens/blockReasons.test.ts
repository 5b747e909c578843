import { expect, it } from 'vitest'
import { demoReport } from '../gallery/experiments.ts'
import { blockReasons, reasonText } from './blockReasons.ts'

it('tells a reason once, however its numbers differ, the most frequent first', () => {
  const blocks = demoReport().blocks.slice(0, 5).map((block, at) => ({ ...block, purpose: at === 4 ? 'control' as const : 'compared' as const, validity: 'invalid' as const, reasons: at === 0 ? ['Wrong attachment.'] : [`The generator was late: ${at}1.5 ms.`] }))
  expect(blockReasons(blocks).map(reasonText)).toEqual(['3 blocks do not count. The generator was late: 11.5 ms.', '1 block does not count. Wrong attachment.'])
  expect(blockReasons(demoReport().blocks.map((block) => ({ ...block, validity: 'valid' as const, reasons: ['x'] })))).toEqual([])
})
