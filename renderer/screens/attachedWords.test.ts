import { expect, it } from 'vitest'
import type { Attachment } from '../../shared/engine.ts'
import { attachedWords } from './attachedWords.ts'

/** In capitals: a copy of an experiment, meant to be as it is. */
const engines = (letters: string) =>
  [...letters].map((letter) => {
    const state = ({ a: 'attached', n: 'notAttached', u: 'unknown' } as const)[letter.toLowerCase()]
    return { attachment: { state } as Attachment, temporary: letter !== letter.toLowerCase(), spec: { onMps: state === 'attached' } }
  })

it.each([
  ['', '', 'no engine runs'],
  ['an', '', '1 of 2 engines attached'],
  ['', 'n', '1 found, not on MPS'],
  ['a', 'nn', '1 of 1 engines attached · 2 found, not on MPS'],
  ['N', '', '1 copy kept off MPS'],
  ['NANAN', '', '2 of 2 engines attached · 3 copies kept off MPS'],
  ['nA', '', '1 of 2 engines attached'],
  ['', 'aa', '2 found, on MPS'],
  ['', 'anu', '3 found, 1 on MPS'],
  ['', 'nu', '2 found'],
])('own engines %j, found engines %j: %s', (own, found, words) => expect(attachedWords(engines(own), engines(found))).toBe(words))
