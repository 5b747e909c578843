import { describe, expect, it } from 'vitest'
import { csvOf, fileNameOf } from './chartTable.ts'

describe('csvOf', () => {
  it('quotes commas, quotes and line ends', () => expect(csvOf({ heads: ['a', 'b'], rows: [['1,5', 'say "x"'], ['two\nlines', '']] })).toBe('a,b\r\n"1,5","say ""x"""\r\n"two\nlines",\r\n'))
  it.each([['=1+1', "'=1+1"], ['@sum', "'@sum"], ['-cmd', "'-cmd"], ['+23.1 %', '+23.1 %'], ['-4', '-4']])('%s becomes %s', (given, kept) => expect(csvOf({ heads: [], rows: [[given]] })).toBe(`\r\n${kept}\r\n`))
})

it.each([['Gain, arm by arm', 'gain-arm-by-arm.png'], ['../..', 'chart.png'], ['É 1/2', 'e-1-2.png']])('fileNameOf %s', (title, name) => expect(fileNameOf(title, 'png')).toBe(name))
