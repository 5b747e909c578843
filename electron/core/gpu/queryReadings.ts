// The latest row of each GPU as the query stream gave it. Keeps no past, starts no process.
import type { GpuIdentity, Missing } from '../../../shared/gpu.ts'
import { lostReason, parseIdentity, queryMetrics, type QueryCells, type QueryMetric } from './parseQuery.ts'
import type { Reading } from './readLine.ts'

export interface QueryReading {
  identity: Omit<GpuIdentity, 'gpm'>
  metrics: Record<QueryMetric, Reading>
  /** gpuLost, resetRequired …: the GPU answers with nothing else. */
  lost: Missing | null
  /** Arrival; epoch ms. */
  atMs: number
}

/** Rows of a new child within this time say which GPUs there are. */
const ROLL_CALL_MS = 5000
/** The rows of one sample come together, in order of index; samples come one second apart. */
const PAUSE_MS = 300
const NAMELESS_MS = 3000

export class QueryReadings {
  #byUuid = new Map<string, QueryReading>()
  /** Indexes that the present child was told not to read. */
  leftOut: ReadonlySet<number> = new Set()
  /** What the last row spoke of: a lost GPU's row does not name it, but rows come in order. */
  #lastIndex = -1
  #lastRowAtMs = 0
  #childSinceMs: number | null = null
  #nameless = new Map<number, number>()

  /** In order of index. */
  get all(): QueryReading[] {
    return [...this.#byUuid.values()].sort((a, b) => a.identity.index - b.identity.index)
  }

  /** A new child counts the GPUs anew. */
  childStarted(): void {
    this.#childSinceMs = null
    this.#lastIndex = -1
  }

  take(cells: QueryCells, atMs: number): void {
    this.#childSinceMs ??= atMs
    if (Math.abs(atMs - this.#lastRowAtMs) >= PAUSE_MS) this.#lastIndex = -1
    this.#lastRowAtMs = atMs
    const named = parseIdentity(cells)
    const index = named?.index ?? this.#nextIndex()
    this.#lastIndex = index
    const identity = named ?? this.all.find((reading) => reading.identity.index === index)?.identity
    if (identity === undefined) {
      this.#nameless.set(index, atMs)
      return
    }
    const lost = lostReason(cells)
    // after a change of cards an index may belong to another GPU now
    for (const [uuid, other] of this.#byUuid) if (other.identity.index === identity.index && uuid !== identity.uuid) this.#byUuid.delete(uuid)
    this.#byUuid.set(identity.uuid, { identity, metrics: queryMetrics(cells), lost, atMs })
  }

  /** Indexes of GPUs that are lost and were never seen well: their UUIDs are not known. */
  namelessLost(nowMs: number): number[] {
    return [...this.#nameless].filter(([, atMs]) => Math.abs(nowMs - atMs) <= NAMELESS_MS).map(([index]) => index)
  }

  /** A GPU that refused the command: its row says so from now on. */
  markLost(uuid: string, why: Missing): void {
    const reading = this.#byUuid.get(uuid)
    if (reading) reading.lost = why
  }

  /** Forgets GPUs that the present child has not named within its first seconds. */
  forgetAbsent(nowMs: number): void {
    const since = this.#childSinceMs
    if (since === null || nowMs - since < ROLL_CALL_MS) return
    for (const [uuid, reading] of this.#byUuid) if (reading.atMs < since && reading.lost === null) this.#byUuid.delete(uuid)
  }

  /** A lost GPU is kept, also when the driver does not list it any more, until somebody asks anew. */
  forgetLost(): void {
    for (const [uuid, reading] of this.#byUuid) if (reading.lost !== null) this.#byUuid.delete(uuid)
  }

  #nextIndex(): number {
    let index = this.#lastIndex + 1
    while (this.leftOut.has(index)) index += 1
    return index
  }
}
