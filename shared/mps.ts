// NVIDIA MPS on one GPU: the control daemon, its servers, their clients.
import { z } from 'zod'
import { Fault } from './fault.ts'

export const MPS_STATES = {
  stopped: 'No MPS daemon serves this GPU.',
  starting: 'The daemon was started; waiting for proof that it listens.',
  noServer: 'The daemon listens, but no MPS server is ACTIVE yet.',
  running: 'The daemon listens and its server is ACTIVE.',
  draining: 'The daemon accepts no new clients and waits for the attached ones to leave.',
  stopping: 'The daemon is being stopped.',
  faulted: 'The server is in FAULT: no client can attach until every affected one has exited.',
  foreign: 'A daemon that Overlap did not start serves this GPU.',
  unknown: 'Cannot tell: the daemon does not answer.',
} as const
export type MpsState = keyof typeof MPS_STATES
export const MpsState = z.enum(Object.keys(MPS_STATES) as [MpsState, ...MpsState[]])

/** A state as it is spoken of. */
export function mpsWord(state: MpsState): string {
  return state === 'noServer' ? 'no server yet' : state
}

export const MpsClient = z.object({
  pid: z.number().int(),
  serverPid: z.number().int(),
  command: z.string().nullable(),
})
export type MpsClient = z.infer<typeof MpsClient>

export const MpsServer = z.object({
  pid: z.number().int(),
  /** get_server_status where the driver has it, else read from server.log; null: not known. */
  status: z.enum(['INITIALIZING', 'ACTIVE', 'FAULT']).nullable(),
})
export type MpsServer = z.infer<typeof MpsServer>

/** What shows that the daemon is there, weakest last. Exit code 0 of `-d` is not among them. */
export const MpsProof = z.object({
  /** /proc/net/unix lists a listening socket at <pipe>/control. null: cannot be read here. */
  listening: z.boolean().nullable(),
  /** The pid that owns the lock on control_lock. */
  lockOwnerPid: z.number().int().nullable(),
  /** A control command was answered, closed by the sentinel. null: not asked yet. */
  answers: z.boolean().nullable(),
  checkedAtMs: z.number(),
})
export type MpsProof = z.infer<typeof MpsProof>

/** A daemon that Overlap did not start. Found, shown, usable; never stopped unasked. */
export const ForeignDaemon = z.object({
  pid: z.number().int().nullable(),
  uid: z.number().int().nullable(),
  /** null: another user's, and not ours to read. */
  pipeDirectory: z.string().nullable(),
  /** GPUs it serves by CUDA_VISIBLE_DEVICES; null: all of them, or not known. */
  gpuUuids: z.array(z.string()).nullable(),
})
export type ForeignDaemon = z.infer<typeof ForeignDaemon>

export const MpsDaemon = z.object({
  gpuUuid: z.string(),
  gpuIndex: z.number().int(),
  state: MpsState,
  sinceMs: z.number(),
  /** The state in plain words, with what is special now. */
  sentence: z.string(),
  pipeDirectory: z.string(),
  logDirectory: z.string().nullable(),
  /** 'overlap': we started it (also in an earlier run). 'used': foreign, and the user chose to use it. */
  ownership: z.enum(['overlap', 'used', 'foreign']).nullable(),
  daemonPid: z.number().int().nullable(),
  /** `Binary version` of the control program, for example 13000; null: 535-class, which has none. */
  controlVersion: z.string().nullable(),
  servers: z.array(MpsServer),
  clients: z.array(MpsClient),
  /** set_default_active_thread_percentage: for servers started later. Lost with the daemon. */
  defaultSharePercent: z.number().nullable(),
  proof: MpsProof,
  foreign: z.array(ForeignDaemon),
  fault: Fault.nullable(),
})
export type MpsDaemon = z.infer<typeof MpsDaemon>
