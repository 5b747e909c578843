// Engines that run here and that Overlap did not start: recognised by their command lines, followed over loopback, described well enough
// to be taken over. Starts nothing, signals nobody, asks nothing but their metrics pages.
import { basename, join } from 'node:path'
import type { FoundEngine } from '../../../shared/foundEngine.ts'
import type { Prediction } from '../../../shared/experiment.ts'
import type { Host, ProcessId } from '../host/host.ts'
import type { ProcessTable, TableEntry } from '../host/processTable.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import { Topic } from '../kit/topic.ts'
import { engineCommand, metricsPath, namedKey, namedModel, namedPort, type EngineCommand } from './commandLine.ts'
import { draftSpec, ownEnvironment } from './draft.ts'
import { NOT_SEEN, type Sighting } from './engineParts.ts'
import { cautionOf, nameOf, obstacleOf, silenceOf } from './foundWords.ts'
import { Scraper } from './scrape.ts'
import type { EngineFacts } from './supervisor.ts'
import { idOf, type Adoptable } from './takeIn.ts'

export interface DiscoveryParts {
  host: Pick<Host, 'preview' | 'environment'>
  clock: Clock
  procfs: Procfs
  /** Overlap's own engines. */
  own(): EngineFacts[]
  stateDirectory: string
  /** Tools.env: what every engine gets beside the login environment. */
  toolsEnv: Record<string, string>
  /** The user that Overlap runs as. */
  uid: number
}

/** One engine as /proc shows it. */
export interface FoundProcess {
  process: ProcessId
  command: EngineCommand
  argv: string[]
  /** null: not ours to read. */
  env: Record<string, string> | null
  cwd: string | null
  uid: number | null
  startedAtMs: number | null
  /** Kept by another Overlap, of another state folder. */
  keptElsewhere: boolean
  /** Whether it sees this machine as we do; null: cannot be told. False: a container. */
  sharesOurWorld: boolean | null
  service: string | null
}

/** For those who join pids to GPUs and daemons. */
export interface FoundFacts {
  id: string
  process: ProcessId
  pids: number[]
  spec: EngineFacts['spec']
  /** Its CUDA_VISIBLE_DEVICES; null: not set, or not ours to read. */
  visibleDevices: string | null
  /** Runs on a GPU or not at all. */
  needsGpu: boolean
  /** Where it looks for a daemon; null: not known. */
  pipeDirectory: string | null
}

/** What is found out about one beside /proc: see owners. */
export interface FoundSighting extends Sighting {
  /** GPUs that it uses; null: not known now. */
  gpuUuids: string[] | null
}

interface Read {
  argv: string[]
  command: EngineCommand
}

/** What a process was found to be when its command line was last read. */
interface Looked {
  /** With its pid, which process it was, and which program. */
  startTicks: number
  comm: string
  /** null: no engine. */
  read: Read | null
  looks: number
  /** An engine of Overlap's own or of another workstation, by its environment and those above it. */
  elsewhere: boolean
}

interface Known extends FoundProcess {
  id: string
  /** On the steady clock: from then on it is not waited for. */
  loadsUntilMs: number
  pids: number[]
  port: number | null
  /** Its sockets could be seen: an empty list of ports is a fact. */
  portSeen: boolean
  scraper: Scraper
  sighting: FoundSighting
  prediction: Prediction | null
}

/** A look reads the command lines of new processes, and of each old one every so many looks: a program may have become another. */
const LOOK_EVERY_MS = 2_000
const REREAD_EVERY = 30
/** A script of the engine's name becomes the engine, and nothing but its command line tells: young processes are read at every look. */
const YOUNG_LOOKS = 5
/** One that cannot be heard from here, in a network of its own, holds nobody up for longer. */
const LONGEST_LOAD_MS = 10 * 60 * 1000
const UNSEEN: FoundSighting = { pids: [], gpuMemoryMiB: null, attachment: NOT_SEEN, gpuUuids: null }

export class Discovery {
  /** In order of their start. */
  readonly found = new Topic<FoundEngine[]>([])
  readonly #parts: DiscoveryParts
  #looked = new Map<number, Looked>()
  #known = new Map<string, Known>()
  /** On the steady clock. */
  #lookedAtMs = -Infinity
  #looks = 0
  /** The id that it has as an engine once it is taken over: what is kept of it goes on under it. */
  readonly #idOf: (process: ProcessId) => string

  constructor(parts: DiscoveryParts) {
    this.#parts = parts
    const bootId = parts.procfs.bootId()
    this.#idOf = (process) => idOf(process, bootId)
  }

  /** Once a second. `table`: null where processes cannot be listed. */
  tick(table: ProcessTable | null): void {
    const steadyMs = this.#parts.clock.steady()
    if (table !== null && steadyMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = steadyMs
      this.#look(table)
    }
    for (const known of this.#known.values()) {
      if (known.port !== null) void known.scraper.read(known.port, { healthPath: '/health', openAi: true, metricsPath: metricsPath(known.command, known.env ?? {}), apiKey: known.portSeen ? namedKey(known.command, known.env ?? {}) : null }) // a key is for the engine alone, not for whoever has its port
    }
  }

  get facts(): FoundFacts[] {
    return [...this.#known.values()].map((known) => ({
      id: known.id, process: known.process, pids: known.pids, spec: this.#specOf(known),
      visibleDevices: known.env?.['CUDA_VISIBLE_DEVICES'] ?? null, needsGpu: known.command.program !== 'llamaServer',
      pipeDirectory: known.env === null ? null : (known.env['CUDA_MPS_PIPE_DIRECTORY'] ?? '/tmp/nvidia-mps'),
    }))
  }

  /** Those that were started a short while ago and have never answered, with the GPU that they use. llama-server measures no memory while it loads. */
  get loading(): EngineFacts['spec'][] {
    const steadyMs = this.#parts.clock.steady()
    const loads = ({ command, env, scraper, loadsUntilMs }: Known) =>
      command.program !== 'llamaServer' && metricsPath(command, env ?? {}) !== null && scraper.rates.readAtMs === null && steadyMs < loadsUntilMs
    return [...this.#known.values()].filter(loads).map((known) => this.#specOf(known))
  }

  /** `predict`: what two copies would gain on that GPU. */
  observe(seen: ReadonlyMap<string, FoundSighting>, predict: (spec: EngineFacts['spec']) => Prediction | null): void {
    for (const known of this.#known.values()) {
      known.sighting = seen.get(known.id) ?? UNSEEN
      known.prediction = predict(this.#specOf(known))
    }
    this.#publish()
  }

  /** Null: it is gone, or it cannot be taken over. */
  adoptable(id: string): Adoptable | null {
    const known = this.#known.get(id)
    if (!known || known.port === null || !this.#parts.procfs.isAlive(known.process) || this.#obstacleOf(known) !== null) return null
    return { process: known.process, spec: this.#specOf(known), port: known.port, argv: known.argv, env: known.env ?? {}, cwd: known.cwd ?? '/', startedAtMs: known.startedAtMs }
  }

  /** It is one of Overlap's own from now on. */
  forget(id: string): void {
    this.#known.delete(id)
    this.#publish()
  }

  #look(table: ProcessTable): void {
    this.#looks += 1
    const lookedAt = new Map<number, Looked>()
    const candidates = new Map<number, { entry: TableEntry; read: Read; looked: Looked }>()
    for (const entry of table.values()) {
      const { pid, startTicks, comm } = entry
      const before = this.#looked.get(pid)
      const old = before?.startTicks === startTicks && before.comm === comm ? before : undefined
      const kept = old !== undefined && old.looks >= YOUNG_LOOKS && (pid + this.#looks) % REREAD_EVERY !== 0
      const looked = kept ? old : { startTicks, comm, read: this.#read(pid), looks: (old?.looks ?? 0) + 1, elsewhere: false }
      lookedAt.set(pid, looked)
      if (looked.read !== null && entry.state !== 'Z') candidates.set(entry.pid, { entry, read: looked.read, looked })
    }
    this.#looked = lookedAt
    const own = new Set(this.#parts.own().flatMap(({ run }) => run ?? []).map(this.#idOf))
    const known = [...candidates.values()].flatMap(({ entry, read, looked }) => {
      const above = ancestorsOf(entry, table)
      if (looked.elsewhere || above.some(({ pid }) => candidates.has(pid)) || [entry, ...above].some((one) => own.has(this.#idOf(one)))) return []
      const one = this.#known.get(this.#idOf(entry)) ?? this.#know(entry, read, above)
      looked.elsewhere = one === null
      return one === null ? [] : [{ ...one, pids: this.#parts.procfs.processTree(entry.pid, table) }]
    })
    this.#known = new Map(known.sort((a, b) => a.process.startTicks - b.process.startTicks).map((one) => [one.id, one]))
    for (const one of this.#known.values()) this.#findPort(one)
  }

  #read(pid: number): Read | null {
    const argv = this.#parts.procfs.commandLine(pid)
    const command = argv === null ? null : engineCommand(argv)
    return argv === null || command === null ? null : { argv, command }
  }

  /** Null: one of Overlap's own, or of another workstation than this one. `above`: its parent first. */
  #know(entry: TableEntry, { argv, command }: Read, above: readonly TableEntry[]): Known | null {
    const { procfs, toolsEnv, stateDirectory, clock } = this.#parts
    const { pid, startTicks } = entry
    const keepers = above.flatMap((one) => procfs.commandLine(one.pid) ?? []).filter((argument) => argument.includes('/'))
    if (keepers.some((argument) => argument.startsWith(`${join(stateDirectory, 'engines')}/`))) return null
    const env = procfs.environmentOf(pid)
    // stand-ins of a simulated workstation are engines of that one only
    if ((env?.['OVERLAP_SIM'] ?? null) !== (toolsEnv['OVERLAP_SIM'] ?? null)) return null
    const ageMs = procfs.ageMs(startTicks)
    return {
      id: this.#idOf(entry), pids: [pid], process: { pid, startTicks }, command, argv, env, cwd: procfs.workingDirectory(pid), uid: procfs.uidOf(pid), startedAtMs: procfs.timeOf(startTicks),
      loadsUntilMs: ageMs === null ? -Infinity : clock.steady() + LONGEST_LOAD_MS - ageMs,
      keptElsewhere: keepers.some((argument) => /^keeper\.\w+$/.test(basename(argument))), sharesOurWorld: procfs.sharesOurWorld(pid), service: procfs.serviceOf(pid),
      port: null, portSeen: false, scraper: new Scraper(clock), sighting: UNSEEN, prediction: null,
    }
  }

  /** Looked for until it answers as an engine, or is the one that its command line names: others open while it loads. */
  #findPort(known: Known): void {
    const named = namedPort(known.command, known.env ?? {})
    if (known.port !== null && (known.port === named || known.scraper.rates.source !== null)) return
    const ports = this.#parts.procfs.listeningPorts(known.pids)
    const others = new Set([...this.#known.values()].filter((one) => one !== known).map(({ port }) => port))
    known.portSeen = ports !== null
    if (ports === null) known.port = others.has(named) ? null : named
    else known.port = ports.includes(named) ? named : (ports.sort((a, b) => a - b)[0] ?? null)
  }

  /** Its GPU is the only one that it uses. */
  #specOf(known: Known): EngineFacts['spec'] {
    const { host, toolsEnv } = this.#parts
    const [gpuUuid = null, ...more] = known.sighting.gpuUuids ?? []
    return draftSpec({
      command: known.command, env: known.env ?? {}, inherited: { ...host.environment, ...toolsEnv }, cwd: known.cwd, name: this.#nameOf(known), port: known.port ?? namedPort(known.command, known.env ?? {}),
      restartedElsewhere: known.service !== null, gpuUuid: more.length > 0 ? null : gpuUuid, onMps: known.sighting.attachment.state === 'attached' && gpuUuid !== null && more.length === 0,
    })
  }

  #nameOf(known: Known): string {
    const earlier = [...this.#known.values()].slice(0, [...this.#known.keys()].indexOf(known.id))
    return nameOf(known, [...this.#parts.own().map(({ spec }) => spec.name), ...earlier.map((one) => nameOf(one, []))])
  }

  #obstacleOf(known: Known): FoundEngine['obstacle'] {
    return obstacleOf(known, { spec: this.#specOf(known), port: known.port, gpuUuids: known.sighting.gpuUuids, uid: this.#parts.uid })
  }

  #publish(): void {
    if (this.#known.size === 0 && this.found.value.length === 0) return
    this.found.set([...this.#known.values()].map((known) => this.#shown(known)))
  }

  #shown(known: Known): FoundEngine {
    const { host, toolsEnv } = this.#parts
    const { command, argv, env, cwd, sighting } = known
    const spec = this.#specOf(known)
    const answers = known.scraper.rates.source !== null
    return {
      id: known.id, program: command.program, name: spec.name, model: namedModel(command, env ?? {}), pid: known.process.pid, pids: known.pids, uid: known.uid, startedAtMs: known.startedAtMs,
      // a port that only its command line names is shown once an engine answers there
      port: known.portSeen || answers ? known.port : null,
      gpuUuid: spec.gpuUuid, gpuMemoryMiB: sighting.gpuMemoryMiB, attachment: sighting.attachment, rates: known.scraper.rates,
      silence: answers ? null : silenceOf(known, { port: known.port, portSeen: known.portSeen, metrics: metricsPath(command, env ?? {}) }),
      command: host.preview({ argv, env: ownEnvironment(env ?? {}, { ...host.environment, ...toolsEnv }), ...(cwd === null ? {} : { cwd }), why: 'how it was started; nothing is run now' }),
      prediction: known.prediction, obstacle: this.#obstacleOf(known), caution: cautionOf(known),
    }
  }
}


/** Its parent first. */
function ancestorsOf(entry: TableEntry | undefined, table: ProcessTable): TableEntry[] {
  const line: TableEntry[] = []
  for (let next = table.get(entry?.ppid ?? 0); next && !line.includes(next); next = table.get(next.ppid)) line.push(next)
  return line
}
