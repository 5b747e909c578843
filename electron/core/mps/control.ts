// What is said to NVIDIA's MPS control program and how its answers read (MPS protocol 2). Pure; controlChannel.ts does the talking.
//
// The program joins the answers of one session without separators, loses answers (also whole ones, with exit code 0) when a second
// session is open, and reports most refusals with exit code 0. So every line of ours is followed by a question whose answer is known
// to be `0` or `1`: the sentinel. An answer that is not closed by it did not arrive.
import { FaultError } from '../../../shared/fault.ts'
import type { DaemonLimits, MpsLimits, MpsServer } from '../../../shared/mps.ts'

const SENTINEL = 'get_default_client_priority'

/** One or more command lines sent in one session, and how their answers read together. */
export interface Question<Answer> {
  lines: readonly string[]
  /** One reply per line. undefined: this is no answer to that line, so it was lost or is another caller's; ask again. */
  read(replies: readonly (readonly string[])[]): Answer | undefined
}

export function sessionText(lines: readonly string[], sentinel = true): string {
  return lines.map((line) => (sentinel ? `${line}\n${SENTINEL}\n` : `${line}\n`)).join('')
}

/** The replies of a session of `count` lines, or null when the sentinels do not close every one of them. */
export function splitSentinel(stdout: string, count: number): string[][] | null {
  const lines = textLines(stdout)
  if (!isSentinel(lines.at(-1))) return null
  // A reply may itself hold a line `0` or `1` (terminate_client): asked alone, only the last line is the sentinel.
  if (count === 1) return [lines.slice(0, -1)]
  const replies: string[][] = []
  let reply: string[] = []
  for (const line of lines) {
    if (!isSentinel(line)) reply.push(line)
    else {
      replies.push(reply)
      reply = []
    }
  }
  return replies.length === count ? replies : null
}

const isSentinel = (line: string | undefined) => line === '0' || line === '1'

const textLines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')

/** How a session ended. 'lost': nothing reliable came back, also with exit code 0. */
export type SessionEnd = { kind: 'answered'; replies: string[][] } | { kind: 'notRunning' } | { kind: 'lost'; words: string }

export function sessionEnd(output: { exitCode: number | null; stdout: string; stderr: string }, count: number, sentinel = true): SessionEnd {
  const words = `${output.stderr}\n${output.stdout}`.trim()
  if (words.includes('Cannot find MPS control daemon process')) return { kind: 'notRunning' }
  if (output.exitCode !== 0) return { kind: 'lost', words }
  if (!sentinel) return { kind: 'answered', replies: [textLines(output.stdout)] }
  const replies = splitSentinel(output.stdout, count)
  return replies === null ? { kind: 'lost', words } : { kind: 'answered', replies }
}

/** Throws the refusals that come with exit code 0 and concern every setting command. */
function orRefusal(reply: readonly string[]): readonly string[] {
  const words = reply.find((line) => /^(Insufficient privileges|Not enough privilege)/.test(line))
  if (words === undefined) return reply
  throw new FaultError('NO_PERMISSION', 'The MPS daemon belongs to another user and refuses this.', 'Ask its owner, or run Overlap as that user or as root.', { detail: words })
}

function single<Answer>(line: string, read: (reply: readonly string[]) => Answer | undefined): Question<Answer> {
  return { lines: [line], read: ([reply]) => (reply === undefined ? undefined : read(orRefusal(reply))) }
}

const readPids = (reply: readonly string[]) => (reply.every((line) => /^[1-9]\d*$/.test(line)) ? reply.map(Number) : undefined)
const isGone = (reply: readonly string[]) => /^Server \d+ not found!?$/.test(reply[0] ?? '')

export const serverList: Question<number[]> = single('get_server_list', readPids)

/** null: this program has no get_server_status (535 and older). */
type ServerStatus = Exclude<MpsServer['status'], null> | 'gone' | null

export function readServerStatus(reply: readonly string[]): ServerStatus | undefined {
  const word = reply[0]
  if (reply.length !== 1 || word === undefined) return undefined
  if (word === 'INITIALIZING' || word === 'ACTIVE' || word === 'FAULT') return word
  if (isGone(reply)) return 'gone'
  return word.startsWith('Unknown command') ? null : undefined
}

/** null: the server is gone. */
export const readClientList = (reply: readonly string[]): number[] | null | undefined => (isGone(reply) ? null : readPids(reply))

interface PsRow {
  pid: number
  /** The server's own number for the client. */
  id: number
  serverPid: number
  /** Shortest unique prefix of the GPU's or MIG instance's UUID. */
  device: string
  /** PID-namespace inode of the client. */
  namespace: string
  command: string
}

/** One row per client context and device, so a pid can repeat. Without a client nothing is printed, not even the header. */
export function readPs(reply: readonly string[]): PsRow[] | undefined {
  if (reply.length === 0 || /^Server (\d+ )?not found$/.test(reply[0] ?? '')) return []
  if (!/^PID\s+ID\s+SERVER\s+DEVICE\s+NAMESPACE\s+COMMAND/.test(reply[0] ?? '')) return undefined
  const rows = reply.slice(1).map((line) => /^(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S.*)$/.exec(line))
  if (rows.includes(null)) return undefined
  return rows.map((row) => ({
    pid: Number(row?.[1]), id: Number(row?.[2]), serverPid: Number(row?.[3]), device: row?.[4] ?? '', namespace: row?.[5] ?? '', command: (row?.[6] ?? '').trim(),
  }))
}

/** A percentage is always printed with a point, so it is never mistaken for the sentinel. */
export function readShare(reply: readonly string[]): number | undefined {
  return reply.length === 1 && /^\d+\.\d+$/.test(reply[0] ?? '') ? Number(reply[0]) : undefined
}

export const defaultShare: Question<number> = single('get_default_active_thread_percentage', readShare)

/** Answers the value now in force: the old one when the new one is refused. */
export const setDefaultShare = (percent: number): Question<number> => single(`set_default_active_thread_percentage ${percent}`, readShare)

/** Silence means that none is set. Other words than a size are no limit that is known: null. */
export function readPinnedMemory(reply: readonly string[]): string | null {
  if (reply.length === 0) return 'none'
  return reply.length === 1 && /^\d+[MG]$/.test(reply[0] ?? '') ? (reply[0] ?? null) : null
}

/** How a limit is read back: whole GiB from 1 GiB on, cut off. */
export const pinnedMemoryText = (mebibytes: number | null): string =>
  mebibytes === null ? 'none' : mebibytes < 1024 ? `${mebibytes}M` : `${Math.floor(mebibytes / 1024)}G`

const getDefaultMemory = (device: number) => `get_default_device_pinned_mem_limit ${device}`
/** Only whole `M`: the daemon takes `1.5G` for 1 MB. 0 takes the limit away. A number, never a UUID: below 580 a UUID means device 0. */
const setDefaultMemory = (device: number, mebibytes: number | null) => `set_default_device_pinned_mem_limit ${device} ${mebibytes ?? 0}M`

/** Share, then memory, as read back. */
interface SetAndRead {
  echoed: number
  sharePercent: number
  /** null: not asked. */
  pinnedMemory: string | null
}

/**
 * For servers started later. Set and read back in one session, which nobody can come between. A write of memory prints nothing whether
 * or not it took effect. `device`: the GPU's number for this daemon; null: not known, and its memory is left alone.
 */
export function setDefaults({ sharePercent, pinnedMemoryMiB }: MpsLimits, device: number | null): Question<SetAndRead> {
  const set = setDefaultShare(sharePercent ?? 100)
  const memory = device === null ? [] : [setDefaultMemory(device, pinnedMemoryMiB), getDefaultMemory(device)]
  return {
    lines: [...set.lines, ...defaultShare.lines, ...memory],
    read(replies) {
      const echoed = set.read([replies[0] ?? []])
      const readBack = defaultShare.read([replies[1] ?? []])
      if (echoed === undefined || readBack === undefined) return undefined
      if (device === null) return { echoed, sharePercent: readBack, pinnedMemory: null }
      orRefusal(replies[2] ?? [])
      return { echoed, sharePercent: readBack, pinnedMemory: readPinnedMemory(replies[3] ?? ['missing']) }
    },
  }
}

const orGone = <Answer>(read: (reply: readonly string[]) => Answer | undefined) => (reply: readonly string[]): Answer | 'gone' | undefined =>
  isGone(reply) ? 'gone' : read(reply)

/** Of a running server, for clients that connect later. Each asked alone: what a server says of its memory may look like the sentinel. */
export const serverShare = (pid: number) => single(`get_active_thread_percentage ${pid}`, orGone(readShare))
export const serverMemory = (pid: number, device: number) => single(`get_device_pinned_mem_limit ${pid} ${device}`, orGone(readPinnedMemory))
export const setServerShare = (pid: number, percent: number) => single(`set_active_thread_percentage ${pid} ${percent}`, orGone(readShare))
export const setServerMemory = (pid: number, device: number, mebibytes: number) => single(`set_device_pinned_mem_limit ${pid} ${device} ${mebibytes}M`, orGone((reply) => reply.join(' ')))

/** Answers nothing, whether or not the server comes up; the answer here is what it objected to, if it did. */
export const startServer = (uid: number): Question<{ objection: string | null }> =>
  single(`start_server -uid ${uid}`, (reply) => ({ objection: reply.join(' ') || null }))

/** CUDA_ERROR_INVALID_CONTEXT: it has no context any more. */
const NO_CONTEXT = '201'

/** Answers a CUresult, 0 on success. Ends the client's GPU work, not its process. */
export const terminateClient = (serverPid: number, clientPid: number): Question<'done' | 'failed' | 'gone'> =>
  single(`terminate_client ${serverPid} ${clientPid}`, (reply) => {
    const last = reply.at(-1) ?? ''
    if (isGone(reply) || last === NO_CONTEXT) return 'gone'
    if (!/^\d+$|^Invalid process/.test(last)) return undefined
    return last === '0' ? 'done' : 'failed'
  })

/** Everything the daemon can tell at once, if `guess` are its servers; otherwise `servers` says which to ask about. */
export interface Snapshot {
  serverPids: number[]
  default: DaemonLimits['default']
  /** In the order of the guess. */
  servers: { pid: number; status: ServerStatus; clientPids: number[] | null }[]
  ps: PsRow[]
}

/** `device`: the GPU's number for this daemon; null: not known. */
export function snapshot(guess: readonly number[], device: number | null): Question<Snapshot> {
  const ps = guess.length === 0 ? [] : ['ps']
  const memory = device === null ? [] : [getDefaultMemory(device)]
  const first = 2 + memory.length
  return {
    lines: [...serverList.lines, ...defaultShare.lines, ...memory, ...guess.flatMap((pid) => [`get_server_status ${pid}`, `get_client_list ${pid}`]), ...ps],
    read(replies) {
      const serverPids = readPids(replies[0] ?? ['missing'])
      const sharePercent = readShare(replies[1] ?? [])
      const pinnedMemory = device === null ? null : readPinnedMemory(replies[2] ?? ['missing'])
      const rows = ps.length === 0 ? [] : readPs(replies.at(-1) ?? ['missing'])
      if (serverPids === undefined || sharePercent === undefined || rows === undefined) return undefined
      const servers: Snapshot['servers'] = []
      for (const [at, pid] of guess.entries()) {
        const status = readServerStatus(replies[first + 2 * at] ?? [])
        const clientPids = readClientList(replies[first + 1 + 2 * at] ?? ['missing'])
        if (status === undefined || clientPids === undefined) return undefined
        servers.push({ pid, status, clientPids })
      }
      return { serverPids, default: { sharePercent, pinnedMemory }, servers, ps: rows }
    },
  }
}

/** Without a time the daemon waits for its clients, however long; with one they get errors when it is over. */
export const quitLine = (forceAfterSeconds: number | null) => (forceAfterSeconds === null ? 'quit' : `quit -t ${forceAfterSeconds}`)

/** `Binary version: 13000` of `-v`; null: 535-class programs print none. */
export const readControlVersion = (stdout: string): string | null => /Binary version:\s*(\d+)/.exec(stdout)?.[1] ?? null
