// The stand-in engine's HTTP side: OpenAI's completions with streaming, health, models and metrics. Makes no tokens itself.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Batch, BatchRequest } from './batch.ts'
import { exposition } from './exposition.ts'

const MAX_BODY_BYTES = 1 << 20
const MAX_WAITING = 4096
/** A reader this far behind is cut off. */
const MAX_BACKLOG_BYTES = 1 << 20
const DEFAULT_MAX_TOKENS = { text: 16, chat: 256 } as const
const WORDS = ['The', ' step', ' is', ' short', ',', ' and', ' the', ' batch', ' is', ' wide', '.', ' Next'] as const

export interface OpenAiOptions {
  port: number
  model: string
  batch: Batch
  /** Tokens collected at least this long per SSE chunk; the first comes at once. */
  chunkEveryMs: number
  /** Work arrived: time may be cut finer. */
  onRequest(): void
  onScrape(): void
}

interface Ask {
  chat: boolean
  stream: boolean
  includeUsage: boolean
  promptTokens: number
  maxTokens: number
  finishReason: 'length' | 'stop'
}

class BadRequest extends Error {}

const textTokens = (text: unknown): number => Math.max(1, Math.ceil(String(text ?? '').length / 4))

function promptTokensOf(body: Record<string, unknown>, chat: boolean): number {
  if (chat) {
    if (!Array.isArray(body['messages']) || body['messages'].length === 0) throw new BadRequest('messages must be a list with at least one message')
    return body['messages'].reduce((sum: number, message: { content?: unknown }) => sum + 4 + textTokens(typeof message?.content === 'string' ? message.content : JSON.stringify(message?.content)), 0)
  }
  const prompt = body['prompt']
  if (prompt === undefined) throw new BadRequest('prompt is missing')
  return Array.isArray(prompt) && typeof prompt[0] === 'number' ? prompt.length : textTokens(Array.isArray(prompt) ? prompt.join('') : prompt)
}

function askOf(body: Record<string, unknown>, chat: boolean): Ask {
  const promptTokens = promptTokensOf(body, chat)
  const asked = body['max_completion_tokens'] ?? body['max_tokens'] ?? DEFAULT_MAX_TOKENS[chat ? 'chat' : 'text']
  if (typeof asked !== 'number' || !Number.isInteger(asked) || asked < 1) throw new BadRequest('max_tokens must be at least 1')
  const options = (body['stream_options'] ?? {}) as { include_usage?: boolean }
  const stops = body['ignore_eos'] !== true && asked > 16
  const maxTokens = stops ? Math.max(16, Math.ceil(asked * (0.5 + ((promptTokens * 37) % 50) / 100))) : asked
  return { chat, stream: body['stream'] === true, includeUsage: options.include_usage === true, promptTokens, maxTokens, finishReason: maxTokens < asked ? 'stop' : 'length' }
}

function words(from: number, count: number): string {
  let text = ''
  for (let at = from; at < from + count; at += 1) text += WORDS[at % WORDS.length]
  return text
}

/** Answers one request as the batch makes its tokens. */
class Answer implements BatchRequest {
  readonly promptTokens: number
  readonly maxTokens: number
  readonly arrivedMs = Date.now()
  readonly #ask: Ask
  readonly #model: string
  readonly #response: ServerResponse
  readonly #chunkEveryMs: number
  readonly #id: string
  #made = 0
  #sent = 0
  #sentAtMs = 0

  constructor(ask: Ask, id: string, model: string, response: ServerResponse, chunkEveryMs: number) {
    this.promptTokens = ask.promptTokens
    this.maxTokens = ask.maxTokens
    this.#ask = ask
    this.#id = id
    this.#model = model
    this.#response = response
    this.#chunkEveryMs = chunkEveryMs
    if (ask.stream) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }).flushHeaders()
  }

  onTokens(count: number, finished: boolean): void {
    this.#made += count
    const now = Date.now()
    if (this.#ask.stream && (finished || this.#sent === 0 || now - this.#sentAtMs >= this.#chunkEveryMs)) {
      this.#sentAtMs = now
      const text = words(this.#sent, this.#made - this.#sent)
      const first = this.#sent === 0
      this.#sent = this.#made
      this.#event({ choices: [this.#choice(text, finished ? this.#ask.finishReason : null, first)] })
    }
    if (finished) this.#finish()
  }

  #finish(): void {
    const usage = { prompt_tokens: this.promptTokens, completion_tokens: this.#made, total_tokens: this.promptTokens + this.#made }
    if (this.#ask.stream) {
      if (this.#ask.includeUsage) this.#event({ choices: [], usage })
      this.#response.end('data: [DONE]\n\n')
      return
    }
    const text = words(0, this.#made)
    const choice = this.#ask.chat
      ? { index: 0, message: { role: 'assistant', content: text }, finish_reason: this.#ask.finishReason }
      : { index: 0, text, logprobs: null, finish_reason: this.#ask.finishReason }
    reply(this.#response, 200, { ...this.#head(this.#ask.chat ? 'chat.completion' : 'text_completion'), choices: [choice], usage })
  }

  #choice(text: string, finishReason: string | null, first: boolean): object {
    if (!this.#ask.chat) return { index: 0, text, logprobs: null, finish_reason: finishReason }
    return { index: 0, delta: first ? { role: 'assistant', content: text } : { content: text }, finish_reason: finishReason }
  }

  #head(object: string): object {
    return { id: this.#id, object, created: Math.floor(this.arrivedMs / 1000), model: this.#model }
  }

  #event(body: object): void {
    this.#response.write(`data: ${JSON.stringify({ ...this.#head(this.#ask.chat ? 'chat.completion.chunk' : 'text_completion'), ...body })}\n\n`)
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) this.#response.destroy()
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const refuse = (response: ServerResponse, status: number, message: string): void =>
  reply(response, status, { error: { message, type: status === 503 ? 'ServiceUnavailable' : 'BadRequestError', param: null, code: status } })

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new BadRequest('the body is larger than 1 MiB')
    chunks.push(chunk)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  } catch {
    // falls through to the one refusal
  }
  throw new BadRequest('the body is not a JSON object')
}

export function serve(options: OpenAiOptions): Server {
  const { batch, model } = options
  let served = 0
  const complete = async (request: IncomingMessage, response: ServerResponse, chat: boolean): Promise<void> => {
    const body = await bodyOf(request)
    if (body['model'] !== undefined && body['model'] !== model) return refuse(response, 404, `The model \`${String(body['model'])}\` does not exist.`)
    const ask = askOf(body, chat)
    if (batch.waiting >= MAX_WAITING) return refuse(response, 503, 'too many requests wait')
    const answer = new Answer(ask, `${chat ? 'chatcmpl' : 'cmpl'}-${process.pid}-${(served += 1)}`, model, response, options.chunkEveryMs)
    response.on('error', () => response.destroy())
    response.on('close', () => batch.drop(answer))
    batch.submit(answer)
    options.onRequest()
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = `${request.method} ${(request.url ?? '').split('?')[0]}`
    if (path === 'GET /health') response.writeHead(200).end()
    else if (path === 'GET /v1/models') reply(response, 200, { object: 'list', data: [{ id: model, object: 'model', created: 0, owned_by: 'vllm', max_model_len: 32768 }] })
    else if (path === 'GET /metrics') {
      options.onScrape()
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(exposition(batch, model))
    } else if (path === 'POST /v1/completions') await complete(request, response, false)
    else if (path === 'POST /v1/chat/completions') await complete(request, response, true)
    else refuse(response, 404, 'Not Found')
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (error instanceof BadRequest && !response.headersSent) refuse(response, 400, error.message)
      else response.destroy()
    })
  })
  server.keepAliveTimeout = 65_000
  return server.listen(options.port, '127.0.0.1')
}
