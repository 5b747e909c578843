// MPS on one GPU: what is there, and starting, stopping and using it. One transition at a time; success is what was seen.
// Closing this object leaves the daemon running: it serves engines that outlive Overlap.
import { join } from 'node:path'
import type { CommandPreview } from '../../../shared/command.ts'
import { faultOf, FaultError } from '../../../shared/fault.ts'
import type { ForeignDaemon, LimitsChange, MpsDaemon, MpsLimits } from '../../../shared/mps.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { Topic } from '../kit/topic.ts'
import type { Host, Tools } from '../host/host.ts'
import type { ProcessTable } from '../host/processTable.ts'
import { bringUp, isUp, noProof, until, type Work } from './bringUp.ts'
import { type Asked, commandsOf } from './commandsOf.ts'
import { ControlChannel } from './controlChannel.ts'
import { ControlVersion } from './controlVersion.ts'
import { endClients } from './endClients.ts'
import { daemonEvidence, DEFAULT_LOG_DIRECTORY, DEFAULT_PIPE_DIRECTORY, mayServe, numberOf, type Processes, type SeenDaemon } from './detect.ts'
import { type Failure, isOver, isQuestion, mpsSentence, mpsState, type MpsFacts, type MpsIntent } from './lifecycle.ts'
import { setLimits } from './setLimits.ts'
import { logTail } from './serverLog.ts'
import { type Asking, DaemonSight, MachineDaemons, type Seen } from './sight.ts'
import { takeDown } from './takeDown.ts'
import { mustFit, type Target } from './target.ts'

export interface GpuDaemonParts {
  host: Host
  tools: Tools
  clock: Clock
  log: Log
  procfs: Processes
  gpu: { uuid: string; index: number; memoryTotalMiB: number | null }
  /** Whether this machine has no other GPU. */
  alone?(): boolean
  /** Defaults that the user set, from the settings. */
  limits?: MpsLimits
  /** Of Overlap's own daemon for this GPU; a daemon found there is ours, also from an earlier run. */
  directories: { pipe: string; log: string }
  /** The user that servers and engines run as. */
  uid: number
  /** Engine name of a client pid, for warnings. */
  nameOf(pid: number): string | null
  /** Names of engines that are being started as its clients. */
  onTheirWay?(): readonly string[]
  /** Pipe directory of the foreign daemon that the user chose to use, from the settings. */
  use?: string | null
  /** Shared by the daemons of all GPUs. */
  machine: MachineDaemons
}

/** A fatal GPU error is told of for this long. */
const TELL_FAULT_MS = 10 * 60 * 1000
/** How long Overlap's end waits for an idle daemon to stop, which takes milliseconds unless its one session is held. */
const LAST_STOP_MS = 10_000

export class GpuDaemon {
  readonly state: Topic<MpsDaemon>
  readonly #parts: GpuDaemonParts
  readonly #transitions = new Mailbox()
  readonly #looks = new Mailbox()
  #target: Target
  #sight: DaemonSight
  #onMachine: SeenDaemon[] = []
  #intent: MpsIntent = null
  #failure: Failure | null = null
  #limits: MpsLimits
  readonly #version: ControlVersion
  #patience = new AbortController()
  #closed = false

  constructor(parts: GpuDaemonParts) {
    this.#parts = parts
    this.#version = new ControlVersion(parts)
    this.#limits = parts.limits ?? { sharePercent: null, pinnedMemoryMiB: null }
    this.#target = parts.use ? this.#usedTarget(parts.use) : this.#ownTarget()
    this.#sight = new DaemonSight(this.#target, parts.procfs, parts.clock)
    this.state = new Topic(this.#daemon())
  }

  /** Resolves when the server is ACTIVE; rejects with the FaultError that the state then shows too. */
  start(): Promise<void> {
    return this.#transition((aborted) => bringUp(this.#work(aborted)))
  }

  /** Resolves when the daemon is seen to be gone. With clients: NEEDS_CONSENT unless forced. */
  stop(input: { forceAfterSeconds: number | null }): Promise<void> {
    return this.#transition((aborted) => this.#takeDown(input.forceAfterSeconds, aborted))
  }

  /** At Overlap's end: nothing that is under way is waited for any more; Overlap's own daemon without clients is stopped, within seconds. */
  async stopIfIdle(): Promise<void> {
    const intent = this.#intent
    this.#interrupt()
    if (intent === 'drain' || intent === 'stop') return // it was told already
    const cancel = this.#parts.clock.after(LAST_STOP_MS, () => this.#interrupt())
    await this.#transition(async (aborted) => {
      const work = this.#work(aborted)
      // one that is coming up is waited for, or it would stay
      const seen = intent === 'start' ? await until(work, LAST_STOP_MS / 2, isUp, () => noProof('The MPS daemon did not come up.', null)) : await work.look('now')
      if (this.#target.ownership === 'overlap' && isUp(seen) && seen.clients.length === 0) await this.#takeDown(null, aborted)
    }).finally(cancel)
  }

  restart(input: { forceAfterSeconds: number | null }): Promise<void> {
    return this.#transition(async (aborted) => {
      await this.#takeDown(input.forceAfterSeconds, aborted)
      await bringUp(this.#work(aborted))
    })
  }

  /** From now on this GPU's daemon is that one; null: Overlap's own again. NOT_FOUND when none listens there. */
  useForeign(pipeDirectory: string | null): Promise<void> {
    return this.#transition(async () => {
      if (pipeDirectory === null) return this.#aimAt(this.#ownTarget())
      mustFit(pipeDirectory)
      if (this.#target.ownership === 'overlap' && isUp(await this.#look('now'))) {
        throw new FaultError('WRONG_STATE', "Overlap's own MPS daemon runs on this GPU.", 'Stop it first: two daemons on one GPU take turns instead of overlapping.')
      }
      if (daemonEvidence(this.#parts.procfs, pipeDirectory).life === 'gone') {
        throw new FaultError('NOT_FOUND', `No MPS daemon listens at ${pipeDirectory}.`, 'Start it there first, or start one with Overlap.', { field: 'pipeDirectory' })
      }
      await this.#aimAt(this.#usedTarget(pipeDirectory))
    })
  }

  /** Of the default, kept for every start of Overlap's own daemon; of the running server. */
  setLimits(change: LimitsChange): Promise<void> {
    return this.#transition(async (aborted) => {
      const work = this.#work(aborted)
      await setLimits(work, change)
      if (change.of === 'default' && work.target.ownership === 'overlap') this.#limits = { sharePercent: change.sharePercent, pinnedMemoryMiB: change.pinnedMemoryMiB }
      await this.#look('now')
      if (change.of === 'server') await this.#looks.post(() => this.#sight.readLimits())
    })
  }

  /** Ends the GPU work of these clients, not their processes. */
  terminateClients(pids: readonly number[]): Promise<void> {
    return this.#transition((aborted) => endClients(this.#work(aborted), pids))
  }

  /** Last lines of the two logs, oldest first; empty where they may not be read. */
  async log(lines: number): Promise<{ control: string[]; server: string[] }> {
    const { logDirectory } = this.#target
    if (logDirectory === null) return { control: [], server: [] }
    const tail = async (name: string) => (await logTail(join(logDirectory, name), 512 * 1024)).slice(-lines)
    return { control: await tail('control.log'), server: await tail('server.log') }
  }

  /** The commands that the action would run now, proofs and reads left out. */
  preview(asked: Asked): CommandPreview[] {
    const { host, tools, gpu, uid } = this.#parts
    return commandsOf(asked, { target: this.#target, seen: this.#sight.seen, tools, gpu, uid, wanted: this.#limits }).map((command) => host.preview(command))
  }

  /** Where an engine becomes a client; null: no daemon that would take it, and it would silently run without MPS. */
  get clientPipeDirectory(): string | null {
    const { state, fault } = this.state.value
    if (state !== 'running' && !(state === 'noServer' && fault === null)) return null
    return this.#target.pipeDirectory
  }

  /** Call about once a second; asks the daemon only when something moved. `table`: what the caller read of /proc anyway. */
  async check(table?: ProcessTable): Promise<void> {
    // One look at a time; a look that waits for somebody's open session makes the next ones wait for nothing.
    if (this.#closed || this.#looks.size > 0) return
    try {
      await this.#version.read(this.#target.pipeDirectory, this.#patience.signal)
      await this.#look(this.#transitions.size > 0 ? 'never' : 'onChange', table)
    } catch (error) {
      this.#parts.log.error('a look at the MPS daemon failed', { error })
    }
  }

  /** The daemon stays, and so does what a transition under way has told it; nobody waits for that any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#interrupt()
    await this.#transitions.idle()
    await this.#looks.idle()
  }

  #interrupt(): void {
    this.#patience.abort()
    if (!this.#closed) this.#patience = new AbortController()
  }

  #transition<Answer>(work: (aborted: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const aborted = this.#patience.signal
    return this.#transitions.post(async () => {
      mustGoOn(aborted)
      this.#failure = null
      try {
        return await work(aborted)
      } catch (error) {
        mustGoOn(aborted)
        if (error instanceof FaultError && !isQuestion(error.fault, this.#target.ownership)) this.#failure = { fault: faultOf(error), atMs: this.#parts.clock.steady() }
        throw error
      } finally {
        this.#intent = null
        await this.#look('never')
      }
    })
  }

  #takeDown(forceAfterSeconds: number | null, aborted: AbortSignal): Promise<void> {
    return takeDown(this.#work(aborted), { forceAfterSeconds, nameOf: this.#parts.nameOf, onTheirWay: this.#parts.onTheirWay ?? (() => []) })
  }

  #work(aborted: AbortSignal): Work {
    const { host, tools, clock, gpu, uid } = this.#parts
    return {
      host, tools, clock, gpu, uid, target: this.#target, limits: this.#limits, aborted,
      foreign: () => this.#foreign(),
      look: async (asking) => {
        mustGoOn(aborted)
        const seen = await this.#look(asking)
        mustGoOn(aborted)
        return seen
      },
      intend: (intent) => {
        this.#intent = intent
        this.#publish()
      },
    }
  }

  #look(asking: Asking, table?: ProcessTable): Promise<Seen> {
    return this.#looks.post(async () => {
      const now = table ?? this.#parts.procfs.processTable() ?? new Map()
      this.#onMachine = this.#parts.machine.read(this.#parts.procfs, now, this.#parts.clock.steady())
      const sight = this.#sight
      const seen = await sight.look(asking, now)
      if (this.#failure && isOver(this.#failure, seen)) this.#failure = null
      this.#publish()
      if (asking !== 'onChange' || !sight.limitsAreDue) return seen
      await sight.readLimits()
      this.#publish()
      return sight.seen
    })
  }

  #publish(): void {
    this.state.set(this.#daemon())
  }

  #daemon(): MpsDaemon {
    const { gpu, clock } = this.#parts
    const seen = this.#sight.seen
    const before = this.state?.value
    const facts: MpsFacts = {
      intent: this.#intent, life: seen.life, answers: seen.answers, ownership: this.#target.ownership,
      servers: seen.servers, clients: new Set(seen.clients.map((client) => client.pid)).size,
      foreign: this.#foreign(), fault: this.#failure?.fault ?? seen.fault ?? this.#version.fault,
      gpuFaultAtMs: seen.gpuFaultAtMs !== null && clock.now() - seen.gpuFaultAtMs < TELL_FAULT_MS ? seen.gpuFaultAtMs : null,
    }
    const state = mpsState(facts)
    return {
      gpuUuid: gpu.uuid, gpuIndex: gpu.index, state,
      sinceMs: before?.state === state ? before.sinceMs : clock.now(),
      sentence: mpsSentence(state, facts),
      pipeDirectory: this.#target.pipeDirectory, logDirectory: this.#target.logDirectory,
      ownership: state === 'foreign' ? 'foreign' : state === 'stopped' && this.#target.ownership === 'overlap' ? null : this.#target.ownership,
      daemonPid: seen.daemonPid, daemonUid: seen.daemonUid, controlVersion: this.#version.value,
      servers: seen.servers, clients: seen.clients, limits: { wanted: this.#limits, ...seen.limits },
      proof: { listening: seen.listening, lockOwnerPid: seen.lockOwnerPid, answers: seen.answers, checkedAtMs: seen.checkedAtMs },
      foreign: [...facts.foreign], fault: state === 'running' ? null : facts.fault,
    }
  }

  /** Others that may serve this GPU. */
  #foreign(): ForeignDaemon[] {
    const own = [this.#target.pipeDirectory, this.#parts.directories.pipe]
    return this.#onMachine
      .filter((daemon) => daemon.pid !== this.#sight.seen.daemonPid && !own.includes(daemon.pipeDirectory ?? '') && mayServe(daemon, this.#parts.gpu.uuid))
      .map(({ pid, uid, pipeDirectory, gpuUuids }) => ({ pid, uid, pipeDirectory, gpuUuids }))
  }

  async #aimAt(target: Target): Promise<void> {
    this.#target = target
    this.#sight = new DaemonSight(target, this.#parts.procfs, this.#parts.clock)
    await this.#look('now')
  }

  #ownTarget(): Target {
    const { pipe, log } = this.#parts.directories
    return { pipeDirectory: pipe, logDirectory: log, ownership: 'overlap', channel: this.#channel(pipe), device: () => 0 }
  }

  #usedTarget(pipeDirectory: string): Target {
    const { procfs, clock, gpu, alone, machine } = this.#parts
    const seen = machine.read(procfs, procfs.processTable() ?? new Map(), clock.steady()).find((daemon) => daemon.pipeDirectory === pipeDirectory)
    const device = () => numberOf(gpu.uuid, seen?.gpuUuids ?? null) ?? (alone?.() ? 0 : null)
    return { pipeDirectory, logDirectory: seen ? seen.logDirectory : pipeDirectory === DEFAULT_PIPE_DIRECTORY ? DEFAULT_LOG_DIRECTORY : null, ownership: 'used', channel: this.#channel(pipeDirectory), device }
  }

  #channel(pipeDirectory: string): ControlChannel {
    const { host, tools, clock } = this.#parts
    return new ControlChannel({ host, tools, clock, pipeDirectory, aborted: () => this.#patience.signal })
  }
}

function mustGoOn(aborted: AbortSignal): void {
  if (aborted.aborted) throw new FaultError('WRONG_STATE', 'Overlap is closing.', 'Start Overlap again.')
}
