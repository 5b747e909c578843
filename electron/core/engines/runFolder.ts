// The files of one engine below the state directory: its plan, its run and exit as the keeper wrote them, its log. Knows no state.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineSpec } from '../../../shared/engine.ts'
import type { Plan, Run, RunExit } from '../host/keeper.ts'
import type { Procfs } from '../host/procfs.ts'
import { writeWhole } from '../store/wholeFile.ts'

/** What a start is for; all that a later Overlap needs to take the engine over. */
export const StartPlan = z.object({
  version: z.literal(1),
  runId: z.string(),
  spec: EngineSpec,
  port: z.number().int(),
  /** The daemon it was started for; null: without MPS. */
  mps: z.object({ pipeDirectory: z.string(), daemonPid: z.number().int().nullable() }).nullable(),
}) satisfies z.ZodType<Plan>
export type StartPlan = z.infer<typeof StartPlan>

const processId = z.object({ pid: z.number().int().positive(), startTicks: z.number() })

export const StartedRun = z.object({
  version: z.literal(1),
  runId: z.string(),
  plan: StartPlan,
  argv: z.array(z.string()),
  envNames: z.array(z.string()),
  cwd: z.string(),
  keeper: processId.nullable(),
  engine: processId,
  startedAtMs: z.number(),
  /** Records of earlier versions have none. */
  bootId: z.string().nullable().default(null),
}) satisfies z.ZodType<Run<StartPlan>>
export type StartedRun = z.infer<typeof StartedRun>

/** Whether its engine or its keeper still lives. A pid and its start time name a process within one boot only. */
export function stillRuns(run: StartedRun, procfs: Procfs): boolean {
  const bootId = procfs.bootId()
  const sameBoot = run.bootId === null || bootId === null || run.bootId === bootId
  return sameBoot && (procfs.isAlive(run.engine) || (run.keeper !== null && procfs.isAlive(run.keeper)))
}

const EndedRun = z.object({
  version: z.literal(1),
  runId: z.string(),
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  spawnError: z.string().nullable(),
  atMs: z.number(),
}) satisfies z.ZodType<RunExit>

/** How long one run took to become ready. */
const LoadedRun = z.object({ runId: z.string(), loadedInMs: z.number().nonnegative() })

/** The most GPU memory that it was seen to use, and a name for what decides it. */
const MemoryUse = z.object({ size: z.string(), mebibytes: z.number().positive() })
export type MemoryUse = z.infer<typeof MemoryUse>

export class RunFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get logPath(): string {
    return join(this.path, 'engine.log')
  }

  /** Empty, and kept so: no daemon is ever found there. */
  get noMpsDirectory(): string {
    return join(this.path, 'no-mps')
  }

  /** Makes room for a new start: old records gone, the log of the last run kept as engine.log.1, the plan written. */
  async prepare(plan: StartPlan): Promise<void> {
    await rm(this.noMpsDirectory, { recursive: true, force: true })
    await mkdir(this.noMpsDirectory, { recursive: true, mode: 0o700 })
    await this.forget()
    await rename(this.logPath, `${this.logPath}.1`).catch(() => {})
    await writeFile(join(this.path, 'plan.json'), JSON.stringify(plan, null, 2), { mode: 0o600 })
  }

  /** For an engine that runs already, started outside Overlap: the records that a keeper would have left, and a log that says where its words go. */
  async takeIn(run: StartedRun, sentence: string): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    await writeFile(this.logPath, `${sentence}\n`, { mode: 0o600 })
    await writeWhole(join(this.path, 'run.json'), run)
  }

  /** After an intended end: the next Overlap finds a stopped engine. */
  async forget(): Promise<void> {
    for (const name of ['run.json', 'exit.json', 'plan.json', 'loaded.json']) await rm(join(this.path, name), { force: true })
  }

  /** A start was prepared and not forgotten. */
  async planned(): Promise<boolean> {
    return (await this.#json('plan.json')) !== null
  }

  /** Null: none was written, or it cannot be read. */
  async run(): Promise<StartedRun | null> {
    return StartedRun.safeParse(await this.#json('run.json')).data ?? null
  }

  /** The end of the run with this id; null: it has not been written. */
  async exit(runId: string): Promise<RunExit | null> {
    const exit = EndedRun.safeParse(await this.#json('exit.json')).data ?? null
    return exit?.runId === runId ? exit : null
  }

  /** Null: nobody saw this run become ready. */
  async loadedInMs(runId: string): Promise<number | null> {
    const loaded = LoadedRun.safeParse(await this.#json('loaded.json')).data ?? null
    return loaded?.runId === runId ? loaded.loadedInMs : null
  }

  async keepLoaded(runId: string, loadedInMs: number): Promise<void> {
    await writeWhole(join(this.path, 'loaded.json'), { runId, loadedInMs } satisfies z.infer<typeof LoadedRun>)
  }

  /** Null: nothing is known. */
  async memoryUse(): Promise<MemoryUse | null> {
    return MemoryUse.safeParse(await this.#json('memory.json')).data ?? null
  }

  async keepMemoryUse(use: MemoryUse): Promise<void> {
    await writeWhole(join(this.path, 'memory.json'), use)
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }

  async #json(name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(join(this.path, name), 'utf8'))
    } catch {
      return null
    }
  }
}
