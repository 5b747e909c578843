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
/** The rows of one sample come in order of index; after a pause a new sample may have begun. */
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
  #announced = new Set<string>()

  /** In order of index. */
  get all(): QueryReading[] {
    return [...this.#byUuid.values()].sort((a, b) => a.identity.index - b.identity.index)
  }

  /** A new child counts the GPUs anew. */
  childStarted(): void {
    this.#childSinceMs = null
    this.#lastIndex = -1
    this.#announced.clear()
  }

  take(cells: QueryCells, atMs: number): void {
    this.#childSinceMs ??= atMs
    const paused = Math.abs(atMs - this.#lastRowAtMs) >= PAUSE_MS
    this.#lastRowAtMs = atMs
    const named = parseIdentity(cells)
    const index = named?.index ?? this.#nextIndex(paused)
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

  /** GPUs (index or PCI bus id) that are lost and were never seen well: their UUIDs are not known. */
  namelessLost(nowMs: number): string[] {
    return [...this.#announced, ...[...this.#nameless].filter(([, atMs]) => Math.abs(nowMs - atMs) <= NAMELESS_MS).map(([index]) => String(index))]
  }

  /** The known GPU that nvidia-smi calls so (index or PCI bus id). */
  called(gpu: string): QueryReading | undefined {
    return this.all.find(({ identity }) => String(identity.index) === gpu || (identity.pciBusId !== null && gpu.includes(':') && identity.pciBusId.toUpperCase().endsWith(gpu.toUpperCase())))
  }

  /** nvidia-smi says that it cannot reach this GPU (index or PCI bus id): its row says so from now on, until one with values comes. */
  announceLost(gpu: string): void {
    const reading = this.called(gpu)
    if (reading) reading.lost = 'gpuLost'
    else this.#announced.add(gpu)
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

  /** A slow driver pauses inside a sample too: after a pause it is a new one only where no further GPU is known. */
  #nextIndex(paused: boolean): number {
    const after = (last: number): number => {
      let index = last + 1
      while (this.leftOut.has(index)) index += 1
      return index
    }
    const next = after(this.#lastIndex)
    const known = this.#nameless.has(next) || this.all.some(({ identity }) => identity.index === next)
    return paused && !known ? after(-1) : next
  }
}
