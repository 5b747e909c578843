// A lock between processes of one machine, whoever started them: the holder binds an abstract unix socket, and the kernel
// frees the name when the holder dies, however it dies. Waiters stay connected to the holder and race when that ends.
// Abstract names belong to a network namespace: containers of their own do not see each other's. Any user may take a name.
import { createHash } from 'node:crypto'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../kit/clock.ts'

/** sun_path holds 108 bytes, the first one is 0. */
const LONGEST_PATH = 107
/** Pause after an answer that is neither yes nor no, such as a full queue of waiters. */
const PAUSE_MS = 20

/** Held by the one Overlap of a state folder, and by whoever starts something there in its place. */
export const stateLock = (stateDirectory: string): string => `state:${stateDirectory}`

export class AbstractLock {
  readonly #server: Server
  readonly #waiters: Set<Socket>

  private constructor(server: Server, waiters: Set<Socket>) {
    this.#server = server
    this.#waiters = waiters
  }

  /** Waits until the lock is ours; null: not within `timeoutMs` (0: tried once), or aborted. First come is not first served. */
  static async take(name: string, parts: { timeoutMs: number; clock?: Clock; signal?: AbortSignal }): Promise<AbstractLock | null> {
    const path = pathOf(name)
    const over = new AbortController()
    const cancel = (parts.clock ?? systemClock).after(parts.timeoutMs, () => over.abort())
    const ended = AbortSignal.any([over.signal, ...(parts.signal ? [parts.signal] : [])])
    try {
      for (;;) {
        const lock = await AbstractLock.#bind(path)
        if (lock || parts.timeoutMs <= 0 || ended.aborted) return lock
        const waited = await holderGone(path, ended)
        if (ended.aborted) return null
        if (waited === 'refused') await (parts.clock ?? systemClock).sleep(PAUSE_MS, ended)
      }
    } finally {
      cancel()
    }
  }

  /** The next waiter has it a moment later. Called again, does nothing. */
  release(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#server.listening) return resolve()
      // The name first: a waiter that wakes must find it free.
      this.#server.close(() => resolve())
      for (const waiter of this.#waiters) waiter.destroy()
    })
  }

  /** Null: somebody has it. */
  static #bind(path: string): Promise<AbstractLock | null> {
    return new Promise((resolve, reject) => {
      const waiters = new Set<Socket>()
      const server = createServer((waiter) => {
        waiters.add(waiter)
        waiter.unref()
        waiter.on('error', () => {}).on('close', () => waiters.delete(waiter)).resume()
      })
      server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)))
      server.listen({ path }, () => {
        server.unref() // holding a lock is no reason to live
        resolve(new AbstractLock(server, waiters))
      })
    })
  }
}

/** Long names (folders) are shortened to their digest. */
function pathOf(name: string): string {
  const path = `\0overlap-${name}`
  return Buffer.byteLength(path) <= LONGEST_PATH ? path : `\0overlap-${createHash('sha256').update(name).digest('hex')}`
}

/** Resolves when the holder let go ('gone'), could not be reached ('refused'), or the wait is over. */
function holderGone(path: string, ended: AbortSignal): Promise<'gone' | 'refused'> {
  return new Promise((resolve) => {
    const socket = createConnection({ path })
    let connected = false
    const stop = () => socket.destroy()
    ended.addEventListener('abort', stop, { once: true })
    socket.once('connect', () => (connected = true))
    socket.on('error', () => {})
    // Without a reader, the end of the stream would go unnoticed.
    socket.resume()
    socket.once('close', () => {
      ended.removeEventListener('abort', stop)
      resolve(connected ? 'gone' : 'refused')
    })
  })
}
