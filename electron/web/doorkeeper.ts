// Who may come in: Host, Origin, token, and how often a wrong token may be tried. Knows nothing of what lies behind the door.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { FaultError } from '../../shared/fault.ts'
import type { Clock } from '../core/kit/clock.ts'

/** Wrong tokens per minute, over all callers, before further ones are not even looked at. */
const WRONG_PER_MINUTE = 20
/** Messages per second that one socket or the HTTP door takes; bursts of twice as many. */
export const CALLS_PER_SECOND = 200
export const SUBPROTOCOL = 'overlap.1'
const TOKEN_SUBPROTOCOL = 'overlap.token.'

const digest = (text: string) => createHash('sha256').update(text).digest()

const newToken = (): string => randomBytes(24).toString('base64url')

/** The token of OVERLAP_TOKEN, taken out of the environment so that nothing that is started inherits it; without one, a random one. */
export function takeToken(env: NodeJS.ProcessEnv): string {
  const given = env['OVERLAP_TOKEN']
  delete env['OVERLAP_TOKEN']
  return given ? checkedToken(given) : newToken()
}

/** A token that is given must travel in a URL fragment and a subprotocol. */
function checkedToken(token: string): string {
  if (/^[A-Za-z0-9._~-]{16,256}$/.test(token)) return token
  throw new FaultError('BAD_INPUT', 'OVERLAP_TOKEN cannot be used.', 'Use 16 to 256 letters, digits, dots, dashes, underscores or tildes.', { field: 'OVERLAP_TOKEN' })
}

export class Doorkeeper {
  readonly #expected: Buffer
  readonly #clock: Clock
  readonly #hosts: readonly string[]
  #wrong: number[] = []

  /** `hosts`: names besides the loopback ones that the Host header may carry. */
  constructor(parts: { token: string; clock: Clock; hosts?: readonly string[] }) {
    this.#expected = digest(parts.token)
    this.#clock = parts.clock
    this.#hosts = ['127.0.0.1', 'localhost', '[::1]', ...(parts.hosts ?? [])]
  }

  /** DNS rebinding and cross-site calls stop here. Any port: a tunnel (`ssh -L`) may use another than ours. */
  checkOrigin(request: IncomingMessage): void {
    const host = request.headers.host ?? ''
    const name = host.replace(/:\d+$/, '')
    if (!this.#hosts.includes(name)) {
      throw new FaultError('FORBIDDEN_ORIGIN', `This workstation does not answer to the name ${name || '(none)'}.`, 'Open it as http://127.0.0.1, for example through ssh -L.')
    }
    const origin = request.headers.origin
    // what a page of another site loads (an image, say) carries no Origin; browsers say so here
    if (request.headers['sec-fetch-site'] === 'cross-site' && request.headers['sec-fetch-mode'] !== 'navigate') {
      throw new FaultError('FORBIDDEN_ORIGIN', 'A page of another site may not call this workstation.', 'Call it from its own page.')
    }
    if (origin !== undefined && origin !== `http://${host}`) {
      throw new FaultError('FORBIDDEN_ORIGIN', 'A page of another site may not call this workstation.', 'Call it from its own page, or without an Origin header.')
    }
  }

  /** Compares digests in constant time, so that neither content nor length of the token can be measured. */
  checkToken(given: string | null): void {
    const now = this.#clock.steady()
    this.#wrong = this.#wrong.filter((atMs) => now - atMs < 60_000)
    // the right one always comes in: any page can send wrong ones, and must not lock its owner out
    if (timingSafeEqual(digest(given ?? ''), this.#expected)) return
    if (this.#wrong.length >= WRONG_PER_MINUTE) {
      throw new FaultError('TOO_MANY', 'Too many wrong tokens were tried.', 'Wait a minute, then use the token of the ready line.')
    }
    if (given !== null) this.#wrong.push(now)
    throw new FaultError('NO_TOKEN', given === null ? 'A token is needed.' : 'The token is wrong.', 'Use the token that Overlap printed at its start.')
  }

  tokenOfRequest(request: IncomingMessage): string | null {
    return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
  }

  /** Browsers cannot set headers on a socket: the token comes as a subprotocol, never in the address. */
  tokenOfUpgrade(request: IncomingMessage): string | null {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    return offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length) ?? this.tokenOfRequest(request)
  }
}

/** A bucket that fills with `perSecond` and holds twice that. */
export class Pace {
  readonly #clock: Clock
  readonly #perSecond: number
  #left: number
  #atMs: number

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#left = perSecond * 2
    this.#atMs = clock.steady()
  }

  /** False: too many. */
  take(): boolean {
    const now = this.#clock.steady()
    this.#left = Math.min(this.#perSecond * 2, this.#left + ((now - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
