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
/** The first row of a cold driver can take more than 15 s; later ones that stay away this long are a hang. */
const FIRST_ROW_MS = 20_000
const SILENT_AFTER_MS = 5 * PERIOD_MS
const RESTART_BUDGET = 3
/** So many bad lines and no row between them: nobody needs to wait for a silence to call that rubbish. */
const RUBBISH_LINES = 20
/** When the budget is spent or the tool refuses: again after this. A hung driver may keep each child for ever, so silence doubles it. */
const RETRY_MS = 10_000
const LONGEST_RETRY_MS = 80_000

const fault = (code: Fault['code'], sentence: string, hint: string): Fault => ({ code, sentence, hint, field: null, detail: null })
const SILENT = fault('DRIVER_UNREACHABLE', 'nvidia-smi runs but prints nothing: the driver may hang.', 'Look for NVRM and Xid lines in dmesg; if nvidia-smi hangs in a terminal too, reboot.')
const UNREADABLE = fault('UNREADABLE_OUTPUT', 'nvidia-smi prints lines that Overlap cannot read, and no row among them.', 'Check that the nvidia-smi on the PATH is NVIDIA\'s own, of driver 535 or newer.')
const ENDS = fault('RESTART_BUDGET_SPENT', 'nvidia-smi ends again and again without saying why.', 'Overlap goes on trying, less and less often; run nvidia-smi in a terminal, and look in dmesg.')
const MISSING_TOOL = fault('TOOL_MISSING', 'nvidia-smi is not installed, or not on the PATH.', 'Install the NVIDIA driver, or add the folder of nvidia-smi to the PATH.')

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
  #lastLines: readonly string[] = []
  #badInARow = 0
  /** The present child is being ended for its silence. */
  #silenced = false
  #cancelRetry: (() => void) | null = null
  #closed = false

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#sinceMs = parts.clock.now()
    this.#followed = parts.host.follow({
      argv: [...parts.tools.nvidiaSmi, ...parts.args], env: { ...parts.tools.env, ...parts.env }, why: parts.why,
      firstLineMs: FIRST_ROW_MS, silentAfterMs: SILENT_AFTER_MS, restartBudget: RESTART_BUDGET,
      worthRestarting: ({ lastLines, exitCode }) => this.#complaint(lastLines, exitCode) === null,
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
    return this.#printsRubbish ? 'badLine' : reasonOf(this.report)
  }

  get #printsRubbish(): boolean {
    return this.#lastBadAtMs !== null && this.#lastBadAtMs > (this.#lastRowAtMs ?? 0) && Math.abs(this.#parts.clock.now() - this.#lastBadAtMs) <= FRESH_MS
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

  /** True for a row: only rows put the watchdog off, a tool that prints rubbish is no better than a silent one. */
  #line(line: string): boolean {
    if (this.#closed) return true
    const atMs = this.#parts.clock.now()
    const read = this.#parts.read(line, atMs)
    if (read.kind === 'row') {
      this.#lastRowAtMs = atMs
      this.#retryMs = RETRY_MS
      this.#badInARow = 0
      this.#fault = null
      this.#become('live')
    } else if (read.kind === 'bad' && parseComplaint([line], null) === null) {
      this.#badLines += 1
      this.#lastBadAtMs = atMs
      if ((this.#badInARow += 1) >= RUBBISH_LINES) {
        this.#fault = UNREADABLE
        this.#become('unreadable')
      }
    }
    return read.kind === 'row'
  }

  /** One that was ended for its silence has an exit code that says nothing. */
  #complaint(lastLines: readonly string[], exitCode: number | null): Complaint | null {
    return parseComplaint(lastLines, this.#silenced ? null : exitCode)
  }

  #follow(state: FollowState): void {
    if (this.#closed) return
    switch (state.name) {
      case 'starting':
        this.#parts.childStarted()
        this.#silenced = false
        this.#badInARow = 0
        // a trouble stays on show until a row proves that it is over
        if (this.#state === 'live') this.#become('restarting')
        break
      case 'live':
        break // a line is not a row yet
      case 'silent':
        this.#silenced = true
        this.#fault = this.#printsRubbish ? UNREADABLE : SILENT
        this.#become(this.#printsRubbish ? 'unreadable' : 'silent')
        break
      case 'ended':
        this.#lastLines = state.lastLines
        this.#ended(this.#complaint(state.lastLines, state.exitCode), state.again)
        break
      case 'missing':
        this.#fault = MISSING_TOOL
        this.#become('toolMissing')
        this.#retryLater(RETRY_MS)
        break
      case 'gaveUp':
        if (this.#state === 'refused' || this.#state === 'unsupported') break
        this.#fault ??= { ...ENDS, detail: this.#lastLines.join('\n').slice(0, 500) || null }
        this.#become('gaveUp')
        this.#retryLater(this.#retryMs)
        this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
    }
  }

  #ended(complaint: Complaint | null, again: boolean): void {
    if (complaint === null) {
      if (this.#state !== 'silent' && this.#state !== 'unreadable') this.#become('restarting')
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
