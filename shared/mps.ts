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

/** Measured on 535 and 550: with one byte more the daemon ends without a word, one byte before the kernel's limit of `<pipe>/control_privileged`. */
export const PIPE_PATH_BYTES = 87

/** Ceilings, not reservations. null: none. */
export const MpsLimits = z.object({
  /** Active thread percentage. */
  sharePercent: z.number().gt(0).max(100).nullable(),
  /** Device memory of each client process, not of an engine with several. */
  pinnedMemoryMiB: z.number().int().min(1).max(16_777_216).nullable(),
})
export type MpsLimits = z.infer<typeof MpsLimits>

/** As the control program reads them back, which is no effect: what a client gets of them is seen in the client alone. */
const ReadBack = z.object({
  /** Told with one decimal. null: not known. */
  sharePercent: z.number().nullable(),
  /** `900M`, `8G` (from 1 GiB on whole GiB only, cut off), `none`; null: not known. */
  pinnedMemory: z.string().nullable(),
})

/** The limits of one GPU's daemon, by what they touch. An engine's own are in its environment. */
export const DaemonLimits = z.object({
  /** The user's for Overlap's own daemon, set at every start: the daemon loses them when it ends. */
  wanted: MpsLimits,
  /** Of servers started later. */
  default: ReadBack,
  /** Of ACTIVE servers, for clients that connect later. */
  servers: z.array(ReadBack.extend({
    pid: z.number().int(),
    /** When other values than the first were seen; null: always these. Clients from before keep what they connected under. */
    changedAtMs: z.number().nullable(),
  })),
})
export type DaemonLimits = z.infer<typeof DaemonLimits>

/** `8G` → 8192; null: `none`, or not known. */
export function readBackMiB(pinnedMemory: string | null): number | null {
  const [, digits, unit] = /^(\d+)([MG])$/.exec(pinnedMemory ?? '') ?? []
  return digits === undefined ? null : Number(digits) * (unit === 'G' ? 1024 : 1)
}

/** The ceiling of a client: the lower of its own and the server's share; null: the server's is not known. */
export const shareCeiling = (own: number | null, server: number | null): number | null => (server === null ? null : Math.min(own ?? 100, server))

/** Under less no client of any engine could begin. */
export const LEAST_CLIENT_MIB = 512
export const TOO_LITTLE = `At least ${LEAST_CLIENT_MIB} MiB: a CUDA context alone takes about that.`

/** What is meant to be set, and on what. */
export const LimitsChange = MpsLimits.extend({
  pinnedMemoryMiB: z.number().int().min(LEAST_CLIENT_MIB, TOO_LITTLE).max(16_777_216).nullable(),
  /** default: for servers started later, kept for every later start. server: the running one's, for clients that connect later, gone with it. */
  of: z.enum(['default', 'server']),
})
export type LimitsChange = z.infer<typeof LimitsChange>

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
  /** The user it runs as. */
  daemonUid: z.number().int().nullable(),
  /** `Binary version` of the control program, for example 13000; null: 535-class, which has none. */
  controlVersion: z.string().nullable(),
  servers: z.array(MpsServer),
  clients: z.array(MpsClient),
  limits: DaemonLimits,
  proof: MpsProof,
  foreign: z.array(ForeignDaemon),
  fault: Fault.nullable(),
})
export type MpsDaemon = z.infer<typeof MpsDaemon>
