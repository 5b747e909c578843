// The pmon streams, one per four GPUs: which processes are on which GPU.
import type { SampleStream } from '../../../shared/gpu.ts'
import { parsePmon, type PmonRow } from './parsePmon.ts'
import { parseTableHeader, type TableHeader } from './parseTable.ts'
import { ProcessReadings } from './processReadings.ts'
import { OTHER } from './readLine.ts'
import { groupsOf, PMON_GPUS, pmonArguments } from './smi.ts'
import { FRESH_MS, SmiStream, type SmiParts } from './stream.ts'
import { worstOf } from './streamReport.ts'
import { Streams } from './streams.ts'

export class ProcessSource {
  readonly #parts: SmiParts
  readonly #streams = new Streams()
  #indexes: readonly number[] = []
  #groups: ProcessReadings[] = []

  constructor(parts: SmiParts) {
    this.#parts = parts
  }

  get pids(): number[] {
    return this.#streams.pids
  }

  report(idle: SampleStream): SampleStream {
    return worstOf(this.#streams.open.map((stream) => stream.report), { ...idle, name: 'processes' })
  }

  /** Watches these GPUs (indexes) from now on. */
  watch(indexes: readonly number[]): void {
    if (String(indexes) === String(this.#indexes) && this.#streams.retryHung()) return
    this.#indexes = indexes
    const groups = groupsOf(indexes, PMON_GPUS).map((gpus) => ({ gpus, readings: new ProcessReadings(gpus) }))
    this.#groups = groups.map((group) => group.readings)
    this.#streams.replace(groups.map(({ gpus, readings }) => this.#open(gpus, readings)))
  }

  /** The rows of the latest samples; null unless every stream is live and fresh. A part of the list would pass for the whole. */
  latest(nowMs: number): PmonRow[] | null {
    const fresh = this.#streams.open.every(({ report }) => report.state === 'live' && report.lastRowAtMs !== null && Math.abs(nowMs - report.lastRowAtMs) <= FRESH_MS)
    const samples = this.#groups.map((group) => group.latest(nowMs))
    if (!fresh || samples.length === 0 || samples.includes(null)) return null
    return samples.flatMap((sample) => sample ?? [])
  }

  close(): Promise<void> {
    return this.#streams.close()
  }

  #open(gpus: readonly number[], readings: ProcessReadings): SmiStream {
    let header: TableHeader | null = null
    return new SmiStream({
      ...this.#parts,
      name: 'processes',
      args: pmonArguments(gpus),
      why: 'see which processes are on the GPUs',
      read: (line, atMs) => {
        const next = parseTableHeader(header, line)
        if (next !== null) {
          header = next
          return OTHER
        }
        const read = parsePmon(header, line)
        if (read.kind === 'row') readings.take(read.row, atMs)
        if (read.kind === 'bad') readings.spoil(atMs)
        return read
      },
      childStarted: () => {
        header = null
        readings.forget()
      },
      complained: () => {},
    })
  }
}
