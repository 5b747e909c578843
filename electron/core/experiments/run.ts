// One experiment from its hold to the end of its tidy-up. Its phases in order; every one of them can be cancelled.
import { join } from 'node:path'
import type { Arm, ExperimentNow, Plan, Report } from '../../../shared/experiment.ts'
import { faultOf, type Fault } from '../../../shared/fault.ts'
import { fleetOf } from '../engines/fleet.ts'
import { shareCores } from '../engines/cores.ts'
import { NODE } from '../engines/launch.ts'
import type { Topic } from '../kit/topic.ts'
import type { Reports } from '../store/reports.ts'
import type { ProcessId } from '../host/host.ts'
import { Procfs } from '../host/procfs.ts'
import { Arrangement, isUp } from './arrangement.ts'
import { Board } from './board.ts'
import { Cells } from './cell.ts'
import type { Chosen } from './choice.ts'
import { continuityCheck } from './continuity.ts'
import { Findings } from './findings.ts'
import { Journal } from './journal.ts'
import type { Lab } from './lab.ts'
import { loadOf } from './plan.ts'
import { reportOf } from './reporting.ts'
import { Cancelled, throwIfCancelled } from './until.ts'

/** It looks four times a second. */
const AFTERLIFE_GONE_MS = 2_000

export const journalPath = (stateDirectory: string): string => join(stateDirectory, 'experiment.journal')

export interface RunParts {
  id: string
  lab: Lab
  reports: Reports
  chosen: Chosen
  /** With its checks. */
  plan: Plan
  now: Topic<ExperimentNow | null>
  signal: AbortSignal
}

export class ExperimentRun {
  readonly #parts: RunParts
  readonly #findings: Findings
  readonly #board: Board
  readonly #startedAtMs: number
  #saved = false
  #notSaved: Fault | null = null
  #afterlife: ProcessId | null = null
  readonly #procfs = new Procfs()

  constructor(parts: RunParts) {
    this.#parts = parts
    this.#findings = new Findings(parts.plan, parts.chosen.earlier)
    this.#board = new Board(parts.now, parts.lab.clock, { id: parts.id, plan: parts.plan })
    this.#startedAtMs = parts.chosen.earlier?.startedAtMs ?? parts.lab.clock.now()
  }

  /** Resolves when nothing of it is left, however it ended. Never throws. */
  async toEnd(): Promise<void> {
    const { lab, signal } = this.#parts
    const { fault, tidyFaults } = await this.#arranged()
    // too late to cancel: everything was measured
    const cancelled = signal.aborted && this.#findings.cellsDone.length < this.#parts.plan.cells.length
    const report = this.#report(cancelled ? 'cancelled' : 'over')
    // a result that is there is kept, also when nothing new came of a resumed run
    if (this.#findings.blocks.length > 0) this.#save(report)
    const why = tidyFaults[0] ?? fault ?? this.#notSaved ?? (report.outcome === 'invalid' ? invalid(report) : null)
    const sentence = cancelled ? 'Cancelled; everything was taken down.' : fault ? fault.sentence : 'Over; everything was taken down.'
    lab.log.info('experiment over', { id: this.#parts.id, outcome: report.outcome, cancelled, fault: why?.code ?? null })
    this.#board.end({ fault: why, cancelled, reportId: this.#saved ? this.#parts.id : null, sentence: tidyFaults[0]?.sentence ?? sentence })
  }

  /** Everything between the first thing made and the last thing undone. */
  async #arranged(): Promise<{ fault: Fault | null; tidyFaults: Fault[] }> {
    const { lab, plan } = this.#parts
    let arrangement: Arrangement | null = null
    let fault: Fault | null = null
    try {
      const journal = await this.#openJournal()
      arrangement = new Arrangement({ lab, journal, gpuUuid: plan.gpuUuid })
      await this.#carryOut(arrangement)
    } catch (error) {
      if (!(error instanceof Cancelled)) {
        fault = faultOf(error)
        if (fault.code === 'BUG') lab.log.error('an experiment failed', { error })
      }
    }
    this.#board.phase('tidying')
    const startedAtMs = lab.clock.steady()
    const tidyFaults = (await arrangement?.undo()) ?? []
    await this.#afterlifeGone()
    lab.log.info('experiment tidied up', { id: this.#parts.id, tookMs: lab.clock.steady() - startedAtMs, left: tidyFaults.length })
    return { fault, tidyFaults }
  }

  async #carryOut(arrangement: Arrangement): Promise<void> {
    const { lab, plan, signal, chosen } = this.#parts
    const board = this.#board
    board.phase('arranging')
    await arrangement.setAside(lab.engines.list.value.filter((engine) => engine.spec.gpuUuid === plan.gpuUuid && !engine.temporary && isUp(engine)), signal)
    if (plan.startsMps) await arrangement.startMps(signal)
    if (chosen.earlier) this.#findings.addCheck(continuityCheck(chosen.earlier, lab.describe(plan.gpuUuid), lab.clock.now()))
    const cpus = lab.cpus(plan.gpuUuid)
    const replicas = Math.max(...plan.file.arms.map(({ engines }) => engines))
    throwIfCancelled(signal)
    const generator = await arrangement.openGenerator({ processes: replicas, cpus: shareCores(cpus, replicas).generator })
    const cells = new Cells({
      lab, arrangement, board, findings: this.#findings, signal,
      measuring: { lab, gpuUuid: plan.gpuUuid, generator, findings: this.#findings, salt: `${this.#parts.id}-${this.#board.now.startedAtMs.toString(36)}` },
      fleet: (arm, model) => fleetOf({
        engine: chosen.engine, arm, model, gpuUuid: plan.gpuUuid, replicas, prefix: `x${this.#parts.id.slice(-4)}`, streamIntervalTokens: plan.file.load.streamIntervalTokens,
        cpus: cpusOf(arm, cpus, replicas),
      }),
    })
    for (const [index, { point }] of plan.cells.entries()) {
      if (this.#findings.cellsDone.includes(index)) continue
      board.cell(index, this.#findings.cellsDone.length)
      await cells.run({ index, point, load: loadOf(plan.file, point) })
      this.#findings.cellsDone = [...this.#findings.cellsDone, index]
      this.#save(this.#report('underWay'))
    }
  }

  /** Before anything is made: the journal, and whoever undoes it should this process be killed. */
  async #openJournal(): Promise<Journal> {
    const { lab, id } = this.#parts
    const procfs = this.#procfs
    const path = journalPath(lab.stateDirectory)
    const core = { pid: process.pid, startTicks: procfs.processStat(process.pid)?.startTicks ?? 0 }
    const journal = Journal.begin(path, { experimentId: id, core, bootId: procfs.bootId(), atMs: lab.clock.now(), throwaway: lab.throwaway })
    try {
      this.#afterlife = await lab.host.launch({
        argv: [NODE.path, lab.programs.afterlife, path, id, String(core.pid), String(core.startTicks)], env: NODE.env, cwd: lab.stateDirectory,
        logPath: join(lab.stateDirectory, 'afterlife.log'), why: 'tidy up after the experiment if Overlap is killed',
      })
      journal.watchedBy(this.#afterlife)
    } catch (error) {
      journal.close()
      throw error
    }
    return journal
  }

  /** It sees that the journal is gone, and ends by itself. */
  async #afterlifeGone(): Promise<void> {
    const { clock } = this.#parts.lab
    for (const untilMs = clock.steady() + AFTERLIFE_GONE_MS; this.#afterlife && this.#procfs.isAlive(this.#afterlife) && clock.steady() < untilMs;) await clock.sleep(50)
  }

  #report(end: 'over' | 'cancelled' | 'underWay'): Report {
    const { id, lab } = this.#parts
    return reportOf({ id, lab, findings: this.#findings, startedAtMs: this.#startedAtMs, end })
  }

  #save(report: Report): void {
    try {
      this.#parts.reports.save(report, { imported: false })
      this.#saved = true
      this.#notSaved = null
    } catch (error) {
      const { code, sentence, hint, detail } = faultOf(error)
      this.#notSaved = { code: 'EXPERIMENT_FAILED', sentence: code === 'BUG' ? 'The report could not be saved.' : `The report could not be saved. ${sentence}`, hint: code === 'BUG' ? 'Look at the space on the disk of the state folder, and at the log.' : hint, field: null, detail }
      this.#parts.lab.log.error('a report could not be saved', { id: report.id, error })
    }
  }
}

/** The single engine gets the cores of the replicas together. */
function cpusOf(arm: Arm, cpus: { all: number[]; near: number[] }, replicas: number): (string | null)[] {
  return shareCores(cpus, arm.kind === 'single' ? replicas : arm.engines).engines
}

const invalid = ({ reasons }: Report): Fault => ({
  code: 'EXPERIMENT_FAILED', sentence: `There is no valid result. ${reasons[0] ?? ''}`.trim(), hint: 'The report lists every block with its reasons, and every check.', field: null, detail: reasons.join('\n'),
})
