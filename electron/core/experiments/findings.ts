// What an experiment has found so far: blocks, checks, engines, arms that failed. Written by its run, read by the board and the report.
import { FEWEST_PAIRS, type Block, type Check, type Comparison, type Plan, type Report, type ReportedEngine } from '../../../shared/experiment.ts'
import { pointText } from '../../../shared/sweep.ts'
import type { Fault } from '../../../shared/fault.ts'
import { comparisonsOf } from './gains.ts'

export class Findings {
  plan: Plan
  blocks: Block[]
  checks: Check[]
  engines: ReportedEngine[]
  cellsDone: number[]
  comparisons: Comparison[]
  /** By arm: why it is left out from here on. */
  readonly failed = new Map<string, Fault>()

  /** `earlier`: the report that is gone on with. */
  constructor(plan: Plan, earlier: Report | null) {
    this.plan = plan
    this.cellsDone = earlier?.cellsDone ?? []
    this.blocks = earlier?.blocks.map((block) => (this.cellsDone.includes(block.cell) ? block : interrupted(block))) ?? []
    this.engines = earlier?.engines ?? []
    this.checks = [...(earlier?.checks.filter(({ name }) => name.includes('/')) ?? []), ...plan.checks]
    this.comparisons = comparisonsOf(plan.file.arms, this.blocks, plan.file.blocks.rounds)
  }

  /** Idle residents turned out to cost something: from here on arms are loaded one after another, and the report says so. */
  goCold(): void {
    this.plan = { ...this.plan, residency: 'cold' }
  }

  get nextIndex(): number {
    return this.blocks.reduce((most, { index }) => Math.max(most, index + 1), 0)
  }

  addBlock(block: Block): void {
    this.blocks = [...this.blocks, block]
    if (block.purpose === 'compared') this.comparisons = comparisonsOf(this.plan.file.arms, this.blocks, this.plan.file.blocks.rounds)
  }

  /** A newer look at the same thing takes the older one's place, unless that one found something else. */
  addCheck(check: Check): void {
    this.checks = [...this.checks.filter(({ name, result }) => name !== check.name || result !== check.result), check]
  }

  /** Engines are loaded again with another model or in another half: each of them is told once per command line. */
  addEngines(engines: readonly ReportedEngine[]): void {
    const same = (a: ReportedEngine, b: ReportedEngine) => a.name === b.name && commandOf(a) === commandOf(b)
    this.engines = [...this.engines.filter((known) => !engines.some((engine) => same(known, engine))), ...engines]
  }

  /** The last checks of this arm that take its blocks their validity. */
  doubtsOn(armId: string): string[] {
    const newest = new Map(this.checks.filter(({ name }) => name.endsWith(`/${armId}`)).map((check) => [check.name, check]))
    return [...newest.values()].filter(({ weight, result }) => weight === 'invalidates' && result === 'failed').map(({ sentence }) => sentence)
  }

  compared(cell: number, armId: string): Block[] {
    return this.blocks.filter((block) => block.purpose === 'compared' && block.cell === cell && block.armId === armId)
  }

  /** underWay: kept after a cell, and all there is should Overlap be killed. */
  outcome(end: 'over' | 'cancelled' | 'underWay'): Pick<Report, 'outcome' | 'reasons'> {
    const { file, cells } = this.plan
    // fewer cannot show a difference, but are a valid result where no more were asked for
    const enough = Math.min(FEWEST_PAIRS, file.blocks.rounds)
    const counts = (cell: number, armId: string) => this.compared(cell, armId).filter(({ validity }) => validity === 'valid').length >= enough
    const where = (of: readonly number[]) => (cells.length > 1 ? ` (${of.map((cell) => pointText(cells[cell]?.point ?? {})).join('; ')})` : '')
    // an arm in a sentence: a sweep on a busy machine may have a gap in every cell
    const gaps = file.arms.flatMap(({ id, name }) => {
      const short = this.cellsDone.filter((cell) => !counts(cell, id))
      return short.length === 0 ? [] : [`Fewer than ${enough} valid blocks of “${name}”${where(short)}.`]
    })
    const shown = this.cellsDone.some((cell) => file.arms.filter(({ id }) => counts(cell, id)).length >= Math.min(2, file.arms.length))
    const reasons = [...[...this.failed.values()].map(({ sentence }) => sentence), ...gaps]
    // cancelled while it was tidied up, it has all that it should have
    if (this.cellsDone.length < cells.length) {
      return { outcome: shown || end !== 'over' ? 'partial' : 'invalid', reasons: [`${this.cellsDone.length} of ${cells.length} cells are done${end === 'cancelled' ? ': it was cancelled' : ''}.`, ...reasons] }
    }
    return { outcome: gaps.length === 0 ? 'valid' : shown ? 'partial' : 'invalid', reasons }
  }
}

const INTERRUPTED = 'Its cell was interrupted, and measured anew.'

/** A cell is measured in one go: what an earlier sitting had of it stays listed, and does not count. */
function interrupted(block: Block): Block {
  if (block.reasons.includes(INTERRUPTED)) return block
  return { ...block, validity: block.validity === 'failed' ? 'failed' : 'invalid', reasons: [...block.reasons, INTERRUPTED] }
}

/** Ports differ at every start. */
const commandOf = ({ argv }: ReportedEngine): string => argv.filter((word) => !/^\d{4,5}$/.test(word)).join(' ')
