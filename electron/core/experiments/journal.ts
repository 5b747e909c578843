// What an experiment has made and not yet undone, on disk before it is made: lines of JSON, appended and synced. Undoes nothing itself.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { StartPlan } from '../engines/runFolder.ts'

const processId = z.object({ pid: z.number().int().positive(), startTicks: z.number() })

/** One thing that an experiment makes or takes away. */
const Thing = z.discriminatedUnion('kind', [
  /** Its folder holds the keeper's record; the processes are known once they run. */
  z.object({ kind: z.literal('engine'), id: z.string(), folder: z.string(), engine: processId.nullable(), keeper: processId.nullable() }),
  /** How to end our daemon; null: not known. */
  z.object({
    kind: z.literal('daemon'), gpuUuid: z.string(),
    quit: z.object({ argv: z.array(z.string()), env: z.record(z.string(), z.string()), stdin: z.string(), daemon: processId.nullable() }).nullable(),
  }),
  /** Somebody's engine that was stopped; undone when it was started again. `again`: how, without Overlap; null: only Overlap can. */
  z.object({
    kind: z.literal('setAside'), id: z.string(), name: z.string(),
    again: z.object({ folder: z.string(), plan: StartPlan, keeperPath: z.string(), toolsEnv: z.record(z.string(), z.string()) }).nullable().default(null),
  }),
])
export type Thing = z.infer<typeof Thing>
export type EngineThing = Extract<Thing, { kind: 'engine' }>
export type DaemonThing = Extract<Thing, { kind: 'daemon' }>

/** `mark`: a variable that every process of that workstation has. */
const Throwaway = z.object({ folder: z.string(), mark: z.object({ name: z.string(), value: z.string() }) })
export type Throwaway = z.infer<typeof Throwaway>

const Head = z.object({
  experimentId: z.string(), core: processId, bootId: z.string().nullable(), atMs: z.number(),
  /** The workstation was made for this experiment and goes with it; null: it stays. */
  throwaway: Throwaway.nullable().default(null),
})
export type Head = z.infer<typeof Head>

const Line = z.union([
  z.object({ head: Head }),
  z.object({ afterlife: processId }),
  z.object({ made: z.number().int(), thing: Thing }),
  z.object({ undone: z.number().int() }),
])
type Line = z.infer<typeof Line>

export interface Journaled {
  head: Head
  /** The process that undoes it all when Overlap dies; null: not started (yet). */
  afterlife: z.infer<typeof processId> | null
  /** In the order in which they were made. */
  outstanding: { number: number; thing: Thing }[]
}

export class Journal {
  readonly path: string
  readonly #file: number
  #made = 0

  private constructor(path: string, flags: 'w' | 'a') {
    this.path = path
    this.#file = openSync(path, flags, 0o600)
  }

  /** Takes the place of an old one: read and undo that first. */
  static begin(path: string, head: Head): Journal {
    const journal = new Journal(path, 'w')
    journal.#append({ head })
    return journal
  }

  /** Goes on with one that is there; for those who undo it. */
  static reopen(path: string): Journal {
    const journal = new Journal(path, 'a')
    writeSync(journal.#file, '\n') // the last line may have been cut off
    return journal
  }

  watchedBy(afterlife: { pid: number; startTicks: number }): void {
    this.#append({ afterlife })
  }

  /** Before it is made. Its number. */
  making(thing: Thing): number {
    this.#made += 1
    this.#append({ made: this.#made, thing })
    return this.#made
  }

  /** What is known of it now. */
  amend(number: number, thing: Thing): void {
    this.#append({ made: number, thing })
  }

  undone(number: number): void {
    this.#append({ undone: number })
  }

  /** Leaves the file for those who undo the rest. */
  leave(): void {
    closeSync(this.#file)
  }

  /** Nothing is left: the file goes, and the afterlife with it. */
  close(): void {
    closeSync(this.#file)
    rmSync(this.path, { force: true })
  }

  #append(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
    fsyncSync(this.#file)
  }
}

/** Null: there is none, or none that can be read. A line that was cut off by a crash is passed over. */
export function readJournal(path: string): Journaled | null {
  let journaled: Journaled | null = null
  for (const line of linesOf(path)) {
    if ('head' in line) journaled = { head: line.head, afterlife: null, outstanding: [] }
    else if (journaled === null) return null
    else if ('afterlife' in line) journaled.afterlife = line.afterlife
    else if ('undone' in line) journaled.outstanding = journaled.outstanding.filter(({ number }) => number !== line.undone)
    else take(journaled, line.made, line.thing)
  }
  return journaled
}

function take(journaled: Journaled, number: number, thing: Thing): void {
  const known = journaled.outstanding.find((entry) => entry.number === number)
  if (known) known.thing = thing
  else journaled.outstanding.push({ number, thing })
}

function linesOf(path: string): Line[] {
  try {
    return readFileSync(path, 'utf8').split('\n').flatMap((text) => {
      const line = text === '' ? null : Line.safeParse(jsonOf(text))
      return line?.success ? [line.data] : []
    })
  } catch {
    return []
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
