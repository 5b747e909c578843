// Every call and every stream of the product. Served over a MessagePort (desktop), a WebSocket (headless) and plain HTTP under /api.
//
// Calls answer quickly; slow work shows itself on a stream. The first item of a stream is the whole truth of that moment.
// Stream items come in an envelope and must be acknowledged with `link.acknowledge` on ports and sockets: at most PACE.unacknowledged
// items are on their way (HTTP has its own back-pressure and needs none).
import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { Advice } from './advice.ts'
import { CommandPreview, LedgerEntry } from './command.ts'
import { Engine, EngineSpec } from './engine.ts'
import { EXPORTS, ExperimentChoice, ExperimentNow, Hold, Plan, Preset, Report, ReportSummary, type ExportFormat } from './experiment.ts'
import { Fault, FAULT_STATUS, type FaultCode } from './fault.ts'
import { FoundEngine } from './foundEngine.ts'
import { GpuFrame, GpuIdentity, HistoryWindow } from './gpu.ts'
import { MpsDaemon } from './mps.ts'

/** Raised when a page and a core can no longer understand each other. */
export const PROTOCOL_VERSION = 1

export const PACE = { unacknowledged: 32, acknowledgeEvery: 8 } as const

const faults = Object.fromEntries(
  (Object.keys(FAULT_STATUS) as FaultCode[]).map((code) => [code, { status: FAULT_STATUS[code], data: Fault }]),
) as Record<FaultCode, { status: number; data: typeof Fault }>
const faulty = oc.errors(faults)

const envelope = <Item extends z.ZodType>(item: Item) =>
  z.object({
    /** Names this stream in acknowledgements. */
    stream: z.string(),
    /** 1, 2, 3 … of what was sent. */
    seq: z.number().int(),
    /** 'all' streams: how many entries were dropped before this item because the reader was slow. */
    dropped: z.number().int(),
    item,
  })

/** Latest wins: a slow reader skips to the present. */
const latest = <Item extends z.ZodType>(item: Item) => eventIterator(envelope(item))
/** Every entry, in order, up to a cap; `snapshot` replaces what the reader has. */
const all = <Entry extends z.ZodType>(entry: Entry) =>
  eventIterator(envelope(z.object({ kind: z.enum(['snapshot', 'changes']), entries: z.array(entry) })))

const gpuUuid = z.string().min(1).max(100)
const engineId = z.string().min(1).max(64)
/** Clients get errors when it is over; null: no consent to that. */
const forceAfterSeconds = z.number().int().min(0).max(3600).nullable().default(null)
const sharePercent = z.number().gt(0).max(100)
const onGpu = z.object({ gpuUuid })
const onEngine = z.object({ id: engineId })
const reportId = z.string().min(1).max(64)
const onReport = z.object({ id: reportId })

export const Greeting = z.object({
  protocolVersion: z.number().int(),
  version: z.string(),
  hostName: z.string(),
  simulated: z.boolean(),
  /** Name of the scene when simulated. */
  scene: z.string().nullable(),
  /** Where Overlap keeps engines, logs and settings on that machine. */
  stateDirectory: z.string(),
  /** Overlap runs as this user; engines and daemons too. */
  uid: z.number().int(),
  startedAtMs: z.number(),
  /** Faults met while starting, for example a settings file that was kept aside. */
  faults: z.array(Fault),
})
export type Greeting = z.infer<typeof Greeting>

/** What watching costs: the observer does not hide itself. */
export const OwnCost = z.object({
  atMs: z.number(),
  /** CPU of this process, percent of one core, since the last item. */
  corePercent: z.number(),
  /** CPU of the tools it keeps running. */
  toolsPercent: z.number().nullable(),
  residentMiB: z.number(),
  eventLoopDelayP99Ms: z.number(),
})
export type OwnCost = z.infer<typeof OwnCost>

export const MpsAction = z.enum(['start', 'stop', 'restart', 'setDefaultShare'])
export type MpsAction = z.infer<typeof MpsAction>
export const EngineAction = z.enum(['start', 'stop', 'restart', 'putOnMps'])

export const contract = {
  workstation: {
    greeting: faulty.route({ method: 'GET' }).output(Greeting),
    cost: faulty.route({ method: 'GET' }).output(latest(OwnCost)),
    advice: faulty.route({ method: 'GET' }).output(latest(z.array(Advice))),
    /** Who holds the workstation; meanwhile everything that changes it is refused with HELD. */
    hold: faulty.route({ method: 'GET' }).output(latest(Hold.nullable())),
  },
  gpu: {
    identities: faulty.route({ method: 'GET' }).output(latest(z.array(GpuIdentity))),
    frames: faulty.route({ method: 'GET' }).output(latest(GpuFrame)),
    /** The kept past of the named series, at most maxPoints buckets, minima and maxima kept. */
    history: faulty.route({ method: 'POST' })
      .input(z.object({
        series: z.array(z.string().max(200)).min(1).max(200),
        fromMs: z.number(),
        toMs: z.number(),
        maxPoints: z.number().int().min(2).max(4000),
      }))
      .output(HistoryWindow),
    /** Starts the nvidia-smi streams again, also after they gave up. */
    retry: faulty.route({ method: 'POST' }).output(z.object({})),
  },
  mps: {
    daemons: faulty.route({ method: 'GET' }).output(latest(z.array(MpsDaemon))),
    /** The commands that the action, with this consent or this share, would run now. setDefaultShare needs sharePercent. */
    preview: faulty.route({ method: 'POST' }).input(onGpu.extend({ action: MpsAction, forceAfterSeconds, sharePercent: sharePercent.nullable().default(null) })).output(z.array(CommandPreview)),
    /** Starts a daemon for this GPU and a server. Answers when the server is ACTIVE, or with the Fault that the state shows too. */
    start: faulty.route({ method: 'POST' }).input(onGpu).output(z.object({})),
    /** With attached clients: NEEDS_CONSENT unless forceAfterSeconds is given; the clients then get errors when it is over. */
    stop: faulty.route({ method: 'POST' }).input(onGpu.extend({ forceAfterSeconds })).output(z.object({})),
    restart: faulty.route({ method: 'POST' }).input(onGpu.extend({ forceAfterSeconds })).output(z.object({})),
    /** Use a daemon that Overlap did not start, instead of starting a second one; null: stop using it. */
    useForeign: faulty.route({ method: 'POST' }).input(onGpu.extend({ pipeDirectory: z.string().max(88).nullable() })).output(z.object({})),
    /** For servers started later; read back and compared. */
    setDefaultShare: faulty.route({ method: 'POST' }).input(onGpu.extend({ sharePercent })).output(z.object({ sharePercent: z.number() })),
    /** Last lines of control.log and server.log, oldest first. */
    log: faulty.route({ method: 'POST' }).input(onGpu.extend({ lines: z.number().int().min(1).max(2000).default(200) })).output(z.object({ control: z.array(z.string()), server: z.array(z.string()) })),
  },
  engine: {
    list: faulty.route({ method: 'GET' }).output(latest(z.array(Engine))),
    /** Engines that run here and that Overlap did not start. */
    found: faulty.route({ method: 'GET' }).output(latest(z.array(FoundEngine))),
    /** Makes a found engine one of Overlap's own: it goes on as it is, and can be stopped and started again. Answers with the id of the new engine. */
    takeIn: faulty.route({ method: 'POST' }).input(onEngine).output(z.object({ id: z.string() })),
    /** Everything that putting a found engine on MPS would run: a daemon where there is none, its end, its start. takeIn, mps.start and putOnMps do it. */
    previewFoundOnMps: faulty.route({ method: 'POST' }).input(onEngine).output(z.array(CommandPreview)),
    add: faulty.route({ method: 'POST' }).input(z.object({ spec: EngineSpec })).output(z.object({ id: z.string() })),
    /** Of a stopped or failed engine. */
    change: faulty.route({ method: 'POST' }).input(onEngine.extend({ spec: EngineSpec })).output(z.object({})),
    remove: faulty.route({ method: 'POST' }).input(onEngine).output(z.object({})),
    preview: faulty.route({ method: 'POST' }).input(onEngine.extend({ action: EngineAction })).output(z.array(CommandPreview)),
    start: faulty.route({ method: 'POST' }).input(onEngine).output(z.object({})),
    stop: faulty.route({ method: 'POST' }).input(onEngine.extend({ drainSeconds: z.number().int().min(0).max(600).default(10) })).output(z.object({})),
    restart: faulty.route({ method: 'POST' }).input(onEngine).output(z.object({})),
    /** From now on started as an MPS client; one that runs is restarted for it. */
    putOnMps: faulty.route({ method: 'POST' }).input(onEngine).output(z.object({})),
    /** Its output, stdout and stderr as written, from the newest `lines` on. */
    log: faulty.route({ method: 'GET' }).input(onEngine.extend({ lines: z.coerce.number().int().min(0).max(5000).default(500) })).output(all(z.string())),
  },
  experiment: {
    presets: faulty.route({ method: 'GET' }).output(z.array(Preset)),
    /** What would be done and how long it takes, with the predictions. Looks, starts nothing. */
    plan: faulty.route({ method: 'POST' }).input(ExperimentChoice).output(Plan),
    /** The plan with its checks looked at anew, deeper: tools are asked, ports and memory tried. Starts no engine. */
    rehearse: faulty.route({ method: 'POST' }).input(ExperimentChoice).output(Plan),
    /** Takes the hold and answers; the rest is on the stream `now`. Throws PREFLIGHT with what refuses. */
    start: faulty.route({ method: 'POST' }).input(ExperimentChoice).output(z.object({ id: z.string() })),
    /** Ends it, tidies up, and answers when nothing of it is left. */
    cancel: faulty.route({ method: 'POST' }).input(z.object({ id: z.string().max(64) })).output(z.object({})),
    now: faulty.route({ method: 'GET' }).output(latest(ExperimentNow.nullable())),
    /** Newest first. */
    reports: faulty.route({ method: 'GET' }).output(latest(z.array(ReportSummary))),
    report: faulty.route({ method: 'POST' }).input(onReport).output(Report),
    /** Every figure of two reports side by side; null where one has none. change: b / a − 1. */
    compare: faulty.route({ method: 'POST' }).input(z.object({ a: reportId, b: reportId })).output(z.object({
      rows: z.array(z.object({ group: z.string(), what: z.string(), a: z.string().nullable(), b: z.string().nullable(), change: z.number().nullable(), differs: z.boolean() })),
    })),
    exportReport: faulty.route({ method: 'POST' }).input(onReport.extend({ format: z.enum(Object.keys(EXPORTS) as [ExportFormat, ...ExportFormat[]]) })).output(z.object({ fileName: z.string(), mediaType: z.string(), text: z.string() })),
    /** Somebody's report.json. Kept beside one's own, marked as imported. */
    importReport: faulty.route({ method: 'POST' }).input(z.object({ text: z.string().max(32 * 1024 * 1024) })).output(z.object({ id: z.string() })),
    removeReport: faulty.route({ method: 'POST' }).input(onReport).output(z.object({})),
  },
  host: {
    /** The Ledger: an entry comes when it begins and again, same id, when it ends. */
    commands: faulty.route({ method: 'GET' }).output(all(LedgerEntry)),
  },
  link: {
    /** Items up to and including seq were taken in. */
    acknowledge: faulty.route({ method: 'POST' }).input(z.object({ stream: z.string().max(64), seq: z.number().int() })).output(z.object({})),
  },
}
export type Contract = typeof contract
