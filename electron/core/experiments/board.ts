// What is shown of an experiment while it runs: the only writer of `now`. Told by its run; at most four times a second.
import type { ArmNow, ExperimentNow, Phase, Plan } from '../../../shared/experiment.ts'
import { PHASES } from '../../../shared/experiment.ts'
import type { Fault } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import type { Topic } from '../kit/topic.ts'
import type { Findings } from './findings.ts'
import { meanReadings } from './gpuDuring.ts'

const SHOWN_EVERY_MS = 250

export class Board {
  readonly #topic: Topic<ExperimentNow | null>
  readonly #clock: Clock
  #now: ExperimentNow
  /** On the steady clock. */
  #shownAtMs = -Infinity
  #cancelShow: (() => void) | null = null
  #left: { loads: number; loadMs: number; blocks: number; blockMs: number }

  constructor(topic: Topic<ExperimentNow | null>, clock: Clock, { id, plan }: { id: string; plan: Plan }) {
    this.#topic = topic
    this.#clock = clock
    const atMs = clock.now()
    const arms: ArmNow[] = plan.file.arms.map(({ id: armId }) => waitingArm(armId))
    const loads = loadsOf(plan, plan.cells.length)
    const blocks = plan.cells.length * plan.file.arms.length * plan.file.blocks.rounds
    this.#left = { loads, loadMs: (plan.estimate.loadingSeconds * 1000) / loads, blocks, blockMs: (plan.estimate.measuringSeconds * 1000) / Math.max(1, blocks) }
    this.#now = {
      id, plan, phase: 'preflight', sentence: PHASES.preflight, startedAtMs: atMs, phaseSinceMs: atMs, endsAtMs: null, cell: 0, block: null,
      blocks: plan.file.arms.length * plan.file.blocks.rounds, arms, comparisons: [], checks: plan.checks, fault: null, cancelled: false, reportId: null,
    }
    this.#showNow()
  }

  get now(): ExperimentNow {
    return this.#now
  }

  phase(phase: Phase, sentence: string = PHASES[phase]): void {
    const phaseSinceMs = phase === this.#now.phase ? this.#now.phaseSinceMs : this.#clock.now()
    this.#change({ phase, sentence, phaseSinceMs, ...(phase === 'measuring' ? {} : { block: null }) })
    this.#showNow()
  }

  /** Of compared blocks that are left: of this cell's, and of the whole. */
  block(block: number, sentence: string): void {
    this.#change({ block, sentence })
  }

  cell(cell: number, cellsBefore: number): void {
    const perCell = this.#now.blocks
    this.#left.blocks = (this.#now.plan.cells.length - cellsBefore) * perCell
    // of a report that is gone on with, too: what is done is not loaded again
    if (this.#now.plan.residency === 'cold') this.#left.loads = loadsOf(this.#now.plan, this.#now.plan.cells.length - cellsBefore)
    this.#change({ cell, block: null, arms: this.#now.arms.map(({ armId, state, fault }) => ({ ...waitingArm(armId), state, fault })) })
  }

  /** In the middle of a cell, whose engines are all loaded anew. */
  replanned(plan: Plan): void {
    this.#left.loads = loadsOf(plan, plan.cells.length - this.#now.cell)
    this.#change({ plan })
  }

  /** An engine was loaded in this time: corrects the estimate. */
  loaded(tookMs: number): void {
    this.#left.loads = Math.max(0, this.#left.loads - 1)
    this.#left.loadMs = tookMs
  }

  arm(armId: string, change: Partial<ArmNow>): void {
    this.#change({ arms: this.#now.arms.map((arm) => (arm.armId === armId ? { ...arm, ...change } : arm)) })
  }

  /** After a block or a check: means over the valid blocks of this cell, comparisons, checks. */
  findings(findings: Findings, ended?: { purpose: string; tookMs: number }): void {
    if (ended?.purpose === 'compared') this.#left = { ...this.#left, blocks: Math.max(0, this.#left.blocks - 1), blockMs: ended.tookMs }
    const arms = this.#now.arms.map((arm) => ({ ...arm, ...meansOf(findings, this.#now.cell, arm.armId) }))
    this.#change({ arms, comparisons: findings.comparisons, checks: findings.checks })
  }

  end(end: { fault: Fault | null; cancelled: boolean; reportId: string | null; sentence: string }): void {
    this.#change({ ...end, phase: 'done', phaseSinceMs: this.#clock.now(), block: null, arms: this.#now.arms.map((arm) => ({ ...arm, tokensPerSecondNow: null, state: arm.state === 'failed' ? 'failed' : 'waiting' })) })
    this.#showNow()
  }

  #change(change: Partial<ExperimentNow>): void {
    this.#now = { ...this.#now, ...change }
    this.#now.endsAtMs = this.#now.phase === 'done' ? null : this.#clock.now() + this.#left.loads * this.#left.loadMs + this.#left.blocks * this.#left.blockMs
    const waitMs = this.#shownAtMs + SHOWN_EVERY_MS - this.#clock.steady()
    if (waitMs <= 0) this.#showNow()
    else this.#cancelShow ??= this.#clock.after(waitMs, () => this.#showNow())
  }

  #showNow(): void {
    this.#cancelShow?.()
    this.#cancelShow = null
    this.#shownAtMs = this.#clock.steady()
    this.#topic.set(this.#now)
  }
}

/** Engines that are loaded for so many cells: once for all, or one arm after another for each half of each cell's rounds. */
function loadsOf({ residency, file }: Plan, cells: number): number {
  const times = residency === 'cold' ? cells * Math.min(2, file.blocks.rounds) : 1
  return Math.max(1, times * file.arms.reduce((sum, { engines }) => sum + engines, 0))
}

const waitingArm = (armId: string): ArmNow => ({
  armId, state: 'waiting', fault: null, tokensPerSecondNow: null, tokensPerSecond: null, ttftMsP95: null, tpotMsP95: null, gpu: null, blocks: { valid: 0, invalid: 0, failed: 0 },
})

function meansOf(findings: Findings, cell: number, armId: string): Pick<ArmNow, 'tokensPerSecond' | 'ttftMsP95' | 'tpotMsP95' | 'gpu' | 'blocks'> {
  const blocks = findings.compared(cell, armId)
  const valid = blocks.filter(({ validity }) => validity === 'valid')
  const mean = (values: (number | null | undefined)[]): number | null => {
    const known = values.filter((value) => value !== null && value !== undefined)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  const count = (validity: string) => blocks.filter((block) => block.validity === validity).length
  return {
    tokensPerSecond: mean(valid.map(({ total }) => total?.outputTokensPerSecond)), ttftMsP95: mean(valid.map(({ total }) => total?.ttftMs?.p95)),
    tpotMsP95: mean(valid.map(({ total }) => total?.tpotMs?.p95)), gpu: meanReadings(valid.map(({ gpu }) => gpu)),
    blocks: { valid: count('valid'), invalid: count('invalid'), failed: count('failed') },
  }
}
