// The stand-in engine's HTTP side: OpenAI's completions with streaming, health, models and metrics. Makes no tokens itself.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Answer, askOf, BadRequest, type Speaker } from './answer.ts'
import type { Batch } from './batch.ts'
import { exposition, type CacheConfig } from './exposition.ts'

/** Of the vLLM whose words the stand-in uses. */
export const VLLM_VERSION = '0.29.0'
const MAX_BODY_BYTES = 1 << 20
const MAX_WAITING = 4096

export interface OpenAiOptions {
  host: string
  port: number
  /** The speaker's own name among them. */
  servedNames: readonly string[]
  apiKey: string | null
  speaker: Speaker
  batch: Batch
  cache: CacheConfig
  /** Work arrived: time may be cut finer. */
  onRequest(): void
  onScrape(): void
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const TYPES: Record<number, string> = { 404: 'NotFoundError', 503: 'ServiceUnavailable' }
const refuse = (response: ServerResponse, status: number, message: string): void =>
  reply(response, status, { error: { message, type: TYPES[status] ?? 'BadRequestError', param: null, code: status } })

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
  const { batch, speaker } = options
  let served = 0
  const complete = async (request: IncomingMessage, response: ServerResponse, chat: boolean): Promise<void> => {
    const body = await bodyOf(request)
    if (body['model'] !== undefined && !options.servedNames.includes(String(body['model']))) return refuse(response, 404, `The model \`${String(body['model'])}\` does not exist.`)
    const ask = askOf(body, chat, speaker)
    if (batch.waiting >= MAX_WAITING) return refuse(response, 503, 'too many requests wait')
    const answer = new Answer(ask, `${chat ? 'chatcmpl' : 'cmpl'}-${process.pid}-${(served += 1)}`, speaker, response)
    response.on('error', () => response.destroy())
    response.on('close', () => batch.drop(answer))
    batch.submit(answer)
    options.onRequest()
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = `${request.method} ${(request.url ?? '').split('?')[0]}`
    if (path.includes(' /v1/') && options.apiKey !== null && request.headers.authorization !== `Bearer ${options.apiKey}`) return reply(response, 401, { error: 'Unauthorized' })
    if (path === 'GET /health') response.writeHead(200).end()
    else if (path === 'GET /version') reply(response, 200, { version: VLLM_VERSION })
    else if (path === 'GET /v1/models') {
      reply(response, 200, { object: 'list', data: options.servedNames.map((id) => ({ id, object: 'model', created: 0, owned_by: 'vllm', root: id, max_model_len: speaker.maxModelTokens })) })
    } else if (path === 'GET /metrics') {
      options.onScrape()
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(exposition(batch, speaker.servedName, options.cache))
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
  return server.listen(options.port, options.host)
}
