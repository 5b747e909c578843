// What the user set up and expects to find again: engines, and which foreign MPS daemons to use. One writer.
import { join } from 'node:path'
import { z } from 'zod'
import { EngineSpec } from '../../../shared/engine.ts'
import type { Fault } from '../../../shared/fault.ts'
import type { Clock } from '../kit/clock.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { readWhole, writeWhole } from './wholeFile.ts'

export const SettingsDocument = z.object({
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
  }),
  /** Whether the desktop opens its plain HTTP door at the start. */
  plainHttp: z.boolean().default(false),
})
export type SettingsDocument = z.infer<typeof SettingsDocument>

const DEFAULTS: SettingsDocument = { version: 1, engines: [], mps: { used: {} }, plainHttp: false }

export class Settings {
  /** Why the file of the last run is not in use; null: it is, or there was none. */
  readonly fault: Fault | null
  readonly #path: string
  readonly #mailbox = new Mailbox()
  #document: SettingsDocument

  private constructor(path: string, document: SettingsDocument, fault: Fault | null) {
    this.#path = path
    this.#document = document
    this.fault = fault
  }

  static async open(parts: { stateDirectory: string; clock: Clock }): Promise<Settings> {
    const path = join(parts.stateDirectory, 'settings.json')
    const { value, fault } = await readWhole(path, SettingsDocument, parts.clock)
    return new Settings(path, value ?? DEFAULTS, fault)
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
      await writeWhole(this.#path, next)
      this.#document = next
    })
  }
}
