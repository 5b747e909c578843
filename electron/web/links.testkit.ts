// One server over a stand, and clients to it over every link; for tests of the links.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { RPCLink as PortRpcLink } from '@orpc/client/message-port'
import { RPCLink as SocketRpcLink } from '@orpc/client/websocket'
import { WebSocket } from 'ws'
import { clientOf, faultInterceptor, type Client } from '../../renderer/link/client.ts'
import { PortLink, type Port } from '../app/portLink.ts'
import { answers } from '../core/answers.ts'
import { HandClock } from '../core/kit/clock.ts'
import { silentLog } from '../core/kit/log.ts'
import { stand, type Stand } from './stand.testkit.ts'
import { WebServer } from './server.ts'

export const TOKEN = 'a-token-for-these-tests'

export class Links {
  readonly world: Stand = stand()
  readonly #folder = mkdtempSync(join(tmpdir(), 'overlap-links-'))
  readonly server: WebServer
  port = 0

  private constructor() {
    writeFileSync(join(this.#folder, 'index.html'), '<meta nonce="__NONCE__"><p>shell</p>')
    this.server = new WebServer({ answers: answers(this.world, silentLog), token: TOKEN, pageFolder: this.#folder, version: '0', clock: new HandClock(), log: silentLog })
  }

  static async open(): Promise<Links> {
    const links = new Links()
    links.port = await links.server.listen(0)
    return links
  }

  async socket(): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/link`, ['overlap.1', `overlap.token.${TOKEN}`])
    await once(socket, 'open')
    return socket
  }

  readonly socketClient = async (): Promise<{ client: Client; close: () => void }> => {
    const socket = await this.socket()
    return { client: clientOf(new SocketRpcLink({ websocket: socket as unknown as globalThis.WebSocket, interceptors: [faultInterceptor] })), close: () => socket.terminate() }
  }

  readonly portClient = async (): Promise<{ client: Client; close: () => void }> => {
    const { port1, port2 } = new MessageChannel()
    new PortLink(answers(this.world, silentLog)).accept(port1 as unknown as Port)
    const client = clientOf(new PortRpcLink({ port: port2 as unknown as Parameters<typeof String>[0], interceptors: [faultInterceptor] }))
    port1.start()
    port2.start()
    return { client, close: () => port2.close() }
  }

  async close(): Promise<void> {
    await this.server.close()
    rmSync(this.#folder, { recursive: true })
  }
}
