import { expect, it } from 'vitest'
import { faultOf, FaultError } from './fault.ts'

it.each([
  [new FaultError('NOT_FOUND', 'No.', 'Look.'), 'NOT_FOUND'],
  [Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), 'NOT_WRITTEN'],
  [Object.assign(new Error('EROFS'), { code: 'EROFS' }), 'NOT_WRITTEN'],
  [Object.assign(new Error('ENOENT'), { code: 'ENOENT' }), 'BUG'],
  ['a word', 'BUG'],
])('%s', (thrown, code) => expect(faultOf(thrown)).toMatchObject({ code }))
