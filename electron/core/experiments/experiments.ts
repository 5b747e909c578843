// The door to experiments: presets, plans, one run at a time, and what a killed one left behind. What a run does is in run.ts.
import { randomUUID } from 'node:crypto'
import type { CommandPreview } from '../../../shared/command.ts'
import type { ExperimentChoice, ExperimentNow, Plan, Preset } from '../../../shared/experiment.ts'
import { FaultError, faultOf } from '../../../shared/fault.ts'
import { Procfs } from '../host/procfs.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { Topic } from '../kit/topic.ts'
import type { Reports } from '../store/reports.ts'
import { chosenOf, plannedOf, type Chosen } from './choice.ts'
import { commandsOf } from './commands.ts'
import type { Lab } from './lab.ts'
import { tidyAfterKill } from './leftovers.ts'
import { factsOf } from './looking.ts'
import { preflight, refusals } from './preflight.ts'
import { cellsOf } from './plan.ts'
import { readPresets } from './presets.ts'
import { ExperimentRun } from './run.ts'

export interface ExperimentsParts {
  lab: Lab
  reports: Reports
  presetsFolder: string
}

export class Experiments {
  /** The one that runs, or the one that ran last in this run of Overlap. */
  readonly now = new Topic<ExperimentNow | null>(null)
  readonly #parts: ExperimentsParts
  readonly #mailbox = new Mailbox()
  #running: { id: string; abort: AbortController; end: Promise<void> } | null = null
  readonly #closing = new AbortController()

  constructor(parts: ExperimentsParts) {
    this.#parts = parts
  }

  async presets(): Promise<Preset[]> {
    const presets = await readPresets(this.#parts.presetsFolder)
    return Promise.all(presets.map(async ({ name, file }) => ({ name, file, cells: cellsOf(file).length, ...(await this.#duration(name)) })))
  }

  /** Looks, starts nothing. Throws BAD_INPUT or NOT_FOUND. */
  async plan(choice: ExperimentChoice): Promise<Plan> {
    const chosen = await chosenOf(choice, this.#parts)
    return this.#checked(plannedOf(chosen, this.#parts.lab), chosen, 'quick')
  }

  /** Every command that a start would run now, in order. Looks, starts nothing. Throws like plan. */
  async preview(choice: ExperimentChoice): Promise<CommandPreview[]> {
    const { lab } = this.#parts
    const chosen = await chosenOf(choice, this.#parts)
    return commandsOf(plannedOf(chosen, lab), chosen, lab)
  }

  /** As plan, and looks deeper. */
  rehearse(choice: ExperimentChoice): Promise<Plan> {
    return this.#mailbox.post(async () => {
      const chosen = await chosenOf(choice, this.#parts)
      return this.#checked(plannedOf(chosen, this.#parts.lab), chosen, this.#running === null ? 'deep' : 'quick')
    })
  }

  /** Takes the hold and answers; the rest is on `now`. Throws HELD, PREFLIGHT, BAD_INPUT or NOT_FOUND. */
  start(choice: ExperimentChoice): Promise<{ id: string }> {
    return this.#mailbox.post(async () => {
      const { lab, reports } = this.#parts
      if (this.#closing.signal.aborted) throw new FaultError('WRONG_STATE', 'Overlap is being closed.', 'Start it again.')
      if (this.#running !== null) throw new FaultError('HELD', 'Another experiment runs.', 'Cancel it first, or wait for its end.')
      const chosen = await chosenOf(choice, this.#parts)
      const plan = await this.#checked(plannedOf(chosen, lab), chosen, 'deep')
      refuse(plan)
      // somebody else's report is not written over
      const own = chosen.earlier !== null && !reports.summaries.value.some(({ id, imported }) => id === chosen.earlier?.id && imported)
      const id = own && chosen.earlier ? chosen.earlier.id : `x${randomUUID().slice(0, 12).replaceAll('-', '')}`
      const abort = new AbortController()
      lab.hold.set({ experimentId: id, sentence: `The experiment “${plan.file.title}” holds the workstation.`, sinceMs: lab.clock.now() })
      const run = new ExperimentRun({ id, lab, reports, chosen, plan, now: this.now, signal: abort.signal })
      const end = run.toEnd().finally(() => {
        this.#running = null
        lab.hold.set(null)
      })
      this.#running = { id, abort, end }
      end.catch((error: unknown) => lab.log.error('an experiment did not end as it should', { id, error }))
      return { id }
    })
  }

  /** Resolves when nothing of it is left. Throws NOT_FOUND for one that never ran here. */
  async cancel(id: string): Promise<void> {
    await this.#mailbox.idle()
    if (this.#running?.id !== id) {
      if (this.now.value?.id === id) return
      throw new FaultError('NOT_FOUND', `No experiment ${id} runs.`, 'Look at the one that runs now.', { field: 'id' })
    }
    const { abort, end } = this.#running
    abort.abort()
    await end
  }

  /** Once, before anything is started: what a killed Overlap, or a machine that lost power, left of an experiment. A start waits for it. Never throws. */
  tidyLeftovers(): Promise<void> {
    const { lab } = this.#parts
    return this.#mailbox.post(() => tidyAfterKill(lab, new Procfs(), this.#closing.signal).catch((error: unknown) => lab.log.error('what an experiment left could not be tidied up', { error })))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#mailbox.idle()
    if (this.#running) await this.cancel(this.#running.id)
  }

  async #checked(plan: Plan, chosen: Chosen, depth: 'quick' | 'deep'): Promise<Plan> {
    return { ...plan, checks: preflight(await factsOf(plan, chosen, this.#parts.lab, depth)) }
  }

  async #duration(preset: string): Promise<Pick<Preset, 'seconds' | 'sentence'>> {
    try {
      const chosen = await chosenOf({ preset, file: null, gpuUuid: null, engineId: null, resumes: null }, this.#parts)
      const { loadingSeconds, measuringSeconds } = plannedOf(chosen, this.#parts.lab).estimate
      return { seconds: loadingSeconds + measuringSeconds, sentence: `With copies of ${chosen.engine.name} on ${chosen.gpu.name}.` }
    } catch (error) {
      return { seconds: null, sentence: faultOf(error).sentence }
    }
  }
}

function refuse({ checks }: Plan): void {
  const refusing = refusals(checks)
  const [first] = refusing
  if (!first) return
  const more = refusing.length > 1 ? ` And ${refusing.length - 1} more.` : ''
  throw new FaultError('PREFLIGHT', `${first.sentence}${more}`, 'Put right what the checks name, then start again.', { detail: refusing.map(({ name, sentence, evidence }) => `${name}: ${sentence} ${evidence.join('; ')}`.trim()).join('\n') })
}
