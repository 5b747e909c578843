// The page's one connection to a core: over a WebSocket where it has a token, else over the port that the desktop hands in.
// Reconnects by itself.
import { RPCLink as PortRpcLink } from '@orpc/client/message-port'
import { RPCLink as SocketRpcLink } from '@orpc/client/websocket'
import { FaultError } from '../../shared/fault.ts'
import { clientOf, faultInterceptor, linkLost, readStream, type Client, type StreamItem } from './client.ts'
import { takeToken } from './token.ts'

export type { Client } from './client.ts'

export type LinkState =
  | { name: 'connecting' }
  | { name: 'open' }
  | { name: 'lost'; sinceMs: number }
  | { name: 'refused'; sentence: string; hint: string }

export interface Connection {
  readonly client: Client
  readonly state: LinkState
  onState(read: (state: LinkState) => void): () => void
  /** Opens a stream now and again after every reconnect; acknowledges items itself. The returned function ends it. */
  follow<Item>(open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<StreamItem<Item>>>, onItem: (item: Item, dropped: number) => void): () => void
}

const RETRY_MS = [250, 500, 1000, 2000, 4000] as const
/** A stream that fails while the link is open (the core restarted it) is opened again after this long. */
const REOPEN_MS = 1000

/** One way to reach a core. `onDown` is called once, when it is gone for good. */
type Dial = (on: { up(client: Client): void; down(): void; refused(sentence: string, hint: string): void }) => void

class Redialling implements Connection {
  #state: LinkState = { name: 'connecting' }
  #client: Client | null = null
  #readers = new Set<(state: LinkState) => void>()
  #failures = 0
  readonly #dial: Dial

  constructor(dial: Dial) {
    this.#dial = dial
    this.#call()
  }

  get state(): LinkState {
    return this.#state
  }

  /** Stays the same object over reconnects, so that it can be kept. */
  readonly client: Client = lazily(() => {
    if (!this.#client) throw linkLost()
    return this.#client
  })

  onState(read: (state: LinkState) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }

  follow<Item>(open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<StreamItem<Item>>>, onItem: (item: Item, dropped: number) => void): () => void {
    let controller: AbortController | null = null
    let again: ReturnType<typeof setTimeout> | undefined
    const begin = () => {
      controller?.abort()
      clearTimeout(again)
      if (!this.#client) return
      const mine = (controller = new AbortController())
      readStream(this.#client, open, onItem, mine.signal)
        .catch((thrown: unknown) => {
          if (!(thrown instanceof FaultError)) throw thrown
        })
        .finally(() => {
          if (!mine.signal.aborted && this.#state.name === 'open') again = setTimeout(begin, REOPEN_MS)
        })
    }
    const off = this.onState((state) => {
      if (state.name === 'open') begin()
      else controller?.abort()
    })
    begin()
    return () => {
      off()
      clearTimeout(again)
      controller?.abort()
    }
  }

  #call(): void {
    this.#dial({
      up: (client) => {
        this.#failures = 0
        this.#client = client
        this.#set({ name: 'open' })
      },
      down: () => {
        this.#client = null
        if (this.#state.name === 'refused') return
        this.#set(this.#state.name === 'lost' ? this.#state : { name: 'lost', sinceMs: Date.now() })
        setTimeout(() => this.#call(), RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)])
      },
      refused: (sentence, hint) => {
        this.#client = null
        this.#set({ name: 'refused', sentence, hint })
      },
    })
  }

  #set(state: LinkState): void {
    this.#state = state
    for (const read of [...this.#readers]) read(state)
  }
}

/** Looks up the present client at every call: `client.gpu.frames` may be kept over a reconnect. */
function lazily(present: () => Client, path: string[] = []): Client {
  return new Proxy(() => {}, {
    get: (_target, key) => (typeof key === 'string' && key !== 'then' ? lazily(present, [...path, key]) : undefined),
    apply(_target, _self, parameters: unknown[]) {
      try {
        let called: unknown = present()
        for (const key of path) called = (called as Record<string, unknown>)[key]
        return (called as (...given: unknown[]) => unknown)(...parameters)
      } catch (thrown) {
        return Promise.reject(thrown as Error)
      }
    },
  }) as unknown as Client
}

const dialSocket =
  (token: string): Dial =>
  (on) => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/link`, ['overlap.1', `overlap.token.${token}`])
    let opened = false
    socket.addEventListener('open', () => {
      opened = true
      on.up(clientOf(new SocketRpcLink({ websocket: quiet(socket), interceptors: [faultInterceptor] })))
    })
    socket.addEventListener('close', () => {
      if (opened) return on.down()
      // a refused upgrade looks like an unreachable host to a page: ask the plain door which of the two it is
      fetch('/api/workstation/greeting', { headers: { authorization: `Bearer ${token}` } })
        .then(async (answer) => {
          if (answer.status === 401) on.refused('The token of this page is not right any more.', 'Overlap was started anew: open the address that it printed.')
          else on.down()
        })
        .catch(() => on.down())
    })
  }

/** oRPC announces every ended stream to the other side, also when the socket has just closed, and nobody catches what that throws. */
const quiet = (socket: WebSocket): Pick<WebSocket, 'addEventListener' | 'removeEventListener' | 'send' | 'readyState'> => ({
  readyState: WebSocket.OPEN,
  addEventListener: socket.addEventListener.bind(socket),
  removeEventListener: socket.removeEventListener.bind(socket),
  send: (message) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message)
  },
})

const dialPort =
  (port: MessagePort): Dial =>
  (on) => {
    port.addEventListener('close', () => on.down())
    port.start()
    on.up(clientOf(new PortRpcLink({ port, interceptors: [faultInterceptor] })))
  }

/** The preload script posts a port of the core to the page of the desktop window; a browser's page without a token waits for nothing. */
const dialDesktop: Dial = (on) => {
  window.addEventListener('message', function take(event) {
    if (event.source !== window || event.data !== 'overlap.port' || !event.ports[0]) return
    window.removeEventListener('message', take)
    dialPort(event.ports[0])(on)
  })
  if (location.protocol !== 'overlap:') on.refused('This page has no token.', 'Open the address that Overlap printed when it started: it ends in #token=…')
}

export function connect(): Connection {
  const token = takeToken()
  return new Redialling(token === null ? dialDesktop : dialSocket(token))
}
