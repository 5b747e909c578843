// A Fault is a failure the user can act on: a code to search for, a sentence to read, a hint to follow.
// What is not a Fault is a bug: it is logged whole and reaches the user as BUG.
import { z } from 'zod'

/** code → HTTP status of the plain HTTP door. One list, so that a new code cannot be forgotten there. */
export const FAULT_STATUS = {
  BAD_INPUT: 400, // a field did not fit the schema, or is refused by the part it is meant for
  NO_TOKEN: 401, // the token is missing or wrong
  FORBIDDEN_ORIGIN: 403, // a Host or Origin that is not ours
  NOT_FOUND: 404, // no GPU, engine or command with that id
  HELD: 409, // something else holds the workstation or this part of it: wait or cancel it first
  WRONG_STATE: 409, // the thing is in a state in which this cannot be done
  NEEDS_CONSENT: 409, // would hurt somebody's work: the same call with the consent named in the hint goes on
  PORT_TAKEN: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  TOOL_MISSING: 424, // an executable is not there, or cannot be executed
  COMMAND_TIMED_OUT: 504,
  COMMAND_FAILED: 502, // ran, and said no
  NO_PERMISSION: 403,
  DRIVER_UNREACHABLE: 503, // nvidia-smi cannot talk to the driver
  GPU_LOST: 503,
  NO_CUDA_DEVICE: 503, // "no CUDA-capable device is detected"
  MPS_NOT_RUNNING: 409,
  MPS_NO_PROOF: 502, // a control command ended well and yet nothing shows that it took effect
  MPS_BUSY: 409, // another control session is open; ours gave up waiting
  MPS_FOREIGN: 409, // a daemon that Overlap did not start serves this GPU
  MPS_SERVER_FAULT: 503,
  ENGINE_EXITED: 502,
  ENGINE_NOT_READY: 503, // did not become ready in its time
  ENGINE_OUT_OF_MEMORY: 507,
  RESTART_BUDGET_SPENT: 503,
  PREFLIGHT: 409, // an experiment cannot work here and now: the checks that refuse are in the detail
  EXPERIMENT_FAILED: 502, // an arm of it could not be loaded, proven or measured
  UNREADABLE_OUTPUT: 502, // a tool printed what its parser does not know
  CONFIG_BROKEN: 500, // a settings file was kept aside
  NOT_WRITTEN: 507, // the disk is full, or the file is not ours
  NOT_PERMITTED_HERE: 403,
  LINK_LOST: 503,
  BUG: 500,
} as const

export type FaultCode = keyof typeof FAULT_STATUS
export const FaultCode = z.enum(Object.keys(FAULT_STATUS) as [FaultCode, ...FaultCode[]])

export const Fault = z.object({
  code: FaultCode,
  /** What happened, one sentence, plain words. */
  sentence: z.string(),
  /** What to do about it, one sentence; never empty. */
  hint: z.string(),
  /** The input field at fault, dotted: `spec.port`. */
  field: z.string().nullable().default(null),
  /** The tool's own words, when there are any. */
  detail: z.string().nullable().default(null),
})
export type Fault = z.infer<typeof Fault>

/** The one exception type that means "a Fault". */
export class FaultError extends Error {
  readonly fault: Fault
  constructor(code: FaultCode, sentence: string, hint: string, more: { field?: string; detail?: string; cause?: unknown } = {}) {
    super(sentence, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'FaultError'
    this.fault = { code, sentence, hint, field: more.field ?? null, detail: more.detail ?? null }
  }

  /** A Fault that came as a value, to be thrown. */
  static of({ code, sentence, hint, field, detail }: Fault, cause?: unknown): FaultError {
    return new FaultError(code, sentence, hint, { field: field ?? undefined, detail: detail ?? undefined, cause })
  }
}

/** What the system says when nothing can be written: nobody's mistake, wherever it is met. */
const FULL: Record<string, [sentence: string, hint: string]> = {
  ENOSPC: ['There is no space left on the disk, so that nothing could be written.', 'Free some space, then try again.'],
  EDQUOT: ['The disk quota of this user is used up, so that nothing could be written.', 'Free some space, or ask for more, then try again.'],
  EROFS: ['The file system has become read-only, so that nothing could be written.', 'Look at the kernel log: a disk that fails is often made read-only.'],
}

/** Any thrown thing as a Fault; what is not one becomes BUG and must be logged by the caller. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof FaultError) return thrown.fault
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const full = thrown instanceof Error && 'code' in thrown ? FULL[String(thrown.code)] : undefined
  if (full) return { code: 'NOT_WRITTEN', sentence: full[0], hint: full[1], field: null, detail: text }
  return { code: 'BUG', sentence: 'Overlap made a mistake.', hint: 'The log has the details; please report it.', field: null, detail: text }
}
