// The browser's door: the page without a token, everything else with one. Loopback unless told otherwise.
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { FAULT_STATUS, FaultError, faultOf, type Fault } from '../../shared/fault.ts'
import type { Answers } from '../core/answers.ts'
import type { Clock } from '../core/kit/clock.ts'
import type { Log } from '../core/kit/log.ts'
import { pageAnswer } from '../core/page.ts'
import { Api, MAX_BODY_BYTES } from './api.ts'
import { CALLS_PER_SECOND, Doorkeeper, Pace, SUBPROTOCOL } from './doorkeeper.ts'
import { SocketLink } from './socketLink.ts'

const MAX_CONNECTIONS = 256

export class WebServer {
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_BODY_BYTES, perMessageDeflate: false, handleProtocols: () => SUBPROTOCOL })
  readonly #link: SocketLink
  readonly #api: Api
  readonly #doorkeeper: Doorkeeper
  readonly #pace: Pace
  readonly #log: Log
  readonly #pageFolder: string

  constructor(parts: { answers: Answers; token: string; pageFolder: string; version: string; clock: Clock; log: Log }) {
    this.#doorkeeper = new Doorkeeper(parts)
    this.#pace = new Pace(parts.clock, CALLS_PER_SECOND)
    this.#link = new SocketLink(parts)
    this.#api = new Api(parts)
    this.#log = parts.log
    this.#pageFolder = parts.pageFolder
    this.#server = createServer({ maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => void this.#answer(request, response))
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Port 0: any free one. Resolves with the port. Throws FaultError PORT_TAKEN. */
  listen(port: number, host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') reject(new FaultError('PORT_TAKEN', `Port ${port} is taken.`, 'Choose another with --port, or --port 0 for any free one.', { field: 'port' }))
        else if (error.code === 'EACCES') reject(new FaultError('NO_PERMISSION', `Port ${port} is not for this user.`, 'Choose one above 1023 with --port.', { field: 'port' }))
        else reject(error)
      })
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  async close(): Promise<void> {
    this.#link.close()
    this.#sockets.close()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#doorkeeper.checkOrigin(request)
      const path = (request.url ?? '/').split('?')[0] ?? '/'
      if (path === '/api' || path.startsWith('/api/')) {
        this.#doorkeeper.checkToken(this.#doorkeeper.tokenOfRequest(request))
        if (!this.#pace.take()) throw new FaultError('TOO_MANY', 'Too many calls at once.', `Send at most ${CALLS_PER_SECOND} a second.`)
        await this.#api.answer(request, response)
        return
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') throw new FaultError('NOT_FOUND', 'Nothing here takes that.', 'Calls go to /api.')
      const page = await pageAnswer(this.#pageFolder, path)
      response.writeHead(page.status, page.headers)
      response.end(request.method === 'HEAD' ? undefined : page.body)
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (fault.code === 'BUG') this.#log.error('a request failed unexpectedly', { error: thrown })
      refuse(response, fault)
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    try {
      this.#doorkeeper.checkOrigin(request)
      if ((request.url ?? '').split('?')[0] !== '/link') throw new FaultError('NOT_FOUND', 'There is no such socket.', 'The socket is at /link.')
      this.#doorkeeper.checkToken(this.#doorkeeper.tokenOfUpgrade(request))
    } catch (thrown) {
      const fault = faultOf(thrown)
      const status = FAULT_STATUS[fault.code]
      // a peer that never closes its side must not keep one of the places
      socket.once('finish', () => socket.destroy())
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(fault)}`)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#link.accept(webSocket))
  }
}

function refuse(response: ServerResponse, fault: Fault): void {
  if (response.headersSent) return void response.destroy()
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', connection: 'close' }
  if (fault.code === 'NO_TOKEN') headers['www-authenticate'] = 'Bearer'
  response.writeHead(FAULT_STATUS[fault.code], headers)
  response.end(JSON.stringify(fault))
}
