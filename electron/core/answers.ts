// The contract answered by a Workstation: the one place where calls from outside meet the core. Decides nothing.
import { implement, ORPCError, ValidationError } from '@orpc/server'
import type { Advice } from '../../shared/advice.ts'
import type { CommandPreview, LedgerEntry, Routine } from '../../shared/command.ts'
import { contract, type Greeting, type MpsAction, type OwnCost, type PlainHttp } from '../../shared/contract.ts'
import type { Engine, EngineSpec } from '../../shared/engine.ts'
import type { ExperimentChoice, ExperimentNow, Hold, Plan, Preset, Report, ReportSummary } from '../../shared/experiment.ts'
import { Fault, FAULT_STATUS, faultOf } from '../../shared/fault.ts'
import type { FoundEngine } from '../../shared/foundEngine.ts'
import type { GpuFrame, GpuIdentity, HistoryWindow } from '../../shared/gpu.ts'
import type { LimitsChange, MpsDaemon } from '../../shared/mps.ts'
import { compareReports } from './experiments/exports/compare.ts'
import { exportReport } from './experiments/exports/exportReport.ts'
import { parseReport } from './experiments/exports/json.ts'
import { refuseWhileHeld } from './hold.ts'
import { every, latest, latestOrNone, type ReaderLink } from './kit/paced.ts'
import type { Log } from './kit/log.ts'
import type { Feed, Topic } from './kit/topic.ts'

/** How far a slow reader of a log or of the Ledger may lag behind before the oldest entries are dropped. */
const FEED_CAP = { entries: 5000, characters: 4 * 1024 * 1024 }

export interface CallContext {
  link: ReaderLink
}

type Action = 'start' | 'stop' | 'restart'

export interface MpsOnGpu {
  /** Throws FaultError BAD_INPUT: setLimits without limits. */
  preview(asked: { action: MpsAction; forceAfterSeconds: number | null; limits: LimitsChange | null }): CommandPreview[]
  start(): Promise<void>
  stop(consent: { forceAfterSeconds: number | null }): Promise<void>
  restart(consent: { forceAfterSeconds: number | null }): Promise<void>
  log(lines: number): Promise<{ control: string[]; server: string[] }>
}

/** The door for browsers and scripts. Who listens is an entry's matter. */
export interface PlainHttpSwitch {
  readonly now: Topic<PlainHttp>
  /** Throws FaultError: PORT_TAKEN, NO_PERMISSION, WRONG_STATE where it cannot be opened or closed here. */
  set(open: boolean): Promise<void>
}

/** What the contract needs of the product; workstation.ts is it. */
export interface Answering {
  greeting(): Greeting
  readonly cost: Topic<OwnCost | null>
  readonly advice: Topic<Advice[]>
  readonly plainHttp: PlainHttpSwitch
  readonly gpu: { identities: Topic<GpuIdentity[]>; frames: Topic<GpuFrame | null>; retry(): void }
  readonly history: { window(series: string[], fromMs: number, toMs: number, maxPoints: number): HistoryWindow }
  readonly mps: {
    daemons: Topic<MpsDaemon[]>
    /** Throws FaultError NOT_FOUND. */
    on(gpuUuid: string): MpsOnGpu
    useForeign(gpuUuid: string, pipeDirectory: string | null): Promise<void>
    setLimits(gpuUuid: string, change: LimitsChange): Promise<void>
  }
  readonly engines: {
    engines: Topic<Engine[]>
    add(spec: EngineSpec): Promise<string>
    change(id: string, spec: EngineSpec): Promise<void>
    remove(id: string): Promise<void>
    preview(id: string, action: Action | 'putOnMps'): CommandPreview[] | Promise<CommandPreview[]>
    start(id: string): Promise<void>
    stop(id: string, how: { drainSeconds: number }): Promise<void>
    restart(id: string): Promise<void>
    putOnMps(id: string): Promise<void>
    log(id: string): { tail(lines: number): Promise<string[]>; follow(onLines: (lines: string[]) => void): () => void }
  }
  readonly found: {
    found: Topic<FoundEngine[]>
    takeIn(id: string): Promise<string>
    previewTakeIn(id: string): { runs: CommandPreview; startsAgain: CommandPreview }
    putOnMps(id: string): Promise<string>
    previewOnMps(id: string): Promise<CommandPreview[]>
  }
  readonly host: { ledger: Feed<LedgerEntry>; routine: Topic<Routine[]> }
  /** What every command inherits, secrets masked. */
  inherited(): Record<string, string>
  readonly hold: Topic<Hold | null>
  readonly experiments: {
    readonly now: Topic<ExperimentNow | null>
    presets(): Promise<Preset[]>
    plan(choice: ExperimentChoice): Promise<Plan>
    rehearse(choice: ExperimentChoice): Promise<Plan>
    start(choice: ExperimentChoice): Promise<{ id: string }>
    cancel(id: string): Promise<void>
  }
  readonly reports: {
    readonly summaries: Topic<ReportSummary[]>
    get(id: string): Report
    save(report: Report, how: { imported: boolean }): void
    remove(id: string): void
  }
}

const os = implement(contract).$context<CallContext>()

/** Everything thrown becomes one of the contract's errors, with its Fault inside. */
export function asContractError(thrown: unknown, log: Log): ORPCError<string, Fault> {
  if (thrown instanceof ORPCError && Fault.safeParse(thrown.data).success) return thrown as ORPCError<string, Fault>
  const fault = inputFault(thrown) ?? faultOf(thrown)
  if (fault.code === 'BUG') log.error('a call failed unexpectedly', { error: thrown })
  return new ORPCError(fault.code, { status: FAULT_STATUS[fault.code], message: fault.sentence, data: fault, defined: true })
}

function inputFault(thrown: unknown): Fault | null {
  if (!(thrown instanceof ORPCError)) return null
  if (thrown.code === 'PAYLOAD_TOO_LARGE') return { code: 'TOO_LARGE', sentence: 'The request is too large.', hint: 'Send at most 32 MiB.', field: null, detail: null }
  if (thrown.code !== 'BAD_REQUEST') return null
  const issue = thrown.cause instanceof ValidationError ? thrown.cause.issues[0] : undefined
  if (!issue) return { code: 'BAD_INPUT', sentence: 'The request cannot be read.', hint: 'Send the fields that /api/openapi.json names, as JSON.', field: null, detail: thrown.message }
  const field = (issue.path ?? []).map((key) => (typeof key === 'object' ? key.key : key)).map(String).join('.') || null
  return {
    code: 'BAD_INPUT',
    sentence: !field ? issue.message : issue.message.endsWith('received undefined') ? `${field} is missing.` : `${field} is not right: ${issue.message}`,
    hint: 'Correct the field and try again.',
    field,
    detail: null,
  }
}

export function answers(workstation: Answering, log: Log) {
  const wall = os.use(async ({ next }) => {
    try {
      return await next()
    } catch (thrown) {
      throw asContractError(thrown, log)
    }
  })
  const never = new AbortController().signal
  const { gpu, mps, engines, found, host, experiments, reports } = workstation
  const unheld = os.middleware(async ({ next }) => {
    refuseWhileHeld(workstation.hold.value)
    return await next()
  })

  return wall.router({
    workstation: {
      greeting: wall.workstation.greeting.handler(() => workstation.greeting()),
      cost: wall.workstation.cost.handler(({ context, signal = never }) => latest(context.link, workstation.cost, signal)),
      advice: wall.workstation.advice.handler(({ context, signal = never }) => latest(context.link, workstation.advice, signal)),
      plainHttp: wall.workstation.plainHttp.handler(({ context, signal = never }) => latest(context.link, workstation.plainHttp.now, signal)),
      setPlainHttp: wall.workstation.setPlainHttp.handler(async ({ input }) => {
        await workstation.plainHttp.set(input.open)
        return {}
      }),
      hold: wall.workstation.hold.handler(({ context, signal = never }) => latestOrNone(context.link, workstation.hold, signal)),
    },
    gpu: {
      identities: wall.gpu.identities.handler(({ context, signal = never }) => latest(context.link, gpu.identities, signal)),
      frames: wall.gpu.frames.handler(({ context, signal = never }) => latest(context.link, gpu.frames, signal)),
      history: wall.gpu.history.handler(({ input }) => workstation.history.window(input.series, input.fromMs, input.toMs, input.maxPoints)),
      retry: wall.gpu.retry.handler(() => {
        gpu.retry()
        return {}
      }),
    },
    mps: {
      daemons: wall.mps.daemons.handler(({ context, signal = never }) => latest(context.link, mps.daemons, signal)),
      preview: wall.mps.preview.handler(({ input }) => mps.on(input.gpuUuid).preview(input)),
      start: wall.mps.start.use(unheld).handler(async ({ input }) => {
        await mps.on(input.gpuUuid).start()
        return {}
      }),
      stop: wall.mps.stop.use(unheld).handler(async ({ input }) => {
        await mps.on(input.gpuUuid).stop({ forceAfterSeconds: input.forceAfterSeconds })
        return {}
      }),
      restart: wall.mps.restart.use(unheld).handler(async ({ input }) => {
        await mps.on(input.gpuUuid).restart({ forceAfterSeconds: input.forceAfterSeconds })
        return {}
      }),
      useForeign: wall.mps.useForeign.use(unheld).handler(async ({ input }) => {
        await mps.useForeign(input.gpuUuid, input.pipeDirectory)
        return {}
      }),
      setLimits: wall.mps.setLimits.use(unheld).handler(async ({ input: { gpuUuid, ...change } }) => {
        await mps.setLimits(gpuUuid, change)
        return {}
      }),
      log: wall.mps.log.handler(({ input }) => mps.on(input.gpuUuid).log(input.lines)),
    },
    engine: {
      list: wall.engine.list.handler(({ context, signal = never }) => latest(context.link, engines.engines, signal)),
      found: wall.engine.found.handler(({ context, signal = never }) => latest(context.link, found.found, signal)),
      takeIn: wall.engine.takeIn.use(unheld).handler(async ({ input }) => ({ id: await found.takeIn(input.id) })),
      previewTakeIn: wall.engine.previewTakeIn.handler(({ input }) => found.previewTakeIn(input.id)),
      putFoundOnMps: wall.engine.putFoundOnMps.use(unheld).handler(async ({ input }) => ({ id: await found.putOnMps(input.id) })),
      previewFoundOnMps: wall.engine.previewFoundOnMps.handler(({ input }) => found.previewOnMps(input.id)),
      add: wall.engine.add.use(unheld).handler(async ({ input }) => ({ id: await engines.add(input.spec) })),
      change: wall.engine.change.use(unheld).handler(async ({ input }) => {
        await engines.change(input.id, input.spec)
        return {}
      }),
      remove: wall.engine.remove.use(unheld).handler(async ({ input }) => {
        await engines.remove(input.id)
        return {}
      }),
      preview: wall.engine.preview.handler(({ input }) => engines.preview(input.id, input.action)),
      start: wall.engine.start.use(unheld).handler(async ({ input }) => {
        await engines.start(input.id)
        return {}
      }),
      stop: wall.engine.stop.use(unheld).handler(async ({ input }) => {
        await engines.stop(input.id, { drainSeconds: input.drainSeconds })
        return {}
      }),
      restart: wall.engine.restart.use(unheld).handler(async ({ input }) => {
        await engines.restart(input.id)
        return {}
      }),
      putOnMps: wall.engine.putOnMps.use(unheld).handler(async ({ input }) => {
        await engines.putOnMps(input.id)
        return {}
      }),
      log: wall.engine.log.handler(({ input, context, signal = never }) => {
        const engineLog = engines.log(input.id)
        return every(context.link, { snapshot: () => engineLog.tail(input.lines), subscribe: (read) => engineLog.follow((lines) => lines.forEach(read)) }, FEED_CAP, signal)
      }),
    },
    experiment: {
      presets: wall.experiment.presets.handler(() => experiments.presets()),
      plan: wall.experiment.plan.handler(({ input }) => experiments.plan(input)),
      rehearse: wall.experiment.rehearse.handler(({ input }) => experiments.rehearse(input)),
      start: wall.experiment.start.handler(({ input }) => experiments.start(input)),
      cancel: wall.experiment.cancel.handler(async ({ input }) => {
        await experiments.cancel(input.id)
        return {}
      }),
      now: wall.experiment.now.handler(({ context, signal = never }) => latestOrNone(context.link, experiments.now, signal)),
      reports: wall.experiment.reports.handler(({ context, signal = never }) => latest(context.link, reports.summaries, signal)),
      report: wall.experiment.report.handler(({ input }) => reports.get(input.id)),
      compare: wall.experiment.compare.handler(({ input }) => compareReports(reports.get(input.a), reports.get(input.b))),
      exportReport: wall.experiment.exportReport.handler(({ input }) => exportReport(reports.get(input.id), input.format)),
      importReport: wall.experiment.importReport.handler(({ input }) => {
        const report = parseReport(input.text)
        reports.save(report, { imported: true })
        return { id: report.id }
      }),
      removeReport: wall.experiment.removeReport.handler(({ input }) => {
        reports.remove(input.id)
        return {}
      }),
    },
    host: {
      commands: wall.host.commands.handler(({ context, signal = never }) =>
        every(context.link, { snapshot: () => [...host.ledger.kept], subscribe: (read) => host.ledger.subscribe(read) }, FEED_CAP, signal),
      ),
      routine: wall.host.routine.handler(({ context, signal = never }) => latest(context.link, host.routine, signal)),
      environment: wall.host.environment.handler(() => workstation.inherited()),
    },
    link: {
      acknowledge: wall.link.acknowledge.handler(({ input, context }) => {
        context.link.acknowledge(input.stream, input.seq)
        return {}
      }),
    },
  })
}
export type Answers = ReturnType<typeof answers>
