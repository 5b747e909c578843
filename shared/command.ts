// Commands: what Overlap ran, and what a button would run.
import { z } from 'zod'

export const CommandPreview = z.object({
  argv: z.array(z.string()),
  /** Only what is added to or set over the inherited environment. Secrets masked. */
  env: z.record(z.string(), z.string()),
  cwd: z.string().nullable(),
  /** Lines written to its standard input; the way control commands are sent. */
  stdin: z.string().nullable(),
  why: z.string(),
})
export type CommandPreview = z.infer<typeof CommandPreview>

/** One command in the Ledger. An entry is sent when it begins and again when it ends, under the same id. */
export const LedgerEntry = CommandPreview.extend({
  id: z.number().int(),
  /** run: finishes and is captured. follow: long-lived, read line by line. launch: outlives Overlap. */
  way: z.enum(['run', 'follow', 'launch']),
  startedAtMs: z.number(),
  durationMs: z.number().nullable(),
  pid: z.number().int().nullable(),
  outcome: z.enum(['running', 'ok', 'failed', 'timedOut', 'missing', 'ended']),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  /** First 4 KiB of what it printed, secrets masked; null for follow and launch. */
  output: z.string().nullable(),
})
export type LedgerEntry = z.infer<typeof LedgerEntry>

/** A read that is asked again and again and changes nothing: one row for all of a kind, to the same daemon, since Overlap was started. As it was asked last. */
export const Routine = CommandPreview.extend({
  id: z.number().int(),
  /** How often it ended well. Failures are in the Ledger. */
  times: z.number().int(),
  firstAtMs: z.number(),
  lastAtMs: z.number(),
  durationMs: z.number(),
  /** First 4 KiB of the last answer, secrets masked. */
  output: z.string(),
})
export type Routine = z.infer<typeof Routine>
