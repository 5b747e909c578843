// Log probabilities as engines write them, and when two engines differ too much.
import { createServer, type Server } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { answersOf, differenceOf, guard, logprobsIn, type Answer } from './guard.ts'
import type { Resident, Residents } from './residents.ts'

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

/** Three tokens, as OpenAI's completions tell them. */
const said = (logprobs: (number | null)[], word = 'word') => ({ choices: [{ logprobs: { tokens: logprobs.map((__, at) => `${word}${at}`), token_logprobs: logprobs } }] })
const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

/** An engine that answers every prompt so. */
async function resident(name: string, answer: unknown, status = 200): Promise<Resident> {
  const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify(answer)))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { spec: { name, recipe: 'llamaServer' }, target: { engineName: name, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, model: null, apiKey: null } } as Resident
}

it.each<[string, unknown, number, string]>([
  ['the same answers', said([-0.5, -0.25, -0.75]), 200, 'passed'],
  ['answers within the tolerance', said([-0.52, -0.25, -0.77]), 200, 'passed'],
  ['one token far off', said([-0.5, -0.25, -1.5]), 200, 'failed'],
  ['other words from the first one on', said([-0.5, -0.25, -0.75], 'other'), 200, 'failed'],
  ['numbers that are none', said([null, null, null]), 200, 'failed'],
  ['no answer at all', { error: 'NaN' }, 500, 'failed'],
])('a limited engine with %s: %s', async (_, answer, status, result) => {
  const signal = new AbortController().signal
  const unlimited = await answersOf(await resident('whole', said([-0.5, -0.25, -0.75])), signal)
  const check = await guard({ arm: { id: 'half', name: 'Half' }, engines: [await resident('half-1', answer, status)] } as Residents, unlimited, signal)
  expect(check).toMatchObject({ name: 'answers/half', weight: 'invalidates', result })
  expect(check.evidence.at(-1)).toContain('tolerance: mean |Δ| ≤ 0.05 nats')
})

it('without an engine to compare with, nothing is claimed', async () => {
  expect(await guard({ arm: { id: 'half', name: 'Half' }, engines: [] } as unknown as Residents, null, new AbortController().signal)).toMatchObject({ weight: 'warns', result: 'notChecked' })
})
