// An engine that answers by script, a program of its own for tests: the script travels in the request's `model`. It writes down when it
// wrote what, in epoch milliseconds, and tells with GET /records. It shares no code with what is tested.
import { createServer, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'

export const SCRIPTED_ENGINE = fileURLToPath(import.meta.url)

export interface Script {
  api?: 'completions' | 'chat'
  /** Taken in turn by the requests, from the first to the last and again. */
  ttftMs?: number[]
  /** Taken in turn by the gaps of a request. */
  gapsMs?: number[]
  tokensPerChunk?: number
  /** Characters of each token in turn. */
  characters?: number[]
  usage?: boolean
  /** A comment before every chunk. */
  pings?: boolean
  crlf?: boolean
  /** Chunks after which the connection is cut. */
  dropsAfter?: number
  status?: number
  /** The whole server stands still before it answers the request of this number. */
  stall?: { atRequest: number; ms: number }
  /** Outputs end after so many tokens. */
  stopsAt?: number
}

export interface Recorded {
  receivedAtMs: number
  chunksAtMs: number[]
  tokens: number[]
  endedAtMs: number | null
  promptWords: number
}

let records: Recorded[] = []
let connections = 0
let aborted = 0
const now = () => performance.timeOrigin + performance.now()

interface Body { model: string; max_tokens: number; prompt?: string; messages?: { content: string }[]; stream: boolean; ignore_eos?: boolean }

class Answer {
  readonly #script: Script
  readonly #response: ServerResponse
  readonly #record: Recorded
  readonly #wanted: number
  #made = 0
  #timer: NodeJS.Timeout | null = null

  constructor(script: Script, response: ServerResponse, record: Recorded, wanted: number) {
    this.#script = script
    this.#response = response
    this.#record = record
    this.#wanted = Math.min(wanted, script.stopsAt ?? wanted)
    response.on('close', () => {
      if (this.#timer) clearTimeout(this.#timer)
      if (!response.writableEnded) aborted += 1
    })
  }

  begin(ttftMs: number): void {
    this.#response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (this.#script.api === 'chat') this.#event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
    this.#after(this.#record.receivedAtMs + ttftMs, () => this.#chunk())
  }

  #chunk(): void {
    const { tokensPerChunk = 1, characters = [4], gapsMs = [10], dropsAfter, api, pings } = this.#script
    if (this.#record.chunksAtMs.length === dropsAfter) return void this.#response.socket?.destroy()
    const tokens = Math.min(tokensPerChunk, this.#wanted - this.#made)
    const text = Array.from({ length: tokens }, (_, at) => 'é"\n€wxyz'.slice(0, characters[(this.#made + at) % characters.length])).join('')
    this.#made += tokens
    const finish_reason = null
    if (pings) this.#response.write(': ping\n\n')
    const at = now()
    this.#event({ id: 'x', choices: [api === 'chat' ? { index: 0, delta: { content: text }, finish_reason } : { index: 0, text, finish_reason }], usage: null })
    this.#record.tokens.push(tokens)
    if (this.#made >= this.#wanted) this.#end()
    else this.#after(at + (gapsMs[this.#record.chunksAtMs.length % gapsMs.length] ?? 0), () => this.#chunk())
    this.#record.chunksAtMs.push(at)
  }

  #end(): void {
    this.#event({ choices: [{ index: 0, text: '', delta: {}, finish_reason: 'length' }], usage: null })
    if (this.#script.usage ?? true) this.#event({ choices: [], usage: { prompt_tokens: this.#record.promptWords, completion_tokens: this.#made, total_tokens: 0 } })
    const line = this.#script.crlf ? '\r\n' : '\n'
    this.#record.endedAtMs = now()
    this.#response.end(`data: [DONE]${line}${line}`)
  }

  #event(event: unknown): void {
    const line = this.#script.crlf ? '\r\n' : '\n'
    this.#response.write(`data: ${JSON.stringify(event)}${line}${line}`)
  }

  #after(atMs: number, call: () => void): void {
    this.#timer = setTimeout(call, Math.max(0, atMs - now()))
  }
}

const server = createServer((request, response) => {
  const receivedAtMs = now()
  if (request.url === '/records') {
    response.end(JSON.stringify({ records, connections, aborted }))
    records = []
    return
  }
  let text = ''
  request.on('data', (piece: Buffer) => (text += piece.toString())).on('end', () => {
    const body = JSON.parse(text) as Body
    const script = JSON.parse(body.model) as Script
    if (script.status) return void response.writeHead(script.status).end(JSON.stringify({ error: { message: 'out of patience' } }))
    const prompt = body.prompt ?? body.messages?.[0]?.content ?? ''
    const record: Recorded = { receivedAtMs, chunksAtMs: [], tokens: [], endedAtMs: null, promptWords: prompt.split(' ').length }
    const nth = records.push(record) - 1
    if (script.stall?.atRequest === nth) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, script.stall.ms)
    const { ttftMs = [20] } = script
    new Answer(script, response, record, body.max_tokens).begin(ttftMs[nth % ttftMs.length] ?? 0)
  })
})

if (import.meta.main) {
  server.on('connection', () => (connections += 1))
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
  })
  process.stdin.on('end', () => process.exit(0)).resume()
}
