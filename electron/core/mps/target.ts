// Which daemon is meant: where its folders are, whose it is, and the exact commands that start and end it.
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { FaultError } from '../../../shared/fault.ts'
import { PIPE_PATH_BYTES, type ForeignDaemon } from '../../../shared/mps.ts'
import type { Command, Output, Tools } from '../host/host.ts'
import { makeRoom } from '../kit/rotation.ts'
import type { ControlChannel } from './controlChannel.ts'
import { startFault } from './serverLog.ts'

export interface Target {
  pipeDirectory: string
  /** null: not known (another user's daemon). */
  logDirectory: string | null
  ownership: 'overlap' | 'used'
  channel: ControlChannel
  /** Number of this GPU for that daemon; null: not known. */
  device(): number | null
}

export function mustFit(pipeDirectory: string): void {
  const bytes = Buffer.byteLength(pipeDirectory)
  if (bytes <= PIPE_PATH_BYTES) return
  throw new FaultError('BAD_INPUT', `The MPS pipe directory is ${bytes} bytes long; the daemon takes ${PIPE_PATH_BYTES}: ${pipeDirectory}`, 'Start Overlap with --state and a shorter folder.', { field: 'pipeDirectory' })
}

/** The daemon makes only the last folder of the path itself, and open to everybody. */
export function makeDirectories(target: Target): void {
  mustFit(target.pipeDirectory)
  try {
    for (const path of [target.pipeDirectory, target.logDirectory]) {
      if (path === null) continue
      mkdirSync(path, { recursive: true, mode: 0o700 })
      accessSync(path, constants.W_OK | constants.X_OK) // without its log a daemon starts all the same, and a server that fails does so in silence
    }
  } catch (cause) {
    throw new FaultError('NO_PERMISSION', `The MPS folders cannot be made or written to: ${cause instanceof Error ? cause.message : String(cause)}`, 'Start Overlap with --state and a folder you may write to.', { cause })
  }
  mustBeOurs(target.pipeDirectory)
}

/** The daemon's logs only grow, and it holds them open: large ones are set aside before one is started. One that cannot be hinders no start. */
export function setLogsAside({ logDirectory }: Target): void {
  if (logDirectory === null) return
  for (const name of ['control.log', 'server.log']) {
    try {
      makeRoom(join(logDirectory, name))
    } catch {
      // it goes on in the file that is there
    }
  }
}

/** The name of the short folder for pipes can be foretold, and everybody may make it: whoever owns it decides which daemon engines meet. */
export function mustBeOurs(pipeDirectory: string): void {
  const [name = ''] = relative(tmpdir(), pipeDirectory).split('/')
  if (!/^overlap-[0-9a-f]{12}$/.test(name)) return
  const path = join(tmpdir(), name)
  const folder = lstatSync(path, { throwIfNoEntry: false })
  if (!folder || (folder.isDirectory() && folder.uid === process.getuid?.() && (folder.mode & 0o022) === 0)) return
  throw new FaultError('NO_PERMISSION', `${path} is not a folder of this user alone, so the MPS pipes are not put there.`, 'Remove it, or start Overlap with --state and a shorter folder.')
}

/** Pinned to one GPU: clients of one daemon share their fate across all of its GPUs. */
export function daemonCommand(target: Target, tools: Tools, gpuUuid: string): Command {
  const env = { ...tools.env, CUDA_MPS_PIPE_DIRECTORY: target.pipeDirectory, ...(target.logDirectory !== null && { CUDA_MPS_LOG_DIRECTORY: target.logDirectory }), CUDA_VISIBLE_DEVICES: gpuUuid }
  return { argv: [...tools.mpsControl, '-d'], env, why: 'start the MPS control daemon for this GPU' }
}

/** Why `-d` refused, or null. Exit code 0 is no proof that it did not. */
export function refusal({ exitCode, signal, stdout, stderr }: Output): FaultError | null {
  if (exitCode === 0) return null
  const words = `${stderr}\n${stdout}`.trim()
  if (words.includes('already running')) return null
  if (exitCode === 100) {
    // CUresult 100; it prints nothing and logs nothing.
    return FaultError.of({ ...startFault('no CUDA-capable device is detected'), detail: 'nvidia-cuda-mps-control -d exited with code 100 (CUDA_ERROR_NO_DEVICE)' })
  }
  if (exitCode === 244) {
    return new FaultError('COMMAND_FAILED', 'The MPS daemon could not load the CUDA driver library.', 'Install libcuda.so.1 of the same driver release as nvidia-cuda-mps-control.', { detail: 'exit code 244' })
  }
  return new FaultError('COMMAND_FAILED', 'The MPS daemon refused to start.', 'Its own words are below; check the pipe and log folders.', { detail: words || `exit code ${exitCode ?? signal}` })
}

/** Two daemons on one GPU mean two servers, which take turns: the opposite of what is wanted. */
export function refuseForeign(foreign: readonly ForeignDaemon[]): void {
  const [first] = foreign
  if (first === undefined) return
  const where = first.pipeDirectory ?? 'a folder of another user'
  throw new FaultError('MPS_FOREIGN', `An MPS daemon that Overlap did not start (pid ${first.pid ?? 'unknown'}, ${where}) serves this GPU.`,
    first.pipeDirectory === null ? 'Ask its owner to stop it: two daemons on one GPU take turns instead of overlapping.' : 'Use that daemon, or stop it first: two daemons on one GPU take turns instead of overlapping.')
}
