// One long-lived nvidia-smi: what it prints goes to `read`, what becomes of it is a SampleStream. Knows nothing of GPUs.
import type { Fault } from '../../../shared/fault.ts'
import type { Missing, SampleStream } from '../../../shared/gpu.ts'
import type { Followed, FollowState, Host, Tools } from '../host/host.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { parseComplaint, type Complaint } from './parseComplaint.ts'
import type { ReadLine } from './readLine.ts'
import { PERIOD_MS } from './smi.ts'
import { reasonOf } from './streamReport.ts'

/** A value older than this is not the present one. */
export const FRESH_MS = 3 * PERIOD_MS
/** The first sample of a cold driver can take more than 15 s; later ones that stay away this long are a hang. */
const FIRST_LINE_MS = 20_000
const SILENT_AFTER_MS = 5 * PERIOD_MS
const RESTART_BUDGET = 3
/** When the budget is spent or the tool refuses: again after this. A hung driver may keep each child for ever, so silence doubles it. */
const RETRY_MS = 10_000
const LONGEST_RETRY_MS = 80_000

/** What every part of this folder that starts nvidia-smi needs. */
export interface SmiParts {
  host: Host
  tools: Tools
  clock: Clock
  log: Log
}

export interface StreamParts extends SmiParts {
  name: SampleStream['name']
  /** After nvidia-smi's own name. */
  args: readonly string[]
  env?: Record<string, string>
  why: string
  /** Every complete line, and when it came. */
  read(line: string, atMs: number): ReadLine<unknown>
  /** A new child begins: nothing it says continues the last one. */
  childStarted(): void
  /** The tool said why it gives nothing. */
  complained(complaint: Complaint): void
}

export class SmiStream {
  readonly #parts: StreamParts
  #followed: Followed | null = null
  #state: SampleStream['state'] = 'starting'
  #sinceMs: number
  #lastRowAtMs: number | null = null
  #lastBadAtMs: number | null = null
  #badLines = 0
  #fault: Fault | null = null
  #retryMs = RETRY_MS
  #cancelRetry: (() => void) | null = null
  #closed = false

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#sinceMs = parts.clock.now()
    this.#followed = parts.host.follow({
      argv: [...parts.tools.nvidiaSmi, ...parts.args], env: { ...parts.tools.env, ...parts.env }, why: parts.why,
      firstLineMs: FIRST_LINE_MS, silentAfterMs: SILENT_AFTER_MS, restartBudget: RESTART_BUDGET,
      worthRestarting: ({ lastLines, exitCode }) => parseComplaint(lastLines, exitCode) === null,
      onLine: (line) => this.#line(line),
      onState: (state) => this.#follow(state),
    })
  }

  get pid(): number | null {
    return this.#followed?.pid ?? null
  }

  get report(): SampleStream {
    return { name: this.#parts.name, state: this.#state, sinceMs: this.#sinceMs, lastRowAtMs: this.#lastRowAtMs, badLines: this.#badLines, fault: this.#fault }
  }

  /** Why a value that should come from here is not there now. */
  get reason(): Missing {
    const badNow = this.#lastBadAtMs !== null && this.#lastBadAtMs > (this.#lastRowAtMs ?? 0) && Math.abs(this.#parts.clock.now() - this.#lastBadAtMs) <= FRESH_MS
    return badNow ? 'badLine' : reasonOf(this.report)
  }

  /** A new child with a fresh budget, once the present one is gone. */
  retry(): void {
    this.#cancelRetry?.()
    this.#followed?.retry()
  }

  close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry?.()
    return this.#followed?.close() ?? Promise.resolve()
  }

  #line(line: string): void {
    if (this.#closed) return
    const atMs = this.#parts.clock.now()
    const read = this.#parts.read(line, atMs)
    if (read.kind === 'row') {
      this.#lastRowAtMs = atMs
      this.#retryMs = RETRY_MS
      this.#fault = null
      this.#become('live')
    } else if (read.kind === 'bad' && parseComplaint([line], null) === null) {
      this.#badLines += 1
      this.#lastBadAtMs = atMs
    }
  }

  #follow(state: FollowState): void {
    if (this.#closed) return
    switch (state.name) {
      case 'starting':
        this.#parts.childStarted()
        // a trouble stays on show until a row proves that it is over
        if (this.#state === 'live') this.#become('restarting')
        break
      case 'live':
        break // a line is not a row yet
      case 'silent':
        this.#fault = { code: 'DRIVER_UNREACHABLE', sentence: 'nvidia-smi runs but prints nothing: the driver may hang.', hint: 'Look for NVRM and Xid lines in dmesg; if nvidia-smi hangs in a terminal too, reboot.', field: null, detail: null }
        this.#become('silent')
        break
      case 'ended':
        this.#ended(parseComplaint(state.lastLines, state.exitCode), state.again)
        break
      case 'missing':
        this.#fault = { code: 'TOOL_MISSING', sentence: 'nvidia-smi is not installed, or not on the PATH.', hint: 'Install the NVIDIA driver, or add the folder of nvidia-smi to the PATH.', field: null, detail: null }
        this.#become('toolMissing')
        this.#retryLater(RETRY_MS)
        break
      case 'gaveUp':
        if (this.#state === 'refused' || this.#state === 'unsupported') break
        this.#become('gaveUp')
        this.#retryLater(this.#retryMs)
        this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
    }
  }

  #ended(complaint: Complaint | null, again: boolean): void {
    if (complaint === null) {
      if (this.#state !== 'silent') this.#become('restarting')
      if (!again) this.#retryLater(RETRY_MS)
      return
    }
    this.#fault = complaint.fault
    this.#become(complaint.unsupported ? 'unsupported' : 'refused')
    if (!again && !complaint.unsupported) this.#retryLater(RETRY_MS)
    this.#parts.complained(complaint)
  }

  #retryLater(ms: number): void {
    this.#cancelRetry?.()
    this.#cancelRetry = this.#parts.clock.after(ms, () => this.#followed?.retry())
  }

  #become(state: SampleStream['state']): void {
    if (state === this.#state) return
    this.#state = state
    this.#sinceMs = this.#parts.clock.now()
  }
}
