// The dmon streams with GPM metrics. Tried once per set of GPUs; a card without GPM is left alone until somebody asks again.
import type { SampleStream } from '../../../shared/gpu.ts'
import { GpmReadings } from './gpmReadings.ts'
import type { Complaint } from './parseComplaint.ts'
import { parseGpm, type GpmRow } from './parseDmon.ts'
import { parseTableHeader, type TableHeader } from './parseTable.ts'
import { missingBecause, OTHER, type Reading } from './readLine.ts'
import { DMON_GPUS, gpmArguments, groupsOf, SHOW_ALL } from './smi.ts'
import { FRESH_MS, SmiStream, type SmiParts } from './stream.ts'
import { reasonOf, worstOf } from './streamReport.ts'
import { Streams } from './streams.ts'

type GpmMetric = 'smActivityPercent' | 'dramBandwidthPercent'

export class GpmSource {
  readonly readings = new GpmReadings()
  readonly #parts: SmiParts
  readonly #streams = new Streams()
  #indexes: readonly number[] = []
  /** Set when no card here has GPM and the streams were ended for that. */
  #unsupported: SampleStream | null = null

  constructor(parts: SmiParts) {
    this.#parts = parts
  }

  get pids(): number[] {
    return this.#streams.pids
  }

  report(idle: SampleStream): SampleStream {
    return this.#unsupported ?? worstOf(this.#streams.open.map((stream) => stream.report), { ...idle, name: 'gpm' })
  }

  /** Watches these GPUs (indexes) from now on; what was known of support is tried again. */
  watch(indexes: readonly number[]): void {
    if (String(indexes) === String(this.#indexes) && this.#streams.retryHung()) return
    this.#indexes = indexes
    this.#begin()
  }

  value(index: number, metric: GpmMetric, idle: SampleStream, nowMs: number): Reading {
    const reading = this.readings.of(index)
    if (reading?.supported === false) return missingBecause('notSupported')
    const report = this.report(idle)
    if (reading === null) return missingBecause(report.state === 'live' ? 'noSample' : reasonOf(report))
    if (Math.abs(nowMs - reading.atMs) > FRESH_MS) return missingBecause(this.#streamOf(index)?.reason ?? reasonOf(report))
    if (reading.row === null) return missingBecause('starting')
    const value = reading.row[metric]
    return value === null ? missingBecause('noSample') : { value, missing: null }
  }

  /** Under changed circumstances (another driver, MIG mode switched), what a card did not support is tried again. */
  circumstancesChanged(): void {
    if (this.#indexes.some((index) => this.readings.of(index)?.supported === false)) this.#begin()
  }

  close(): Promise<void> {
    return this.#streams.close()
  }

  #begin(): void {
    this.readings.forget()
    this.#unsupported = null
    this.#streams.replace(groupsOf(this.#indexes, DMON_GPUS).map((gpus) => this.#open(gpus)))
  }

  #streamOf(index: number): SmiStream | undefined {
    return this.#streams.open[Math.floor(this.#indexes.indexOf(index) / DMON_GPUS)]
  }

  #open(gpus: readonly number[]): SmiStream {
    let header: TableHeader | null = null
    return new SmiStream({
      ...this.#parts,
      name: 'gpm',
      args: gpmArguments(gpus),
      env: SHOW_ALL,
      why: 'read SM activity and DRAM bandwidth once a second',
      read: (line, atMs) => {
        const next = parseTableHeader(header, line)
        if (next !== null) {
          header = next
          return OTHER
        }
        const read = parseGpm(header, line)
        if (read.kind === 'row') this.#take(read.row, atMs)
        return read
      },
      childStarted: () => {
        header = null
        this.readings.childStarted(gpus)
      },
      complained: (complaint) => queueMicrotask(() => this.#complained(gpus, complaint)),
    })
  }

  #take(row: GpmRow, atMs: number): void {
    this.readings.take(row, atMs)
    if (this.readings.of(row.gpuIndex)?.supported === false) queueMicrotask(() => this.#endIfUseless(null))
  }

  #complained(gpus: readonly number[], complaint: Complaint): void {
    if (!complaint.unsupported) return // it tries again by itself
    this.readings.unsupported(gpus, this.#parts.clock.now())
    this.#endIfUseless(complaint)
  }

  #endIfUseless(complaint: Complaint | null): void {
    if (this.#unsupported !== null || !this.#indexes.every((index) => this.readings.of(index)?.supported === false)) return
    const nowMs = this.#parts.clock.now()
    const last = this.#streams.open[0]?.report
    this.#unsupported = { name: 'gpm', state: 'unsupported', sinceMs: nowMs, lastRowAtMs: last?.lastRowAtMs ?? null, badLines: last?.badLines ?? 0, fault: complaint?.fault ?? null }
    this.#streams.replace([])
  }
}
