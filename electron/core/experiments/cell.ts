// One cell of an experiment: its arms' engines, hot or cold, and its rounds of blocks. Which engines stay from one cell to the next is decided here.
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Arm, Block, Point } from '../../../shared/experiment.ts'
import { FaultError, faultOf } from '../../../shared/fault.ts'
import type { Load } from '../../../shared/load.ts'
import type { Arrangement } from './arrangement.ts'
import type { Board } from './board.ts'
import type { Findings } from './findings.ts'
import { gemmCheck } from './gemm.ts'
import { answersOf, guard, needsGuard, type Answer } from './guard.ts'
import type { Lab } from './lab.ts'
import { measureBlock, type BlockOrder, type Measuring } from './measuring.ts'
import { loadingsChecks } from './loadings.ts'
import { againOf, halvesOf, mostMadeUp, orderOf } from './order.ts'
import { parityOf, type ArmCapacity } from './parity.ts'
import { controlOf, probeOf, probesPlateau } from './plan.ts'
import { idleCheck, keepsUpCheck, noIdleCheck, plateauCheck, twice } from './probing.ts'
import { cpusOf, loadArm, prove, reportedEngines, type Residents } from './residents.ts'
import { Cancelled, pause } from './until.ts'
import { nextWarmSeconds, warmCheck, warmWindow, type WarmWindow } from './warming.ts'

export interface CellParts {
  lab: Lab
  arrangement: Arrangement
  measuring: Omit<Measuring, 'onRate'>
  findings: Findings
  board: Board
  signal: AbortSignal
  /** Engines of an arm; null: the engine's own model. Throws BAD_INPUT. */
  fleet(arm: Arm, model: string | null): EngineSpec[]
}

export interface Cell {
  index: number
  point: Point
  load: Load
}

export class Cells {
  readonly #parts: CellParts
  readonly #measuring: Measuring
  /** Single engines first, limited ones last: what others are compared with is had before them. */
  readonly #arms: Arm[]
  readonly #replicas: number
  #model: string | null = null
  readonly #loaded = new Map<string, Residents>()
  /** Of the model that is loaded: what was shown once need not be shown in every half. */
  #single: ArmCapacity | null = null
  #answers: Answer[] | null = null
  #looked = new Set<string>()
  /** Blocks of this cell that may still be measured once more. */
  #madeUpLeft = 0

  constructor(parts: CellParts) {
    this.#parts = parts
    const { file } = parts.findings.plan
    const rank = (arm: Arm) => (arm.kind === 'single' ? 0 : needsGuard(arm) ? 2 : 1)
    this.#arms = [...file.arms].sort((a, b) => rank(a) - rank(b))
    this.#replicas = Math.max(...file.arms.map(({ engines }) => engines))
    this.#measuring = { ...parts.measuring, onRate: (armId, tokensPerSecondNow) => parts.board.arm(armId, { tokensPerSecondNow }) }
  }

  /** Throws EXPERIMENT_FAILED when no arm is left to measure, and Cancelled. */
  async run(cell: Cell): Promise<void> {
    const model = cell.point.model ?? null
    if (model !== this.#model || this.#looked.size === 0) await this.#changeModel(model)
    const rounds = this.#parts.findings.plan.file.blocks.rounds
    this.#madeUpLeft = mostMadeUp(rounds * this.#arms.length)
    if (this.#isHot) await this.#loadAll(cell)
    if (this.#isHot) await this.#hot(cell, rounds)
    else await this.#coldHalves(cell, rounds)
    // of a sweep, the curve shows it
    if (cell.point.perSecond === undefined) for (const arm of this.#arms) for (const check of keepsUpCheck(arm, cell.load, this.#parts.findings.compared(cell.index, arm.id))) this.#parts.findings.addCheck(check)
  }

  async #hot(cell: Cell, rounds: number): Promise<void> {
    await this.#probe(cell, this.#alive)
    for (const [round, order] of orderOf(this.#alive, rounds, cell.load.seed).entries()) await this.#round(cell, round, order)
  }

  async #coldHalves(cell: Cell, rounds: number): Promise<void> {
    for (const [half, roundsOfHalf] of halvesOf(rounds).entries()) {
      for (const arm of half === 0 ? this.#alive : this.#alive.reverse()) await this.#cold(cell, arm, roundsOfHalf)
    }
    const { findings } = this.#parts
    const compared = findings.blocks.filter((block) => block.purpose === 'compared' && block.cell === cell.index)
    for (const check of loadingsChecks(this.#arms, compared, rounds)) findings.addCheck(check)
  }

  get #isHot(): boolean {
    return this.#parts.findings.plan.residency === 'hot'
  }

  get #alive(): Arm[] {
    const alive = this.#arms.filter(({ id }) => !this.#parts.findings.failed.has(id))
    if (alive.length > 0) return alive
    const [fault] = this.#parts.findings.failed.values()
    throw new FaultError('EXPERIMENT_FAILED', `No arm could be measured. ${fault?.sentence ?? ''}`.trim(), fault?.hint ?? 'Look at the checks.', fault?.detail ? { detail: fault.detail } : {})
  }

  async #changeModel(model: string | null): Promise<void> {
    await this.#unload([...this.#loaded.keys()])
    this.#model = model
    this.#single = null
    this.#answers = null
    this.#looked = new Set()
  }

  /** All arms side by side; when the single engine is slower beside idle neighbours, the experiment goes on cold. */
  async #loadAll(cell: Cell): Promise<void> {
    const { findings, board } = this.#parts
    const missing = this.#alive.filter(({ id }) => !this.#loaded.has(id))
    if (missing.length === 0) return
    const before: Block[] = []
    for (const arm of missing) {
      const residents = await this.#load(cell, arm)
      const alone = residents !== null && arm.kind === 'single' && this.#loaded.size === 1 && this.#alive.length > 1
      if (alone) before.push(...(await this.#control(cell, residents)))
    }
    const single = this.#loaded.get(before[0]?.armId ?? '')
    if (!single) {
      if (missing.length === this.#loaded.size && missing.length > 1) findings.addCheck(noIdleCheck())
      return
    }
    const after = await this.#control(cell, single)
    const { check, cost } = idleCheck(before, after)
    findings.addCheck(check)
    board.findings(findings)
    if (!cost) return
    findings.goCold()
    board.replanned(findings.plan)
    await this.#unload([...this.#loaded.keys()])
  }

  async #control(cell: Cell, residents: Residents): Promise<Block[]> {
    this.#parts.board.phase('control')
    const blocks: Block[] = []
    const control = controlOf(this.#parts.findings.plan.file)
    for (let at = 0; at < control.blocks / 2; at += 1) blocks.push(await this.#block({ cell, residents, round: at, purpose: 'control', load: cell.load, ...control }))
    return blocks
  }

  async #cold(cell: Cell, arm: Arm, rounds: readonly number[]): Promise<void> {
    await this.#unload([...this.#loaded.keys()].filter((id) => id !== arm.id))
    if (!this.#loaded.has(arm.id) && (await this.#load(cell, arm)) === null) return
    await this.#probe(cell, [arm])
    for (const round of rounds) if (!this.#parts.findings.failed.has(arm.id)) await this.#round(cell, round, [arm])
  }

  /** Null: the arm failed and is left out from here on. */
  async #load(cell: Cell, arm: Arm): Promise<Residents | null> {
    const { board, findings, lab, fleet } = this.#parts
    board.phase('loading', `Loads ${arm.name}`)
    board.arm(arm.id, { state: 'loading' })
    const startedAtMs = lab.clock.steady()
    try {
      const specs = fleet(arm, cell.point.model ?? null)
      const { memory, ...residents } = await loadArm(arm, specs, this.#parts)
      findings.addCheck(memory)
      this.#loaded.set(arm.id, residents)
      for (const _ of specs) board.loaded((lab.clock.steady() - startedAtMs) / specs.length)
      board.phase('proving', `Proves how ${arm.name} shares the GPU`)
      const proof = await prove(residents, this.#parts)
      findings.addCheck(proof)
      findings.addEngines(reportedEngines(residents, lab))
      if (proof.result !== 'passed') throw new FaultError('EXPERIMENT_FAILED', proof.sentence, 'Look at the evidence of the check, and at the MPS page.', { detail: proof.evidence.join('\n') })
      await this.#compareEngines(residents)
      await this.#warm(cell, residents)
      board.arm(arm.id, { state: 'ready' })
      board.findings(findings)
      return residents
    } catch (error) {
      await this.#fail(arm, error)
      return null
    }
  }

  /** Its windows are no trials and no part of the report; what they showed is. */
  async #warm({ index, load }: Cell, residents: Residents): Promise<void> {
    const { findings, board, signal } = this.#parts
    const { warmUpSeconds } = probeOf(findings.plan.file)
    const windows: WarmWindow[] = []
    board.phase('warming', `Warms ${residents.arm.name} up`)
    for (let seconds = nextWarmSeconds(windows); seconds !== null; seconds = nextWarmSeconds(windows)) {
      const salt = `${this.#measuring.salt}-warm-${residents.arm.id}-${windows.length}` // no prompt of it comes again
      windows.push(warmWindow(await measureBlock({ cell: index, round: 0, purpose: 'probe', residents, load, warmUpSeconds, seconds }, { ...this.#measuring, salt }, signal), seconds))
    }
    findings.addCheck(warmCheck(residents.arm, windows))
  }

  /** Parity and the numeric guard, once per arm and model. */
  async #compareEngines(residents: Residents): Promise<void> {
    const { findings, board, lab, signal } = this.#parts
    const { arm, engines } = residents
    if (this.#looked.has(arm.id)) return
    this.#looked.add(arm.id)
    const capacity: ArmCapacity = { arm, capacities: engines.map((engine) => engine.capacity), cpus: cpusOf(residents, lab) }
    const [engine] = engines
    if (engine && !needsGuard(arm) && this.#arms.some(needsGuard)) this.#answers ??= await answersOf(engine, signal)
    if (arm.kind === 'single') {
      this.#single ??= capacity
      return
    }
    for (const check of parityOf(capacity, this.#single, this.#replicas)) findings.addCheck(check)
    if (!needsGuard(arm)) return
    board.phase('guarding', `Compares answers of ${arm.name} with an unlimited engine's`)
    findings.addCheck(await guard(residents, this.#answers, signal))
    findings.addCheck(await gemmCheck(residents, lab, signal))
  }

  async #probe(cell: Cell, arms: readonly Arm[]): Promise<void> {
    const { findings, board } = this.#parts
    if (!probesPlateau(findings.plan.file)) return
    for (const arm of arms) {
      const residents = this.#loaded.get(arm.id)
      const seen = `plateau ${cell.index} ${arm.id}`
      if (!residents || this.#looked.has(seen)) continue
      this.#looked.add(seen)
      board.phase('probing', `Looks for the plateau of ${arm.name}`)
      const at = async (load: Load) => this.#block({ cell, residents, round: 0, purpose: 'probe', load, ...probeOf(findings.plan.file) })
      findings.addCheck(plateauCheck(residents, cell.load, await at(cell.load), await at(twice(cell.load))))
      board.findings(findings)
    }
  }

  /** Every arm once, and at the end of the round those once more whose block is no measurement, or was spoilt by something passing. */
  async #round(cell: Cell, round: number, order: readonly Arm[]): Promise<void> {
    const again: Arm[] = []
    for (const arm of order) {
      if (this.#parts.findings.failed.has(arm.id)) continue
      const why = this.#again(await this.#compared(cell, round, arm))
      if (why !== null) again.push(arm)
      if (why === 'madeUp') this.#madeUpLeft -= 1
    }
    for (const arm of again) {
      if (!this.#lives(arm.id)) await this.#unload([arm.id])
      if (!this.#loaded.has(arm.id) && (await this.#load(cell, arm)) === null) continue
      const block = await this.#compared(cell, round, arm)
      if (this.#again(block) === 'lost') await this.#fail(arm, new FaultError('EXPERIMENT_FAILED', `${arm.name} could not be measured. ${block.reasons[0] ?? ''}`.trim(), 'Look at the logs of its engines.'))
    }
  }

  #again(block: Block): ReturnType<typeof againOf> {
    return againOf(block, { lives: this.#lives(block.armId), doubts: this.#parts.findings.doubtsOn(block.armId).length, madeUpLeft: this.#madeUpLeft })
  }

  #lives(armId: string): boolean {
    const list = this.#parts.lab.engines.list.value
    return this.#loaded.get(armId)?.engines.every(({ id }) => list.find((engine) => engine.id === id)?.state === 'ready') ?? false
  }

  async #compared(cell: Cell, round: number, arm: Arm): Promise<Block> {
    const { board, findings, lab, signal } = this.#parts
    const { coolDownSeconds, rounds, ...windows } = findings.plan.file.blocks
    const residents = this.#loaded.get(arm.id)
    if (!residents) throw new Error(`arm ${arm.id} is measured and not loaded`)
    // one that is measured once more is the same block of the plan
    const done = new Set(findings.blocks.flatMap((block) => (block.purpose === 'compared' && block.cell === cell.index && block.startedAtMs >= board.now.startedAtMs && !(block.round === round && block.armId === arm.id) ? `${block.round} ${block.armId}` : []))).size
    board.phase('measuring', `Round ${round + 1} of ${rounds}: ${arm.name}`)
    board.block(done, `Round ${round + 1} of ${rounds}: ${arm.name}`)
    const block = await this.#block({ cell, residents, round, purpose: 'compared', load: cell.load, ...windows })
    if (coolDownSeconds > 0) await pause(coolDownSeconds * 1000, lab.clock, signal)
    return block
  }

  async #block({ cell, ...order }: Omit<BlockOrder, 'cell'> & { cell: Cell }): Promise<Block> {
    const { board, findings, lab, signal } = this.#parts
    const armId = order.residents.arm.id
    board.arm(armId, { state: 'measuring' })
    const startedAtMs = lab.clock.steady()
    const block = await measureBlock({ ...order, cell: cell.index }, this.#measuring, signal)
    findings.addBlock(block)
    board.arm(armId, { state: 'ready', tokensPerSecondNow: null })
    board.findings(findings, { purpose: order.purpose, tookMs: lab.clock.steady() - startedAtMs })
    return block
  }

  /** By name, and without its engines: the rest goes on. Throws what is no failure of the arm. */
  async #fail(arm: Arm, error: unknown): Promise<void> {
    const { findings, board, lab } = this.#parts
    if (error instanceof Cancelled) throw error
    const fault = faultOf(error)
    if (fault.code === 'BUG') lab.log.error('an arm of an experiment failed', { arm: arm.id, error })
    findings.failed.set(arm.id, fault)
    board.arm(arm.id, { state: 'failed', fault, tokensPerSecondNow: null })
    await this.#unload([arm.id])
  }

  async #unload(armIds: readonly string[]): Promise<void> {
    for (const armId of armIds) {
      const residents = this.#loaded.get(armId)
      if (!residents) continue
      this.#loaded.delete(armId)
      if (!this.#parts.findings.failed.has(armId)) this.#parts.board.arm(armId, { state: 'waiting' })
      await this.#parts.arrangement.removeEngines(residents.engines.map(({ id }) => id))
    }
  }
}
