// What the user set up and expects to find again: engines, which foreign MPS daemons to use, the limits of its own. One writer.
import { readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineSpec } from '../../../shared/engine.ts'
import type { Fault } from '../../../shared/fault.ts'
import { MpsLimits } from '../../../shared/mps.ts'
import type { Clock } from '../kit/clock.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { asideOf, notWritten, readWhole, writeBytes, writeWhole } from './wholeFile.ts'

const SettingsDocument = z.object({
  /** A file of a later version is kept aside like a broken one: this Overlap would lose what it does not know. */
  version: z.literal(1),
  engines: z.array(z.object({
    id: z.string().min(1).max(64),
    /** Index into the palette of engine colours; kept for life. */
    colour: z.number().int().min(0),
    spec: EngineSpec,
  })),
  mps: z.object({
    /** GPU uuid → pipe folder of the foreign daemon that the user chose to use. */
    used: z.record(z.string(), z.string()),
    /** GPU uuid → what Overlap's own daemon there is told at every start. */
    limits: z.record(z.string(), MpsLimits).default({}),
  }),
  /** Whether the desktop opens its plain HTTP door at the start. */
  plainHttp: z.boolean().default(false),
})
type SettingsDocument = z.infer<typeof SettingsDocument>

const DEFAULTS: SettingsDocument = { version: 1, engines: [], mps: { used: {}, limits: {} }, plainHttp: false }

export class Settings {
  #fault: Fault | null
  readonly #path: string
  readonly #mailbox = new Mailbox()
  readonly #clock: Clock
  #document: SettingsDocument
  /** The file as we left it: when it is another one, somebody changed it by hand. */
  #left: string | null

  private constructor(parts: { path: string; clock: Clock; document: SettingsDocument; fault: Fault | null; left: string | null }) {
    this.#path = parts.path
    this.#clock = parts.clock
    this.#document = parts.document
    this.#fault = parts.fault
    this.#left = parts.left
  }

  static async open(parts: { stateDirectory: string; clock: Clock }): Promise<Settings> {
    const path = join(parts.stateDirectory, 'settings.json')
    const { value, fault } = await readWhole(path, SettingsDocument, parts.clock)
    return new Settings({ path, clock: parts.clock, document: value ?? DEFAULTS, fault, left: await sightOf(path) })
  }

  /** Why a file that was there is not in use; null: it is, or there was none. */
  get fault(): Fault | null {
    return this.#fault
  }

  get document(): Readonly<SettingsDocument> {
    return this.#document
  }

  /**
   * One change after another, each on what the one before left. Resolves when it lies on disk; when it cannot be
   * written, throws and the document stays as it was. `change` returns a new document and alters nothing in place.
   */
  change(change: (document: Readonly<SettingsDocument>) => SettingsDocument): Promise<void> {
    return this.#mailbox.post(async () => {
      const next = SettingsDocument.parse(change(this.#document))
      const aside = await this.#keepForeign()
      await writeWhole(this.#path, next).catch(async (error: unknown) => {
        if (aside !== null) await unlink(aside).catch(() => {}) // the file itself is still there, and is kept at the next try
        throw error
      })
      if (aside !== null) this.#fault = changedMeanwhile(this.#path, aside)
      this.#left = await sightOf(this.#path)
      this.#document = next
    })
  }

  /**
   * A file that somebody changed meanwhile, broken or not, is kept aside before it is written over: a copy, for a crash before ours is
   * written must not leave none under its name. Null: nobody changed it.
   */
  async #keepForeign(): Promise<string | null> {
    const found = await sightOf(this.#path)
    if (found === null || found === this.#left) return null
    const aside = asideOf(this.#path, 'changed', this.#clock)
    await writeBytes(aside, await readFile(this.#path).catch((error: unknown) => Promise.reject(notWritten(this.#path, error))))
    return aside
  }
}

const changedMeanwhile = (path: string, aside: string): Fault => ({
  code: 'CONFIG_BROKEN', field: null, detail: null,
  sentence: `The file ${path} was changed while Overlap ran; Overlap went on with its own settings.`,
  hint: `The changed file was kept as ${aside}: to use it, end Overlap, put it back under its old name and start Overlap again.`,
})

/** What tells one state of a file from another; null: it is not there. */
async function sightOf(path: string): Promise<string | null> {
  const file = await stat(path, { bigint: true }).catch(() => null)
  return file && `${file.ino} ${file.mtimeNs} ${file.size}`
}
