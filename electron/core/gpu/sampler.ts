// Owns the nvidia-smi streams and makes one GpuFrame of all GPUs per second. Waits for no tool: what has not come by then is null with its reason.
import type { Fault } from '../../../shared/fault.ts'
import { METRIC_KEYS, type GpuFrame, type GpuIdentity, type GpuProcess, type GpuRow, type MetricKey, type Missing, type SampleStream } from '../../../shared/gpu.ts'
import { Topic } from '../kit/topic.ts'
import { GpmSource } from './gpmSource.ts'
import { ProcessSource } from './processSource.ts'
import type { QueryReading } from './queryReadings.ts'
import { QuerySource } from './querySource.ts'
import { missingBecause, type Reading } from './readLine.ts'
import { PERIOD_MS } from './smi.ts'
import { FRESH_MS, type SmiParts } from './stream.ts'

/** Rows of one sample come together; this long after the first of them all are there. */
const SAMPLE_MS = 100

/** What nvidia-smi does not give for a whole GPU in MIG mode. */
const MIG_HIDES: readonly MetricKey[] = ['kernelBusyPercent', 'memoryControllerBusyPercent', 'smActivityPercent', 'dramBandwidthPercent']
const ALL_LOST: Fault = { code: 'GPU_LOST', sentence: 'No GPU answers any more.', hint: 'Look for NVRM and Xid lines in dmesg; a reset or reboot brings a lost GPU back.', field: null, detail: null }

export class Sampler {
  /** null until the first sample, or the first tick without one. */
  readonly frames = new Topic<GpuFrame | null>(null)
  /** In order of index; keeps GPUs that were seen while the driver does not answer. */
  readonly identities = new Topic<GpuIdentity[]>([])
  readonly #parts: SmiParts
  readonly #query: QuerySource
  readonly #processes: ProcessSource
  readonly #gpm: GpmSource
  #watched = ''
  #circumstances = ''
  #tick = 0
  #stopTicking: (() => void) | null = null
  #cancelFirst: (() => void) | null = null

  constructor(parts: SmiParts) {
    this.#parts = parts
    this.#query = new QuerySource(parts, () => (this.#cancelFirst = parts.clock.after(SAMPLE_MS, () => this.#tick === 0 && this.#onTick())))
    this.#processes = new ProcessSource(parts)
    this.#gpm = new GpmSource(parts)
  }

  /** Once. The first frame comes with the first sample, at the latest one period later. */
  start(): void {
    this.#query.start()
    this.#stopTicking = this.#parts.clock.every(PERIOD_MS, () => this.#onTick())
  }

  /** Starts every stream anew, with fresh budgets; also tries again what was not supported. */
  retry(): void {
    this.#watched = ''
    this.#query.start()
  }

  /** The processes that watching needs now. */
  toolPids(): number[] {
    return [...this.#query.pids, ...this.#processes.pids, ...this.#gpm.pids]
  }

  async close(): Promise<void> {
    this.#stopTicking?.()
    this.#cancelFirst?.()
    await Promise.all([this.#query.close(), this.#processes.close(), this.#gpm.close()])
  }

  #onTick(): void {
    const nowMs = this.#parts.clock.now()
    this.#query.tick(nowMs)
    const readings = this.#query.readings.all
    this.#watch(readings.filter((reading) => reading.lost === null))
    this.#publishIdentities(readings)
    this.#tick += 1
    const query = this.#query.report
    const idle = idleReport(query, readings)
    this.frames.set({
      atMs: nowMs,
      tick: this.#tick,
      rows: readings.map((reading) => this.#row(reading, idle, nowMs)),
      processes: this.#processList(readings, nowMs),
      streams: [query, this.#processes.report(idle), this.#gpm.report(idle)],
    })
  }

  /** pmon and dmon are told which GPUs to watch: a lost one among them can silence them. */
  #watch(healthy: readonly QueryReading[]): void {
    const key = healthy.map(({ identity }) => `${identity.index} ${identity.uuid}`).join()
    const circumstances = healthy.map(({ identity }) => `${identity.driverVersion} ${identity.migMode}`).join()
    const changed = circumstances !== this.#circumstances
    this.#circumstances = circumstances
    if (key === this.#watched) return changed ? this.#gpm.circumstancesChanged() : undefined
    this.#watched = key
    const indexes = healthy.map(({ identity }) => identity.index)
    this.#processes.watch(indexes)
    this.#gpm.watch(indexes)
  }

  #publishIdentities(readings: readonly QueryReading[]): void {
    const identities = readings.map(({ identity }) => ({ ...identity, gpm: this.#gpm.readings.of(identity.index)?.supported ?? null }))
    if (JSON.stringify(identities) !== JSON.stringify(this.identities.value)) this.identities.set(identities)
  }

  #row(reading: QueryReading, idle: SampleStream, nowMs: number): GpuRow {
    const metrics = {} as Record<MetricKey, number | null>
    const missing: Partial<Record<MetricKey, Missing>> = {}
    for (const key of METRIC_KEYS) {
      const read = this.#metric(reading, key, idle, nowMs)
      metrics[key] = read.value
      if (read.missing !== null) missing[key] = read.missing
    }
    const { uuid, index } = reading.identity
    return { uuid, index, metrics, missing, readAtMs: { query: reading.atMs, gpm: this.#gpm.readings.of(index)?.atMs ?? null } }
  }

  #metric(reading: QueryReading, key: MetricKey, idle: SampleStream, nowMs: number): Reading {
    if (reading.lost !== null) return missingBecause(reading.lost)
    const stale = Math.abs(nowMs - reading.atMs) > FRESH_MS
    const read = key === 'smActivityPercent' || key === 'dramBandwidthPercent' ? this.#gpm.value(reading.identity.index, key, idle, nowMs)
      : stale ? missingBecause(this.#query.reason(reading, nowMs)) : reading.metrics[key]
    return read.missing === 'notSupported' && MIG_HIDES.includes(key) && reading.identity.migMode === 'Enabled' ? missingBecause('mig') : read
  }

  #processList(readings: readonly QueryReading[], nowMs: number): GpuProcess[] | null {
    const uuids = new Map(readings.map(({ identity }) => [identity.index, identity.uuid]))
    return this.#processes.latest(nowMs)?.flatMap(({ gpuIndex, pid, type, usedMemoryMiB, name }) => {
      const gpuUuid = uuids.get(gpuIndex)
      return pid === null || gpuUuid === undefined ? [] : [{ gpuUuid, pid, type, usedMemoryMiB, name }]
    }) ?? null
  }
}

/** Streams that were not started, because no healthy GPU is known, share the fate of the query. */
function idleReport(query: SampleStream, readings: readonly QueryReading[]): SampleStream {
  const fault = readings.length > 0 && readings.every(({ lost }) => lost !== null) ? ALL_LOST : null
  const state = query.state !== 'live' ? query.state : fault === null ? 'starting' : 'refused'
  return { ...query, state, lastRowAtMs: null, badLines: 0, fault: fault ?? query.fault }
}
