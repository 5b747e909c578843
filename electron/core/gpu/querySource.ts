// The --query-gpu stream: which GPUs there are and what they read. Works around fields the driver lacks and around lost GPUs.
import type { Fault } from '../../../shared/fault.ts'
import type { Missing, SampleStream } from '../../../shared/gpu.ts'
import { parseComplaint, type Complaint } from './parseComplaint.ts'
import { parseQuery, type QueryCells } from './parseQuery.ts'
import { QueryReadings, type QueryReading } from './queryReadings.ts'
import { oneGpuArguments, QUERY_FIELDS, queryArguments, REQUIRED_FIELDS } from './smi.ts'
import { FRESH_MS, SmiStream, type SmiParts } from './stream.ts'
import { Streams } from './streams.ts'

/** A lost GPU is asked again after this, then after twice as long …: each question may leave a hung child behind. */
const REVIVE_MS = 30_000
const LONGEST_REVIVE_MS = 600_000
const REVIVE_TIMEOUT_MS = 5000

export class QuerySource {
  readonly readings = new QueryReadings()
  readonly #parts: SmiParts
  readonly #streams = new Streams()
  #fields: readonly string[] = QUERY_FIELDS
  #leftOut = new Set<string>()
  #reviveMs = REVIVE_MS
  #reviveAtMs: number | null = null
  #reviving = false
  #closed = false
  readonly #onFirstRow: () => void
  #seenRow = false

  /** `onFirstRow`: called once, in the middle of the first sample. */
  constructor(parts: SmiParts, onFirstRow: () => void = () => {}) {
    this.#parts = parts
    this.#onFirstRow = onFirstRow
  }

  get pids(): number[] {
    return this.#streams.pids
  }

  /** Live with a fault: some GPUs answer, and one that was never seen well does not. */
  get report(): SampleStream {
    const report = this.#streamReport
    const [nameless] = this.readings.namelessLost(this.#parts.clock.now())
    return report.state === 'live' && nameless !== undefined ? { ...report, fault: lostFault(nameless) } : report
  }

  get #streamReport(): SampleStream {
    return this.#streams.open[0]?.report ?? { name: 'query', state: 'starting', sinceMs: this.#parts.clock.now(), lastRowAtMs: null, badLines: 0, fault: null }
  }

  /** Begins anew: all fields, all GPUs; where a child may hang, with what it read. */
  start(): void {
    if (this.#streams.retryHung()) return
    this.#fields = QUERY_FIELDS
    this.#leftOut.clear()
    this.readings.forgetLost()
    this.#open()
  }

  /** Why this GPU has no present values; asked only when it has none. */
  reason(reading: QueryReading, nowMs: number): Missing {
    if (reading.lost !== null) return reading.lost
    const { lastRowAtMs, state } = this.report
    if (state === 'live' && lastRowAtMs !== null && Math.abs(nowMs - lastRowAtMs) <= FRESH_MS) return 'noSample'
    return this.#streams.open[0]?.reason ?? 'starting'
  }

  tick(nowMs: number): void {
    this.readings.forgetAbsent(nowMs)
    const known = this.readings.all.find((reading) => reading.lost !== null)?.identity
    const lost = known === undefined ? this.readings.namelessLost(nowMs)[0] : (known.pciBusId ?? String(known.index))
    if (lost === undefined) {
      this.#reviveMs = REVIVE_MS
      this.#reviveAtMs = null
    } else if (this.#reviveAtMs === null) this.#reviveAtMs = nowMs + this.#reviveMs
    // a clock that was set back is no reason to wait longer
    else if ((nowMs >= this.#reviveAtMs || nowMs < this.#reviveAtMs - this.#reviveMs) && !this.#reviving) void this.#revive(lost)
  }

  close(): Promise<void> {
    this.#closed = true
    return this.#streams.close()
  }

  #open(): void {
    if (this.#closed) return
    const known = this.readings.all
    const leftOut = known.filter((reading) => this.#leftOut.has(reading.identity.uuid)).map((reading) => reading.identity.index)
    const healthy = leftOut.length === 0 ? null : known.map((reading) => reading.identity.index).filter((index) => !leftOut.includes(index))
    this.readings.leftOut = new Set(leftOut)
    const fields = this.#fields
    this.#streams.replace([new SmiStream({
      ...this.#parts,
      name: 'query',
      args: queryArguments(fields, healthy),
      why: 'read the GPUs once a second',
      read: (line, atMs) => {
        const read = parseQuery(fields, line)
        if (read.kind === 'row') this.#take(read.row, atMs)
        else this.#announced(line)
        return read
      },
      childStarted: () => this.readings.childStarted(),
      complained: (complaint) => queueMicrotask(() => this.#complained(complaint)),
    })])
  }

  #take(row: QueryCells, atMs: number): void {
    this.readings.take(row, atMs)
    if (this.#seenRow) return
    this.#seenRow = true
    this.#onFirstRow()
  }

  /** Newer drivers name a lost GPU once and go on with the others. */
  #announced(line: string): void {
    const complaint = parseComplaint([line], null)
    if (complaint?.fault.code === 'GPU_LOST' && complaint.gpu !== null) this.readings.announceLost(complaint.gpu)
  }

  #complained(complaint: Complaint): void {
    const { unknownField, gpu } = complaint
    if (unknownField !== null && this.#fields.includes(unknownField) && !REQUIRED_FIELDS.includes(unknownField)) {
      this.#parts.log.warn('nvidia-smi does not know a field', { field: unknownField })
      this.#fields = this.#fields.filter((field) => field !== unknownField)
      this.#open()
    } else if (complaint.fault.code === 'GPU_LOST' && gpu !== null) this.#leaveOut(gpu)
  }

  /** One lost GPU refuses the command for all: the others are read without it. */
  #leaveOut(gpu: string): void {
    const named = this.readings.called(gpu)
    if (named === undefined) return
    this.readings.announceLost(gpu)
    this.#leftOut.add(named.identity.uuid)
    if (this.readings.all.some((reading) => !this.#leftOut.has(reading.identity.uuid))) this.#open()
    else this.#leftOut.clear() // none is left: the stream's own retry asks for all
  }

  /** A running nvidia-smi does not see a GPU come back: when a fresh one does, everything starts anew. */
  async #revive(gpu: string): Promise<void> {
    this.#reviving = true
    const { tools, host, clock } = this.#parts
    const argv = [...tools.nvidiaSmi, ...oneGpuArguments(gpu)]
    const answer = await host.run({ argv, env: tools.env, why: 'see whether the lost GPU answers again', timeoutMs: REVIVE_TIMEOUT_MS, ledger: 'brief' }).catch(() => null)
    this.#reviving = false
    if (this.#closed) return
    if (answer?.exitCode === 0 && /^GPU-[\w-]+$/.test(answer.stdout.trim())) {
      this.#parts.log.info('a lost GPU answers again', { gpu })
      this.#leftOut.clear()
      this.#reviveAtMs = null
      this.#open()
    } else {
      this.#reviveMs = Math.min(this.#reviveMs * 2, LONGEST_REVIVE_MS)
      this.#reviveAtMs = clock.now() + this.#reviveMs
    }
  }
}

const lostFault = (gpu: string): Fault => ({
  code: 'GPU_LOST', sentence: `GPU ${gpu} has fallen off the bus; not even its UUID can be read.`, hint: 'Look for NVRM and Xid lines in dmesg; a reset or reboot brings it back.', field: null, detail: null,
})
