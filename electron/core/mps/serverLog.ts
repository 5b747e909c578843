// The daemon's two logs, control.log and server.log: what their lines mean, and the newest part of such a file.
// Wordings of drivers 535 and 550 on one side and 580 and later on the other. Nothing here asks the daemon.
import { open } from 'node:fs/promises'
import type { Fault } from '../../../shared/fault.ts'
import type { MpsServer } from '../../../shared/mps.ts'

interface LogLine {
  /** Local time as printed. */
  at: string
  /** Control, Server, Client, Other (server start-up of 535 and 550), Legacy Server. */
  component: string
  /** Of the daemon in control.log, of the server in server.log. */
  pid: number
  text: string
}

const LINE = /^\[(\S+ \S+) (\w[\w ]*?)\s+(\d+)\] (.*)$/

export function readLogLine(line: string): LogLine | null {
  const [, at, component, pid, text] = LINE.exec(line) ?? []
  return at === undefined || component === undefined || text === undefined ? null : { at, component, pid: Number(pid), text }
}

type LogFact =
  | { kind: 'daemonStarted'; daemonPid: number }
  /** `begins`: control.log's word that this process was made, before which its pid was another's. */
  | { kind: 'status'; serverPid: number; status: NonNullable<MpsServer['status']>; begins?: 'life' }
  | { kind: 'failed'; serverPid: number; words: string } // before it served anybody
  | { kind: 'exited'; serverPid: number; status: number | null }
  | { kind: 'gpuFault'; serverPid: number }

/** What a line of control.log or server.log shows; null: nothing that matters here. */
export function logFact({ pid, text }: LogLine): LogFact | null {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(text)
    return found === null ? null : Number(found[1])
  }
  const starting = number(/^Starting new server (\d+) for user/)
  if (starting !== null) return { kind: 'status', serverPid: starting, status: 'INITIALIZING', begins: 'life' }
  const ready = number(/^NEW SERVER (\d+): Ready/)
  if (ready !== null) return { kind: 'status', serverPid: ready, status: 'ACTIVE' }
  const exited = number(/^Server (\d+) exited(?: with status -?\d+)?/)
  if (exited !== null) return { kind: 'exited', serverPid: exited, status: number(/with status (-?\d+)/) }
  if (text.startsWith('Starting control daemon using socket')) return { kind: 'daemonStarted', daemonPid: pid }
  if (text === 'Startup') return { kind: 'status', serverPid: pid, status: 'INITIALIZING' }
  if (text.startsWith('Server has started')) return { kind: 'status', serverPid: pid, status: 'ACTIVE' }
  const failed = /^(?:Failed to start|Driver initialization failed with)\s*:\s*(.*)$/.exec(text)
  if (failed) return { kind: 'failed', serverPid: pid, words: failed[1] ?? '' }
  return GPU_FAULT.test(text) ? { kind: 'gpuFault', serverPid: pid } : null
}

/** The client it names need not be the one that caused it: on an H100 with 580 a working neighbour was named. */
const GPU_FAULT = /^(Client (process|\{).*encountered|Server is handling|Server has begun teardown sequence to handle) a fatal GPU error/

/** What the logs tell about one server. */
interface ServerStory {
  status: MpsServer['status']
  exited: boolean
  /** Why it failed; null also when it ended in order. */
  fault: Fault | null
}

/** `lines`: control.log's, then server.log's. Pids are used again, so only the newest start counts. */
export function serverStory(lines: readonly string[], serverPid: number): ServerStory {
  let story: ServerStory = { status: null, exited: false, fault: null }
  for (const { fact } of factsIn(lines)) {
    if (fact.kind === 'daemonStarted' || fact.serverPid !== serverPid) continue
    if (fact.kind === 'status' && fact.begins === 'life') story = { status: fact.status, exited: false, fault: null }
    else if (fact.kind === 'status') story.status = story.status === 'ACTIVE' ? 'ACTIVE' : fact.status
    else if (fact.kind === 'gpuFault') story.status = 'FAULT'
    else if (fact.kind === 'exited') story.exited = true
    if (fact.kind === 'failed') story.fault = startFault(fact.words)
    if (fact.kind === 'gpuFault') story.fault = GPU_FAULT_MET
    if (fact.kind === 'exited' && fact.status !== 0) story.fault ??= startFault('')
  }
  return story
}

/** When this server last said that a client met a fatal GPU error, epoch ms; null: it did not. */
export function lastGpuFaultMs(serverLines: readonly string[], serverPid: number): number | null {
  const last = factsIn(serverLines).findLast(({ fact }) => fact.kind === 'gpuFault' && fact.serverPid === serverPid)
  const atMs = last === undefined ? NaN : new Date(last.line.at.replace(' ', 'T')).getTime() // local time, like the log
  return Number.isNaN(atMs) ? null : atMs
}

/** One start of a server; `id` tells two starts with the same pid apart. */
export interface ServerStart {
  id: string
  pid: number
}

/** The last server that this run of the daemon started. */
export function lastStart(controlLines: readonly string[]): ServerStart | null {
  let last: ServerStart | null = null
  for (const { line, fact } of factsIn(controlLines)) {
    if (fact.kind === 'daemonStarted') last = null
    if (fact.kind === 'status' && fact.begins === 'life') last = { id: `${line.at} ${fact.serverPid}`, pid: fact.serverPid }
  }
  return last
}

function factsIn(lines: readonly string[]): { line: LogLine; fact: LogFact }[] {
  return lines.flatMap((text) => {
    const line = readLogLine(text)
    const fact = line && logFact(line)
    return line && fact ? [{ line, fact }] : []
  })
}

/** Why a server did not come up, from CUDA's own words; '' when it left none. */
export function startFault(words: string): Fault {
  const rest = { field: null, detail: words || null }
  if (/no CUDA-capable device/.test(words)) {
    return { ...rest, code: 'NO_CUDA_DEVICE', sentence: 'The MPS server found no GPU it can use (“no CUDA-capable device is detected”).', hint: 'Check that the NVIDIA driver is loaded and that this user or container may open the GPU (nvidia-smi must list it), then start MPS again.' }
  }
  if (/busy or unavailable/.test(words)) {
    return { ...rest, code: 'MPS_SERVER_FAULT', sentence: 'The MPS server could not take the GPU: it is busy or unavailable.', hint: 'In EXCLUSIVE_PROCESS mode another CUDA process or another MPS daemon holds it: end that one, then start MPS again.' }
  }
  if (/version mismatch/.test(words)) {
    return { ...rest, code: 'MPS_SERVER_FAULT', sentence: 'The MPS program and the NVIDIA driver have different versions.', hint: 'Install both from the same driver release, or restart the machine after an update.' }
  }
  return { ...rest, code: 'MPS_SERVER_FAULT', sentence: words ? `The MPS server did not start: ${words}.` : 'The MPS server ended without saying why.', hint: 'Read server.log on the MPS screen, then start MPS again.' }
}

const GPU_FAULT_MET: Fault = {
  code: 'MPS_SERVER_FAULT', field: null, detail: null,
  sentence: 'A client met a fatal GPU error, and every client of this MPS server is affected; which one caused it is not known.',
  hint: 'Stop every engine attached to this server: it takes new clients again when the last one has exited.',
}

/** The newest complete lines of a log, at most `maxBytes` of it; [] when there is none or it may not be read. */
export async function logTail(path: string, maxBytes = 64 * 1024): Promise<string[]> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return []
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - maxBytes)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    if (from > 0) lines.shift() // cut in the middle
    if (lines.at(-1) === '') lines.pop()
    return lines
  } finally {
    await file.close()
  }
}
