// Engines that run on this workstation and that Overlap did not start: watched over loopback, never stopped unasked.
import { z } from 'zod'
import { CommandPreview } from './command.ts'
import { Attachment, EngineRates } from './engine.ts'
import { Prediction } from './experiment.ts'
import { Fault } from './fault.ts'

export const FOUND_PROGRAMS = { vllm: 'vLLM', llamaServer: 'llama-server', sglang: 'SGLang' } as const
export type FoundProgram = keyof typeof FOUND_PROGRAMS

export const FoundEngine = z.object({
  /** Names the process for good: its pid and its start time. */
  id: z.string(),
  program: z.enum(Object.keys(FOUND_PROGRAMS) as [FoundProgram, ...FoundProgram[]]),
  /** As an engine of Overlap it would be called this. */
  name: z.string(),
  /** As its command line names it; null: it does not. */
  model: z.string().nullable(),
  pid: z.number().int(),
  /** Its process tree, itself first. */
  pids: z.array(z.number().int()),
  /** null: cannot be told. */
  uid: z.number().int().nullable(),
  startedAtMs: z.number().nullable(),
  /** null: it does not listen yet, or not where 127.0.0.1 reaches. */
  port: z.number().int().nullable(),
  /** The only GPU that it uses; null: none, several, or not known. */
  gpuUuid: z.string().nullable(),
  /** Sum over its processes; null: not known. */
  gpuMemoryMiB: z.number().nullable(),
  attachment: Attachment,
  rates: EngineRates,
  /** Why there are no rates; null: there are, or the next look may have them. */
  silence: z.string().nullable(),
  /** How it was started, from /proc: argv, environment beside the login environment's, working folder. Secrets masked. */
  command: CommandPreview,
  /** Of two copies of it under MPS, against one; null until its GPU is known. */
  prediction: Prediction.nullable(),
  /** Why Overlap cannot take it over; null: it can. */
  obstacle: Fault.nullable(),
  /** What to know before it is taken over; null: nothing. */
  caution: z.string().nullable(),
})
export type FoundEngine = z.infer<typeof FoundEngine>
