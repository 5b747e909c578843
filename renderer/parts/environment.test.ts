import { expect, it } from 'vitest'
import { aroundInherited, wholeEnvironment } from './environment.ts'

const inherited = { PATH: '/usr/bin:/bin', HOME: '/root', ONE: '/x' }

it.each([
  ['PATH', '/venv/bin:/usr/bin:/bin', { before: '/venv/bin:', after: '' }],
  ['PATH', '/usr/bin:/bin:/late', { before: '', after: ':/late' }],
  ['PATH', '/a:/usr/bin:/bin:/z', { before: '/a:', after: ':/z' }],
  ['PATH', '/usr/bin:/bin', null], // the same: nothing is added
  ['PATH', '/usr/bin:/binary', null],
  ['PATH', '/my/usr/bin:/bin', null],
  ['ONE', '/a:/x', null], // no list
  ['NEW', '/a:/b', null],
])('%s=%s is shown around what was inherited', (name, value, around) => {
  expect(aroundInherited(name, value, inherited)).toEqual(around)
  if (around !== null) expect(`${around.before}${inherited.PATH}${around.after}`).toBe(value)
})

it('gives the whole environment by name, with what the command sets over it', () => {
  expect(wholeEnvironment({ HOME: '/home', A: '1' }, inherited)).toEqual([
    { name: 'A', value: '1', set: true }, { name: 'HOME', value: '/home', set: true }, { name: 'ONE', value: '/x', set: false }, { name: 'PATH', value: '/usr/bin:/bin', set: false },
  ])
})
