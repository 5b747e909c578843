// One streamed completion over HTTP: sent, and told to its listener as it arrives. Keeps no times and no counts.
import type { Client, Dispatcher } from 'undici'
import { readComplaint, type Said } from './completion.ts'
import { Events } from './events.ts'
import type { Usage } from './tally.ts'

export interface StreamListener {
  /** An event with text in it. */
  onText(characters: number): void
  /** Once, unless the stream was aborted. */
  onFinished(usage: Usage | null): void
  onFailed(reason: string): void
}

const MOST_COMPLAINT_BYTES = 4096
const CLOSED = 'the engine closed the connection'

export class Stream implements Dispatcher.DispatchHandler {
  readonly #listener: StreamListener
  readonly #events: Events
  #status = 0
  #complaint: Buffer[] = []
  #complaintBytes = 0
  #usage: Usage | null = null
  #done = false
  #trouble: string | null = null
  #over = false
  #sendAgain: (() => void) | null = null

  constructor(listener: StreamListener) {
    this.#listener = listener
    this.#events = new Events((characters) => listener.onText(characters), (said) => this.#take(said))
  }

  /**
   * The client is one connection, used by one stream at a time. `kept`: from an earlier stream. An engine may close it after any answer (llama-server
   * does after each, and does not say so): what meets a closed one before any of its answer is sent once more, over a new one.
   */
  send(client: Client, request: { path: string; headers: Record<string, string>; body: string }, kept: boolean): void {
    this.#sendAgain = kept ? () => this.send(client, request, false) : null
    client.dispatch({ ...request, method: 'POST' }, this)
  }

  /** Nothing more is told. */
  forget(): void {
    this.#over = true
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    this.#status = statusCode
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#over) return
    if (this.#status === 200) return this.#events.push(piece)
    if (this.#complaintBytes > MOST_COMPLAINT_BYTES) return
    this.#complaintBytes += piece.length
    this.#complaint.push(Buffer.from(piece))
  }

  onResponseEnd(): void {
    if (this.#status !== 200) return this.#fail(`HTTP ${this.#status}: ${readComplaint(Buffer.concat(this.#complaint).toString('utf8'))}`)
    if (this.#trouble !== null) return this.#fail(this.#trouble)
    if (!this.#done) return this.#fail('the answer broke off: neither [DONE] nor a finish reason')
    if (this.#over) return
    this.#over = true
    this.#listener.onFinished(this.#usage)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const reason = reasonOf(error)
    if (this.#sendAgain !== null && reason === CLOSED && this.#status === 0 && !this.#over) return queueMicrotask(this.#sendAgain) // the client is not done with this one yet
    this.#fail(reason)
  }

  #take(said: Said): void {
    if (said.characters > 0) this.#listener.onText(said.characters)
    this.#usage = said.usage ?? this.#usage
    this.#done ||= said.done
    this.#trouble ??= said.trouble
  }

  #fail(reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#listener.onFailed(reason)
  }
}

/** Without ports and addresses, so that like failures are counted together. */
function reasonOf(error: Error & { code?: unknown }): string {
  switch (error.code) {
    case 'ECONNREFUSED': return 'the engine does not accept connections'
    case 'ECONNRESET': case 'EPIPE': case 'UND_ERR_SOCKET': return CLOSED
    default: return typeof error.code === 'string' ? `${error.code}: ${error.message}` : error.message
  }
}
