import { describe, expect, it } from 'vitest'
import { Events } from './events.ts'

function read(pieces: Buffer[]) {
  const got = { chunks: 0, characters: 0, fast: 0, done: 0, usage: null as unknown, troubles: [] as string[] }
  const events = new Events(
    (characters) => {
      got.chunks += 1
      got.fast += 1
      got.characters += characters
    },
    (said) => {
      if (said.characters > 0) got.chunks += 1
      got.characters += said.characters
      if (said.done) got.done += 1
      got.usage = said.usage ?? got.usage
      if (said.trouble) got.troubles.push(said.trouble)
    },
  )
  for (const piece of pieces) events.push(piece)
  return got
}

const vllm = (text: string, finish: string | null = null) => `data: ${JSON.stringify({ id: 'cmpl-1', object: 'text_completion', created: 1, choices: [{ index: 0, text, logprobs: null, finish_reason: finish }], usage: null })}\n\n`
const chat = (delta: object, more: object = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9}}\n\n'
const DONE = 'data: [DONE]\n\n'
const TEXTS = [' the', ' "q\\', '\n\t', 'é€', '\\u0041', 'data: ', '}', ' x', '"text":"', '\u0001']
const total = TEXTS.join('').length

/** Cut into pieces of so many bytes; one event per piece for 0. */
const cut = (events: string[], bytes: number) => {
  if (bytes === 0) return events.map((event) => Buffer.from(event))
  const all = Buffer.from(events.join(''))
  return Array.from({ length: Math.ceil(all.length / bytes) }, (_, at) => all.subarray(at * bytes, (at + 1) * bytes))
}

describe('Events', () => {
  it.each([
    ['completions', TEXTS.map((text) => vllm(text))],
    ['chat with a role first', [chat({ role: 'assistant', content: '' }), ...TEXTS.map((content) => chat({ content }))]],
    ['reasoning counts as text', TEXTS.map((text) => chat({ reasoning_content: text }))],
    ['both fields', TEXTS.map((text) => chat({ content: '', reasoning_content: text }))],
    ['spaces after colons', TEXTS.map((text) => vllm(text).replaceAll(/(?<!\\)":/g, '": '))],
    ['comments between', TEXTS.map((text) => `: ping\n\n${vllm(text)}`)],
    ['several lines in an event', TEXTS.map((text) => `event: x\nid: 1\n${vllm(text)}`)],
    ['a time in every event', TEXTS.map((text, at) => chat({ content: text }, { created: 10 ** at }))],
    ['usage in every event', TEXTS.map((text, at) => chat({ content: text }, { usage: { prompt_tokens: 1, completion_tokens: at } }))],
    ['CRLF', TEXTS.map((text) => vllm(text).replace(/\n\n$/, '\r\n\r\n'))],
  ])('%s: the same whatever the pieces', (_, events) => {
    const whole = [...events, vllm('', 'length'), USAGE, DONE]
    for (const bytes of [0, 1, 2, 3, 5, 7, 11, 64, 100, 250, 1000, 100_000]) {
      expect(read(cut(whole, bytes))).toMatchObject({ chunks: TEXTS.length, characters: total, done: 2, usage: { promptTokens: 5, outputTokens: 9 }, troubles: [] })
    }
  })

  it('reads events that differ in their text alone without JSON, and everything else in full', () => {
    const many = Array.from({ length: 100 }, (_, at) => vllm(` ${at}`))
    expect(read(cut(many, 0)).fast).toBe(99)
    expect(read([...cut(many, 0), ...cut([vllm(' end', 'stop'), USAGE, DONE], 0)])).toMatchObject({ fast: 99, chunks: 101, done: 2, usage: { outputTokens: 9 } })
    expect(read([Buffer.from(vllm('a')), Buffer.from(many.join(''))]).fast).toBe(100)
    const timed = Array.from({ length: 100 }, (_, at) => chat({ content: 'x' }, { created: 1000 + Math.floor(at / 10) }))
    expect(read(cut(timed, 0)).fast).toBe(90)
  })

  it.each([
    ['an error of the engine', 'data: {"error":{"message":"no KV blocks"}}\n\n', 'no KV blocks'],
    ['no JSON', 'data: <html>\n\n', 'an event that is no JSON: <html>'],
    ['JSON of something else', 'data: 3\n\n', 'an event that is no completion: 3'],
  ])('%s is a trouble', (_, event, trouble) => {
    expect(read([Buffer.from(vllm('a')), Buffer.from(event)]).troubles).toEqual([trouble])
  })
})
