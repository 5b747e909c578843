// One request on its way: when it was due, and what has arrived of its answer. Times in milliseconds of performance.now().

/** How the reason begins with which a due request fails that never left. */
export const NOT_SENT = 'not sent'

export class Call {
  /** Latencies count from here: the schedule's time in an open loop, the sending in a closed one. */
  readonly dueMs: number
  readonly outputTokens: number
  /** A first request of a closed loop, cut on purpose: its end is no whole request's. */
  readonly cut: boolean
  firstMs: number | null = null
  lastMs = 0
  readonly arrived = { chunks: 0, characters: 0 }
  /** Of it, within the measuring window. */
  readonly within = { chunks: 0, characters: 0 }
  /** Gaps within the window whose tokens are not known yet, each with the characters that came after it. */
  gapsMs: number[] = []
  gapCharacters: number[] = []

  constructor(parts: { dueMs: number; outputTokens: number; cut: boolean }) {
    this.dueMs = parts.dueMs
    this.outputTokens = parts.outputTokens
    this.cut = parts.cut
  }
}
