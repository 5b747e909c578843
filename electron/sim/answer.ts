// One request to the stand-in engine and its answer: what is asked, and OpenAI's JSON or event stream as the batch makes the tokens.
import type { ServerResponse } from 'node:http'
import type { BatchRequest } from './batch.ts'
import { echoLogprobsJson, promptLogprobs, promptLogprobsJson, tokensOf, type PromptToken } from './promptTokens.ts'
import type { ShapeName } from './shapes.ts'

/** A reader this far behind is cut off. */
const MAX_BACKLOG_BYTES = 1 << 20
const DEFAULT_MAX_TOKENS = { text: 16, chat: 256 } as const
/** Where no stream interval was asked for, tokens are collected at least this long per SSE chunk; the first comes at once. */
const CHUNK_EVERY_MS = 80
const WORDS = [' The', ' step', ' is', ' short', ',', ' and', ' the', ' batch', ' is', ' wide', '.', ' Next'] as const
/** Where a defective engine takes another turn. */
const OTHER_WORDS = 5

export class BadRequest extends Error {}

/** The engine, as its answers need to know it. */
export interface Speaker {
  model: ShapeName
  /** What responses call it. */
  servedName: string
  maxModelTokens: number
  /** Tokens per SSE chunk; null: by time. */
  streamInterval: number | null
  /** Its GEMMs are wrong. */
  defective: boolean
}

export interface Ask {
  chat: boolean
  stream: boolean
  includeUsage: boolean
  promptTokens: number
  /** At least 1. */
  maxTokens: number
  /** max_tokens 0 with echo: the prompt is scored, nothing is said. */
  silent: boolean
  finishReason: 'length' | 'stop'
  /** Before the answer; '' unless `echo`. */
  echo: string
  scored: PromptToken[] | null
  form: 'promptLogprobs' | 'echo' | null
}

function promptTokensOf(body: Record<string, unknown>, chat: boolean): number {
  if (chat) {
    if (!Array.isArray(body['messages']) || body['messages'].length === 0) throw new BadRequest('messages must be a list with at least one message')
    return body['messages'].reduce((sum: number, message: { content?: unknown }) => sum + 4 + tokensOf(typeof message?.content === 'string' ? message.content : JSON.stringify(message?.content)).length, 0)
  }
  if (body['prompt'] === undefined) throw new BadRequest('prompt is missing')
  return tokensOf(body['prompt']).length
}

/** Throws BadRequest. */
export function askOf(body: Record<string, unknown>, chat: boolean, speaker: Speaker): Ask {
  const promptTokens = promptTokensOf(body, chat)
  const echoes = body['echo'] === true && !chat
  const asked = body['max_completion_tokens'] ?? body['max_tokens'] ?? DEFAULT_MAX_TOKENS[chat ? 'chat' : 'text']
  if (typeof asked !== 'number' || !Number.isInteger(asked) || asked < (echoes ? 0 : 1)) throw new BadRequest('max_tokens must be at least 1')
  if (promptTokens + asked > speaker.maxModelTokens) {
    throw new BadRequest(`This model's maximum context length is ${speaker.maxModelTokens} tokens. However, you requested ${promptTokens + asked} tokens (${promptTokens} in the messages, ${asked} in the completion). Please reduce the length of the messages or completion.`)
  }
  const stream = body['stream'] === true
  const form = typeof body['prompt_logprobs'] === 'number' ? 'promptLogprobs' : echoes && typeof body['logprobs'] === 'number' ? 'echo' : null
  if (form === 'promptLogprobs' && stream) throw new BadRequest('`prompt_logprobs` are not available when `stream=True`.')
  const stops = body['ignore_eos'] !== true && asked > 16
  const maxTokens = stops ? Math.max(16, Math.ceil(asked * (0.5 + ((promptTokens * 37) % 50) / 100))) : Math.max(1, asked)
  return {
    chat, stream, promptTokens, maxTokens, form, silent: asked === 0, finishReason: maxTokens < asked ? 'stop' : 'length',
    includeUsage: ((body['stream_options'] ?? {}) as { include_usage?: boolean }).include_usage === true,
    echo: echoes && typeof body['prompt'] === 'string' ? body['prompt'] : '',
    scored: form === null ? null : promptLogprobs(body['prompt'] ?? body['messages'], speaker.model, speaker.defective),
  }
}

/** Greedy: the same words for everyone, always. */
function words(from: number, count: number): string {
  let text = ''
  for (let at = from; at < from + count; at += 1) text += WORDS[at % WORDS.length]
  return text
}

export class Answer implements BatchRequest {
  readonly promptTokens: number
  readonly maxTokens: number
  readonly arrivedMs = Date.now()
  readonly #ask: Ask
  readonly #speaker: Speaker
  readonly #response: ServerResponse
  /** What every event begins with. */
  readonly #head: string
  #made = 0
  #sent = 0
  #sentAtMs = 0

  constructor(ask: Ask, id: string, speaker: Speaker, response: ServerResponse) {
    this.promptTokens = ask.promptTokens
    this.maxTokens = ask.maxTokens
    this.#ask = ask
    this.#speaker = speaker
    this.#response = response
    const object = `${ask.chat ? 'chat.completion' : 'text_completion'}${ask.chat && ask.stream ? '.chunk' : ''}`
    this.#head = JSON.stringify({ id, object, created: Math.floor(this.arrivedMs / 1000), model: speaker.servedName }).slice(0, -1)
    if (ask.stream) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }).flushHeaders()
  }

  onTokens(count: number, finished: boolean): void {
    this.#made += count
    const due = this.#ask.stream ? this.#due(finished) : 0
    if (due > 0 || (finished && this.#ask.stream)) {
      const text = this.#text(this.#sent, due)
      const first = this.#sent === 0
      this.#sent += due
      this.#event(`"choices":[${JSON.stringify(this.#choice(first ? this.#ask.echo + text : text, finished ? this.#ask.finishReason : null, first))}]`)
    }
    if (finished) this.#finish()
  }

  /** Tokens that go out now. Whole intervals; time is cut in ticks, so more than one of them may go at once, in one chunk. */
  #due(finished: boolean): number {
    const ready = this.#made - this.#sent
    if (finished || this.#sent === 0) return ready
    const interval = this.#speaker.streamInterval
    if (interval !== null) return ready - (ready % interval)
    const now = Date.now()
    if (now - this.#sentAtMs < CHUNK_EVERY_MS) return 0
    this.#sentAtMs = now
    return ready
  }

  #text(from: number, count: number): string {
    return this.#ask.silent ? '' : words(from + (this.#speaker.defective ? OTHER_WORDS : 0), count)
  }

  #finish(): void {
    const made = this.#ask.silent ? 0 : this.#made
    const usage = `"usage":${JSON.stringify({ prompt_tokens: this.promptTokens, completion_tokens: made, total_tokens: this.promptTokens + made })}`
    if (this.#ask.stream) {
      if (this.#ask.includeUsage) this.#event(`"choices":[],${usage}`)
      this.#response.end('data: [DONE]\n\n')
      return
    }
    const { chat, echo, form, scored, finishReason } = this.#ask
    const text = echo + this.#text(0, this.#made)
    const choice = chat
      ? { index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }
      : { index: 0, text, logprobs: form === 'echo' && scored ? echoLogprobsJson(scored) : null, finish_reason: finishReason, ...(form === 'promptLogprobs' && scored ? { prompt_logprobs: promptLogprobsJson(scored) } : {}) }
    this.#response.writeHead(200, { 'content-type': 'application/json' }).end(`${this.#head},"choices":[${JSON.stringify(choice)}],${usage}}`)
  }

  #choice(text: string, finishReason: string | null, first: boolean): object {
    if (!this.#ask.chat) return { index: 0, text, logprobs: null, finish_reason: finishReason }
    return { index: 0, delta: first ? { role: 'assistant', content: text } : { content: text }, finish_reason: finishReason }
  }

  #event(rest: string): void {
    this.#response.write(`data: ${this.#head},${rest}}\n\n`)
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) this.#response.destroy()
  }
}
