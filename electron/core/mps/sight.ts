// What is known of one daemon: seen in the kernel's tables at every look, asked of the daemon only when something changed.
// Each session adds about 60 bytes per line to control.log, which nobody rotates while it runs: hence the sparing questions.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../kit/clock.ts'
import { type Fault, faultOf, FaultError } from '../../../shared/fault.ts'
import type { DaemonLimits, MpsClient, MpsServer } from '../../../shared/mps.ts'
import { type Snapshot, snapshot } from './control.ts'
import type { ProcessTable } from '../host/processTable.ts'
import { daemonEvidence, daemonsOnMachine, type Evidence, mpsNamed, type Owner, type Processes, type SeenDaemon, serverChildren } from './detect.ts'
import { activePids, readServerLimits } from './limits.ts'
import { lastGpuFaultMs, lastStart, logTail, type ServerStart, serverStory } from './serverLog.ts'
import type { Target } from './target.ts'

export interface Seen extends Evidence {
  daemonPid: number | null
  daemonUid: number | null
  /** null: not asked since this daemon started. */
  answers: boolean | null
  servers: MpsServer[]
  clients: MpsClient[]
  limits: Omit<DaemonLimits, 'wanted'>
  /** When it last gave a whole answer, on the steady clock; null: not since it started. */
  answeredAtMs: number | null
  /** Why the last server is not there, or why the daemon does not answer. */
  fault: Fault | null
  /** From control.log. */
  lastStart: ServerStart | null
  /** From server.log, of the present servers: FAULT itself can pass within 50 ms, too short to be seen. */
  gpuFaultAtMs: number | null
  checkedAtMs: number
}

/** 'now' asks the daemon; 'onChange' when something moved or the last answer is old; 'never' only looks. */
export type Asking = 'now' | 'onChange' | 'never'

const ASK_EVERY_MS = 10_000
/** While all is well; what happens then shows in the kernel's tables and in server.log first. Each question costs a process. */
const ASK_EVERY_CALM_MS = 30_000
/** After a session that failed: somebody else's may stay open for long. */
const ASK_AGAIN_MS = 30_000
/** Others may set a server's limits too; two more processes each time. */
const LIMITS_EVERY_MS = 5 * 60_000

const NOTHING = { answers: null, servers: [], clients: [], answeredAtMs: null, fault: null, lastStart: null, gpuFaultAtMs: null } as const
const NO_LIMITS = { default: { sharePercent: null, pinnedMemory: null }, servers: [] }

export class DaemonSight {
  readonly #target: Target
  readonly #processes: Processes
  readonly #clock: Clock
  #askedKey = ''
  #owner: Owner | null = null
  #askedAtMs = -Infinity
  #limitsReadAtMs = -Infinity
  seen: Seen

  constructor(target: Target, processes: Processes, clock: Clock) {
    this.#target = target
    this.#processes = processes
    this.#clock = clock
    this.seen = { listening: null, lockOwnerPid: null, life: 'unclear', daemonPid: null, daemonUid: null, ...emptied(), checkedAtMs: clock.now() }
  }

  async look(asking: Asking, table: ProcessTable): Promise<Seen> {
    const { owner, ...evidence } = daemonEvidence(this.#processes, this.#target.pipeDirectory, this.#owner)
    this.#owner = owner
    const changedDaemon = evidence.life === 'gone' || (evidence.lockOwnerPid !== null && evidence.lockOwnerPid !== this.seen.daemonPid)
    const kept = changedDaemon ? { ...this.seen, ...emptied() } : this.seen
    const daemonPid = evidence.life === 'gone' ? null : (evidence.lockOwnerPid ?? kept.daemonPid)
    const daemonUid = daemonPid === null ? null : daemonPid === kept.daemonPid ? kept.daemonUid : this.#processes.uidOf(daemonPid)
    this.seen = { ...kept, ...evidence, daemonPid, daemonUid, checkedAtMs: this.#clock.now() }
    if (changedDaemon) this.#askedKey = ''
    if (evidence.life === 'gone' || asking === 'never') return this.seen
    const key = this.#key(table)
    if (asking === 'now' || this.#isDue(key)) await this.#ask(key, table)
    return this.seen
  }

  /** Of the ACTIVE servers. Not part of a look: whoever waits for a start, or for the state, does not wait for this too. */
  async readLimits(): Promise<void> {
    this.#limitsReadAtMs = this.#clock.steady()
    const servers: Seen['limits']['servers'] = []
    for (const pid of activePids(this.seen)) {
      const read = await readServerLimits(this.#target.channel, pid, this.#target.device())
      const before = this.seen.limits.servers.find((server) => server.pid === pid)
      const changed = before !== undefined && (differ(before.sharePercent, read.sharePercent) || differ(before.pinnedMemory, read.pinnedMemory))
      servers.push({ pid, ...read, changedAtMs: changed ? this.#clock.now() : (before?.changedAtMs ?? null) })
    }
    this.seen = { ...this.seen, limits: { ...this.seen.limits, servers } }
  }

  get limitsAreDue(): boolean {
    const active = activePids(this.seen)
    if (this.seen.answers !== true || active.length === 0) return false
    return active.some((pid) => !this.seen.limits.servers.some((server) => server.pid === pid)) || this.#clock.steady() - this.#limitsReadAtMs >= LIMITS_EVERY_MS
  }

  #isDue(key: string): boolean {
    const sinceMs = this.#clock.steady() - this.#askedAtMs
    if (this.seen.answers === false) return key !== this.#askedKey || sinceMs >= ASK_AGAIN_MS
    const calm = this.seen.servers.length > 0 && this.seen.servers.every((server) => server.status === 'ACTIVE')
    const settling = this.seen.servers.some((server) => server.status === 'INITIALIZING')
    return key !== this.#askedKey || settling || sinceMs >= (calm ? ASK_EVERY_CALM_MS : ASK_EVERY_MS)
  }

  /** Changes with the daemon, its server processes and server.log, to which servers write when clients come and go. */
  #key(table: ProcessTable): string {
    return [this.seen.daemonPid, ...serverChildren(table, this.seen.daemonPid), this.#logStamp()].join(' ')
  }

  #logStamp(): string {
    if (this.#target.logDirectory === null) return ''
    try {
      const { size, mtimeMs } = statSync(join(this.#target.logDirectory, 'server.log'))
      return `${size} ${mtimeMs}`
    } catch {
      return '' // none yet, or not ours to read
    }
  }

  async #ask(key: string, table: ProcessTable): Promise<void> {
    this.#askedKey = key
    try {
      const answer = await this.#snapshot(serverChildren(table, this.seen.daemonPid))
      await this.#take(answer)
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown
      const fault = faultOf(thrown)
      this.seen = { ...this.seen, ...emptied(), answers: false, fault: fault.code === 'MPS_NOT_RUNNING' ? null : fault }
    }
    this.#askedAtMs = this.#clock.steady()
  }

  /** One session when the guess is right, which it is unless a server came or went just now. */
  async #snapshot(guess: readonly number[]): Promise<Snapshot> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#target.channel.ask(snapshot(guess, this.#target.device()), 'ask the MPS daemon for its servers and clients')
      const complete = answer.serverPids.length === guess.length && answer.serverPids.every((pid) => guess.includes(pid))
      if (complete || tries === 3) return answer
      guess = answer.serverPids
    }
  }

  async #take(answer: Snapshot): Promise<void> {
    const [control, server] = await this.#logs()
    const newest = lastStart(control)
    const servers: MpsServer[] = []
    const clients: MpsClient[] = []
    let fault: Fault | null = null
    for (const { pid, status, clientPids } of answer.servers) {
      if (status === 'gone' || clientPids === null || !answer.serverPids.includes(pid)) continue
      const story = status === null || status === 'FAULT' ? serverStory([...control, ...server], pid) : null
      // A server that said why it ends, and has not ended yet, is none. 550 calls it FAULT meanwhile, which here means a fatal GPU error.
      if (story?.fault && story.status !== 'FAULT') continue
      const failing = status === 'FAULT' && story?.status === 'INITIALIZING'
      const shown = failing ? 'INITIALIZING' : (status ?? (story && statusByLog(story.status, clientPids.length)))
      servers.push({ pid, status: shown })
      if (shown === 'FAULT') fault = story?.fault ?? null
      for (const client of clientPids) clients.push({ pid: client, serverPid: pid, command: answer.ps.find((row) => row.pid === client)?.command ?? null })
    }
    // Our own questions push the start out of the log's tail in time: what was read of it stays true.
    const kept = newest === null || newest.id === this.seen.lastStart?.id
    if (servers.length === 0) fault = (newest && serverStory([...control, ...server], newest.pid).fault) ?? (kept ? this.seen.fault : null)
    const gpuFaultAtMs = Math.max(...servers.map(({ pid }) => lastGpuFaultMs(server, pid) ?? 0), this.seen.gpuFaultAtMs ?? 0) || null
    const limits = { default: answer.default, servers: this.seen.limits.servers.filter(({ pid }) => servers.some((present) => present.pid === pid)) }
    this.seen = { ...this.seen, answers: true, servers, clients, gpuFaultAtMs, limits, answeredAtMs: this.#clock.steady(), fault, lastStart: newest ?? this.seen.lastStart }
  }

  /** control.log and server.log. */
  async #logs(): Promise<[string[], string[]]> {
    const { logDirectory } = this.#target
    if (logDirectory === null) return [[], []]
    return Promise.all([logTail(join(logDirectory, 'control.log')), logTail(join(logDirectory, 'server.log'))])
  }
}

const emptied = () => ({ ...NOTHING, servers: [], clients: [], limits: NO_LIMITS })

/** What is not known differs from nothing. */
const differ = <Value>(before: Value | null, now: Value | null) => before !== null && now !== null && before !== now

/** Without get_server_status: the log says when FAULT begins, not when it ends; it ends when the last client has left. */
const statusByLog = (status: MpsServer['status'], clients: number) => (status === 'FAULT' && clients === 0 ? 'ACTIVE' : status)

/** After a process of that name came or went: it may not listen yet. */
const SETTLING_MS = 3_000
const SETTLING_EVERY_MS = 500
const READ_EVERY_MS = 10_000

/**
 * Daemons of the machine, read again when a process of that name came or went, soon after that, and now and then. One for all GPUs: its
 * cost does not grow with them. Sessions that this process opens bear the daemon's name and are its children; they are no news.
 */
export class MachineDaemons {
  #key = ''
  #changedAtMs = -Infinity
  #readAtMs = -Infinity
  #daemons: SeenDaemon[] = []
  readonly #simulation: string | null

  constructor(simulation: string | null) {
    this.#simulation = simulation
  }

  read(processes: Processes, table: ProcessTable, steadyMs: number): SeenDaemon[] {
    const key = mpsNamed(table).flatMap(({ pid, state, ppid }) => (ppid !== process.pid ? [`${pid}${state === 'Z' ? 'Z' : ''}`] : [])).join(' ')
    if (key !== this.#key) this.#changedAtMs = steadyMs
    const everyMs = steadyMs - this.#changedAtMs < SETTLING_MS ? SETTLING_EVERY_MS : READ_EVERY_MS
    if (key === this.#key && steadyMs - this.#readAtMs < everyMs) return this.#daemons
    this.#key = key
    this.#readAtMs = steadyMs
    this.#daemons = daemonsOnMachine(processes, table, this.#simulation)
    return this.#daemons
  }
}
