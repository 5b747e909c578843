// Log probabilities as engines write them, and when two engines differ too much.
import { expect, it } from 'vitest'
import { differenceOf, logprobsIn, type Answer } from './guard.ts'

const one = (pairs: [string, number][]): Answer => pairs.map((pair) => new Map([pair]))

it.each<[string, unknown, [string, number][][]]>([
  ['vLLM: of the prompt, several tokens per position, the first unknown', { choices: [{ text: 'x', prompt_logprobs: [null, { 40: { logprob: -1.5, rank: 2 }, 7: { logprob: -0.5, rank: 1 } }] }] }, [[['7', -0.5], ['40', -1.5]]]],
  ['completions of OpenAI', { choices: [{ logprobs: { tokens: ['a', 'b'], token_logprobs: [-0.1, null] } }] }, [[['a', -0.1]], []]],
  ['llama-server', { choices: [{ logprobs: { content: [{ token: 'a', logprob: -0.25, top_logprobs: [] }] } }] }, [[['a', -0.25]]]],
  ['none', { choices: [{ text: 'a', logprobs: null }] }, []],
  ['an error', { error: { message: 'no' } }, []],
  ['no object', null, []],
])('%s', (_, response, expected) => {
  expect(logprobsIn(response).map((position) => [...position])).toEqual(expected)
})

it('compares position by position, up to where continuations part', () => {
  const unlimited = [one([['a', -1], ['b', -2], ['c', -3], ['d', -4]])]
  expect(differenceOf([one([['a', -1.1], ['b', -2.3], ['x', -9], ['d', -9]])], unlimited)).toEqual({ compared: 2, meanNats: expect.closeTo(0.2, 9) as number, maxNats: expect.closeTo(0.3, 9) as number })
  expect(differenceOf([one([['x', -1]])], unlimited)).toBeNull()
  expect(differenceOf([], unlimited)).toBeNull()
})
