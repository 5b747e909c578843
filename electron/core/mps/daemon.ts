// MPS on one GPU: what is there, and starting, stopping and using it. One transition at a time; success is what was seen.
// Closing this object leaves the daemon running: it serves engines that outlive Overlap.
import { join } from 'node:path'
import type { CommandPreview } from '../../../shared/command.ts'
import { type Fault, faultOf, FaultError } from '../../../shared/fault.ts'
import type { ForeignDaemon, MpsDaemon } from '../../../shared/mps.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Mailbox } from '../kit/mailbox.ts'
import { Topic } from '../kit/topic.ts'
import type { Host, Tools } from '../host/host.ts'
import type { ProcessTable } from '../host/procfs.ts'
import { bringUp, isUp, type Work } from './bringUp.ts'
import { quitLine, readControlVersion, setAndReadDefaultShare, startServer, terminateClient } from './control.ts'
import { ControlChannel } from './controlChannel.ts'
import { daemonEvidence, DEFAULT_LOG_DIRECTORY, mayServe, type Processes, type SeenDaemon } from './detect.ts'
import { mpsSentence, mpsState, type MpsFacts, type MpsIntent } from './lifecycle.ts'
import { logTail } from './serverLog.ts'
import { type Asking, DaemonSight, MachineDaemons, type Seen } from './sight.ts'
import { takeDown } from './takeDown.ts'
import { daemonCommand, mustFit, type Target } from './target.ts'

export interface GpuDaemonParts {
  host: Host
  tools: Tools
  clock: Clock
  log: Log
  procfs: Processes
  gpu: { uuid: string; index: number }
  /** Of Overlap's own daemon for this GPU; a daemon found there is ours, also from an earlier run. */
  directories: { pipe: string; log: string }
  /** The user that servers and engines run as. */
  uid: number
  /** Engine name of a client pid, for warnings. */
  nameOf(pid: number): string | null
  /** Pipe directory of the foreign daemon that the user chose to use, from the settings. */
  use?: string | null
}

/** A fatal GPU error is told for this long after it is over. */
const TELL_FAULT_MS = 10 * 60 * 1000

export class GpuDaemon {
  readonly state: Topic<MpsDaemon>
  readonly #parts: GpuDaemonParts
  readonly #transitions = new Mailbox()
  readonly #looks = new Mailbox()
  readonly #machine: MachineDaemons
  #target: Target
  #sight: DaemonSight
  #onMachine: SeenDaemon[] = []
  #intent: MpsIntent = null
  #fault: Fault | null = null
  /** undefined: not asked yet. */
  #controlVersion: string | null | undefined
  #closed = false

  constructor(parts: GpuDaemonParts) {
    this.#parts = parts
    this.#machine = new MachineDaemons(parts.tools.env['OVERLAP_SIM'] ?? null)
    this.#target = parts.use ? this.#usedTarget(parts.use) : this.#ownTarget()
    this.#sight = new DaemonSight(this.#target, parts.procfs, parts.clock)
    this.state = new Topic(this.#daemon())
  }

  /** Resolves when the server is ACTIVE; rejects with the FaultError that the state then shows too. */
  start(): Promise<void> {
    return this.#transition(() => bringUp(this.#work()))
  }

  /** Resolves when the daemon is seen to be gone. With clients: NEEDS_CONSENT unless forced. */
  stop(input: { forceAfterSeconds: number | null }): Promise<void> {
    return this.#transition(() => this.#takeDown(input.forceAfterSeconds))
  }

  /** After the transition under way: stopped when it is Overlap's own and has no clients. */
  stopIfIdle(): Promise<void> {
    return this.#transition(async () => {
      const seen = await this.#look('now')
      if (this.#target.ownership === 'overlap' && isUp(seen) && seen.clients.length === 0) await this.#takeDown(null)
    })
  }

  /** What was set on the daemon is lost with it. */
  restart(input: { forceAfterSeconds: number | null }): Promise<void> {
    return this.#transition(async () => {
      await this.#takeDown(input.forceAfterSeconds)
      await bringUp(this.#work())
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

  /** For servers started later. Answers the percentage that the daemon read back. */
  setDefaultShare(percent: number): Promise<number> {
    return this.#transition(async () => {
      const { echoed, readBack } = await this.#target.channel.ask(setAndReadDefaultShare(percent), 'set the default SM share for servers started later', 'kept')
      await this.#look('now')
      // It prints one digit, and the old value when it refuses.
      if (Math.abs(readBack - percent) <= 0.051 && echoed === readBack) return readBack
      throw new FaultError('MPS_NO_PROOF', `The MPS daemon kept ${readBack} % instead of ${percent} %.`, 'A share is above 0 and at most 100 %.', { field: 'sharePercent' })
    })
  }

  /** Ends the GPU work of these clients, not their processes: before a SIGKILL, so that their neighbours live on. */
  terminateClients(pids: readonly number[]): Promise<void> {
    return this.#transition(async () => {
      const { clients } = await this.#look('now')
      const failed: number[] = []
      for (const { pid, serverPid } of clients.filter((client) => pids.includes(client.pid))) {
        const end = await this.#target.channel.ask(terminateClient(serverPid, pid), `end the GPU work of process ${pid}`, 'kept')
        if (end === 'failed') failed.push(pid)
      }
      await this.#look('now')
      if (failed.length > 0) throw new FaultError('COMMAND_FAILED', `MPS could not end the GPU work of ${failed.map((pid) => `pid ${pid}`).join(', ')}.`, 'It may have ended by itself; server.log says more.')
    })
  }

  /** Last lines of the two logs, oldest first; empty where they may not be read. */
  async log(lines: number): Promise<{ control: string[]; server: string[] }> {
    const { logDirectory } = this.#target
    if (logDirectory === null) return { control: [], server: [] }
    const tail = async (name: string) => (await logTail(join(logDirectory, name), 512 * 1024)).slice(-lines)
    return { control: await tail('control.log'), server: await tail('server.log') }
  }

  /** The commands that the action would run now, proofs and reads left out. */
  preview(action: 'start' | 'stop' | 'restart'): CommandPreview[] {
    const { host, tools, gpu, uid } = this.#parts
    const { channel } = this.#target
    const up = isUp(this.#sight.seen)
    const start = host.preview(daemonCommand(this.#target, tools, gpu.uuid))
    const server = host.preview(channel.command(startServer(uid).lines, 'start an MPS server for this user'))
    const stop = host.preview(channel.command([quitLine(null)], 'stop the MPS control daemon', false))
    if (action === 'start') return up ? [server] : [start, server]
    return action === 'stop' ? [stop] : [...(up ? [stop] : []), start, server]
  }

  /** What an engine needs to become a client; null: no daemon that would take it, and it would silently run without MPS. */
  clientEnvironment(): Record<string, string> | null {
    const { state, fault } = this.state.value
    if (state !== 'running' && !(state === 'noServer' && fault === null)) return null
    return { CUDA_MPS_PIPE_DIRECTORY: this.#target.pipeDirectory }
  }

  /** Call about once a second; asks the daemon only when something moved. `table`: what the caller read of /proc anyway. */
  async check(table?: ProcessTable): Promise<void> {
    // One look at a time; a look that waits for somebody's open session makes the next ones wait for nothing.
    if (this.#closed || this.#looks.size > 0) return
    try {
      await this.#readControlVersion()
      await this.#look(this.#transitions.size > 0 ? 'never' : 'onChange', table)
    } catch (error) {
      this.#parts.log.error('a look at the MPS daemon failed', { error })
    }
  }

  /** The daemon stays. Waits for the transition under way. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#transitions.idle()
    await this.#looks.idle()
  }

  #transition<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return this.#transitions.post(async () => {
      if (this.#closed) throw new FaultError('WRONG_STATE', 'Overlap is closing.', 'Start Overlap again.')
      this.#fault = null
      try {
        return await work()
      } catch (error) {
        // A question back to the user is no state of the daemon.
        if (error instanceof FaultError && !['NEEDS_CONSENT', 'BAD_INPUT', 'NOT_FOUND', 'WRONG_STATE', 'MPS_FOREIGN'].includes(error.fault.code)) this.#fault = faultOf(error)
        throw error
      } finally {
        this.#intent = null
        await this.#look('never')
      }
    })
  }

  #takeDown(forceAfterSeconds: number | null): Promise<void> {
    return takeDown(this.#work(), { forceAfterSeconds, nameOf: this.#parts.nameOf })
  }

  #work(): Work {
    const { host, tools, clock, gpu, uid } = this.#parts
    return {
      host, tools, clock, gpuUuid: gpu.uuid, uid, target: this.#target,
      foreign: () => this.#foreign(),
      look: (asking) => this.#look(asking),
      intend: (intent) => {
        this.#intent = intent
        this.#publish()
      },
    }
  }

  #look(asking: Asking, table?: ProcessTable): Promise<Seen> {
    return this.#looks.post(async () => {
      const now = table ?? this.#parts.procfs.processTable() ?? new Map()
      this.#onMachine = this.#machine.read(this.#parts.procfs, now)
      const seen = await this.#sight.look(asking, now)
      if (seen.servers.some((server) => server.status === 'ACTIVE')) this.#fault = null
      this.#publish()
      return seen
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
      foreign: this.#foreign(), fault: this.#fault ?? seen.fault,
      gpuFaultAtMs: seen.gpuFaultAtMs !== null && clock.now() - seen.gpuFaultAtMs < TELL_FAULT_MS ? seen.gpuFaultAtMs : null,
    }
    const state = mpsState(facts)
    return {
      gpuUuid: gpu.uuid, gpuIndex: gpu.index, state,
      sinceMs: before?.state === state ? before.sinceMs : clock.now(),
      sentence: mpsSentence(state, facts),
      pipeDirectory: this.#target.pipeDirectory, logDirectory: this.#target.logDirectory,
      ownership: state === 'foreign' ? 'foreign' : state === 'stopped' && this.#target.ownership === 'overlap' ? null : this.#target.ownership,
      daemonPid: seen.daemonPid, controlVersion: this.#controlVersion ?? null,
      servers: seen.servers, clients: seen.clients, defaultSharePercent: seen.defaultSharePercent,
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
    return { pipeDirectory: pipe, logDirectory: log, ownership: 'overlap', channel: this.#channel(pipe) }
  }

  #usedTarget(pipeDirectory: string): Target {
    const seen = this.#machine.read(this.#parts.procfs, this.#parts.procfs.processTable() ?? new Map()).find((daemon) => daemon.pipeDirectory === pipeDirectory)
    return { pipeDirectory, logDirectory: seen ? seen.logDirectory : DEFAULT_LOG_DIRECTORY, ownership: 'used', channel: this.#channel(pipeDirectory) }
  }

  #channel(pipeDirectory: string): ControlChannel {
    const { host, tools, clock } = this.#parts
    return new ControlChannel({ host, tools, clock, pipeDirectory })
  }

  /** Once: `-v` of an old program is a control session with nothing to say, and fails where no daemon runs. */
  async #readControlVersion(): Promise<void> {
    if (this.#controlVersion !== undefined) return
    const { host, tools } = this.#parts
    const env = { ...tools.env, CUDA_MPS_PIPE_DIRECTORY: this.#target.pipeDirectory }
    this.#controlVersion = null
    try {
      const output = await host.run({ argv: [...tools.mpsControl, '-v'], env, why: 'read the version of the MPS control program', timeoutMs: 5_000 })
      this.#controlVersion = readControlVersion(output.stdout)
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      this.#fault = error.fault
    }
  }
}
