// Every call and every stream of the product. Served over a MessagePort (desktop), a WebSocket (headless) and plain HTTP under /api.
//
// Calls answer quickly; slow work shows itself on a stream. The first item of a stream is the whole truth of that moment.
// Stream items come in an envelope and must be acknowledged with `link.acknowledge` on ports and sockets: at most PACE.unacknowledged
// items are on their way (HTTP has its own back-pressure and needs none).
import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { Advice } from './advice.ts'
import { CommandPreview, LedgerEntry, Routine } from './command.ts'
import { Engine, EngineSpec } from './engine.ts'
import { EXPORTS, ExperimentChoice, ExperimentNow, Hold, Plan, Preset, Report, ReportSummary, type ExportFormat } from './experiment.ts'
import { Fault, FAULT_STATUS, type FaultCode } from './fault.ts'
import { FoundEngine } from './foundEngine.ts'
import { GpuFrame, GpuIdentity, HistoryWindow } from './gpu.ts'
import { LimitsChange, MpsDaemon, PIPE_PATH_BYTES } from './mps.ts'

/** Raised when a page and a core can no longer understand each other. */
export const PROTOCOL_VERSION = 1

export const PACE = { unacknowledged: 32, acknowledgeEvery: 8 } as const

const faults = Object.fromEntries(
  (Object.keys(FAULT_STATUS) as FaultCode[]).map((code) => [code, { status: FAULT_STATUS[code], data: Fault }]),
) as Record<FaultCode, { status: number; data: typeof Fault }>
const faulty = oc.errors(faults)
/** What a call or stream does, in a sentence: it stands in /api/openapi.json too. */
const reads = (summary: string) => faulty.route({ method: 'GET', summary })
const does = (summary: string) => faulty.route({ method: 'POST', summary })

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
/** Characters here; whoever aims at it counts the bytes. */
const pipeDirectory = z.string().max(PIPE_PATH_BYTES).regex(/^\/[^\0]*$/, 'The whole path of a folder, from / on.')
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
  /** What the scene shows. */
  sceneSentence: z.string().nullable(),
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

/** The door for browsers and scripts: the page, its socket, and plain HTTP under /api. */
export const PlainHttp = z.object({
  /** With the token, to be opened in a browser. null: closed. */
  address: z.string().nullable(),
  /** False: opened by whoever started Overlap, and open until it ends. */
  canClose: z.boolean(),
})
export type PlainHttp = z.infer<typeof PlainHttp>

export const MpsAction = z.enum(['start', 'stop', 'restart', 'setLimits'])
export type MpsAction = z.infer<typeof MpsAction>
export const EngineAction = z.enum(['start', 'stop', 'restart', 'putOnMps'])

export const contract = {
  workstation: {
    greeting: reads('Which Overlap this is, on which machine, real or simulated.').output(Greeting),
    cost: reads('Stream: what watching costs. Measured only while somebody reads it: null at first.').output(latest(OwnCost)),
    advice: reads('Stream: the next best steps.').output(latest(z.array(Advice))),
    hold: reads('Stream: who holds the workstation; meanwhile everything that changes it is refused with HELD.').output(latest(Hold.nullable())),
    plainHttp: reads('Stream: where browsers and scripts come in.').output(latest(PlainHttp)),
    setPlainHttp: does('Opens or closes the door for browsers and scripts, on the desktop.').input(z.object({ open: z.boolean() })).output(z.object({})),
  },
  gpu: {
    identities: reads('Stream: the GPUs that nvidia-smi lists.').output(latest(z.array(GpuIdentity))),
    frames: reads('Stream: all readings of all GPUs, once a second.').output(latest(GpuFrame)),
    history: does('The kept past of the named series, at most maxPoints buckets, minima and maxima kept.')
      .input(z.object({
        series: z.array(z.string().max(200)).min(1).max(200),
        fromMs: z.number(),
        toMs: z.number(),
        maxPoints: z.number().int().min(2).max(4000),
      }))
      .output(HistoryWindow),
    retry: does('Starts the nvidia-smi streams again, also after they gave up.').output(z.object({})),
  },
  mps: {
    daemons: reads('Stream: MPS on every GPU, its state, servers, clients and proof.').output(latest(z.array(MpsDaemon))),
    preview: does('The commands that the action, with this consent or these limits, would run now. setLimits needs `limits`.').input(onGpu.extend({ action: MpsAction, forceAfterSeconds, limits: LimitsChange.nullable().default(null) })).output(z.array(CommandPreview)),
    start: does('Starts a daemon for this GPU and a server. Answers when the server is ACTIVE, or with the Fault that the state shows too.').input(onGpu).output(z.object({})),
    stop: does('Stops the daemon. With attached clients: NEEDS_CONSENT unless forceAfterSeconds is given; the clients then get errors when it is over.').input(onGpu.extend({ forceAfterSeconds })).output(z.object({})),
    restart: does('Stops the daemon as `stop` does, and starts it.').input(onGpu.extend({ forceAfterSeconds })).output(z.object({})),
    useForeign: does('Uses a daemon that Overlap did not start, instead of starting a second one; null: stops using it.').input(onGpu.extend({ pipeDirectory: pipeDirectory.nullable() })).output(z.object({})),
    setLimits: does('Sets limits, reads them back and compares. Defaults of Overlap\'s own daemon are kept and set again at every start; while it is stopped they wait for the next.').input(LimitsChange.extend({ gpuUuid })).output(z.object({})),
    log: does('Last lines of control.log and server.log, oldest first.').input(onGpu.extend({ lines: z.number().int().min(1).max(2000).default(200) })).output(z.object({ control: z.array(z.string()), server: z.array(z.string()) })),
  },
  engine: {
    list: reads('Stream: all engines, their states, rates and attachments.').output(latest(z.array(Engine))),
    found: reads('Stream: engines that run here and that Overlap did not start.').output(latest(z.array(FoundEngine))),
    takeIn: does("Makes a found engine one of Overlap's own: it goes on as it is, and can be stopped and started again. Answers with the id of the new engine.").input(onEngine).output(z.object({ id: z.string() })),
    putFoundOnMps: does('Starts MPS where there is none, takes a found engine over as takeIn does, and restarts it as an MPS client. Answers with the id of the new engine, once it was asked to end.').input(onEngine).output(z.object({ id: z.string() })),
    previewTakeIn: does('How a found engine runs, and how it will be started again once it is taken over: from its next start by Overlap on. Runs nothing.').input(onEngine).output(z.object({ runs: CommandPreview, startsAgain: CommandPreview })),
    previewFoundOnMps: does('Everything that putFoundOnMps would run: a daemon where there is none, the end of the engine, its start.').input(onEngine).output(z.array(CommandPreview)),
    add: does('Adds an engine; starts nothing.').input(z.object({ spec: EngineSpec })).output(z.object({ id: z.string() })),
    change: does('Changes a stopped or failed engine.').input(onEngine.extend({ spec: EngineSpec })).output(z.object({})),
    remove: does('Removes a stopped or failed engine, with its log.').input(onEngine).output(z.object({})),
    preview: does('The commands that the action would run now.').input(onEngine.extend({ action: EngineAction })).output(z.array(CommandPreview)),
    start: does('Starts it; the stream `list` shows how it becomes ready.').input(onEngine).output(z.object({})),
    stop: does('Stops it: requests under way may end within drainSeconds.').input(onEngine.extend({ drainSeconds: z.number().int().min(0).max(600).default(10) })).output(z.object({})),
    restart: does('Stops it as `stop` does, and starts it.').input(onEngine).output(z.object({})),
    putOnMps: does('From now on it is started as an MPS client; one that runs is restarted for it.').input(onEngine).output(z.object({})),
    log: reads('Stream: its output, stdout and stderr as written, from the newest `lines` on.').input(onEngine.extend({ lines: z.coerce.number().int().min(0).max(5000).default(500) })).output(all(z.string())),
  },
  experiment: {
    presets: reads('The experiments that come with Overlap, and how long each takes here.').output(z.array(Preset)),
    plan: does('What would be done and how long it takes, with the predictions. Looks, starts nothing.').input(ExperimentChoice).output(Plan),
    rehearse: does('The plan with its checks looked at anew, deeper: tools are asked, ports and memory tried. Starts no engine.').input(ExperimentChoice).output(Plan),
    preview: does('Every command that a start would run now, each once, in the order of their first run; a port that is chosen at the start stands there as “<a free port>”.').input(ExperimentChoice).output(z.array(CommandPreview)),
    start: does('Takes the hold and answers; the rest is on the stream `now`. Throws PREFLIGHT with what refuses.').input(ExperimentChoice).output(z.object({ id: z.string() })),
    cancel: does('Ends it, tidies up, and answers when nothing of it is left.').input(z.object({ id: z.string().max(64) })).output(z.object({})),
    now: reads('Stream: the experiment that runs, or ran last.').output(latest(ExperimentNow.nullable())),
    reports: reads('Stream: all reports, newest first.').output(latest(z.array(ReportSummary))),
    report: does('One report, whole.').input(onReport).output(Report),
    compare: does('Every figure of two reports side by side; null where one has none. change: b / a − 1.').input(z.object({ a: reportId, b: reportId })).output(z.object({
      rows: z.array(z.object({ group: z.string(), what: z.string(), a: z.string().nullable(), b: z.string().nullable(), change: z.number().nullable(), differs: z.boolean() })),
    })),
    exportReport: does('A report as one file.').input(onReport.extend({ format: z.enum(Object.keys(EXPORTS) as [ExportFormat, ...ExportFormat[]]) })).output(z.object({ fileName: z.string(), mediaType: z.string(), text: z.string() })),
    importReport: does("Takes in somebody's report.json: kept beside one's own, marked as imported.").input(z.object({ text: z.string().max(32 * 1024 * 1024) })).output(z.object({ id: z.string() })),
    removeReport: does('Removes a report for good.').input(onReport).output(z.object({})),
  },
  host: {
    commands: reads('Stream: the Ledger. An entry comes when a command begins and again, same id, when it ends.').output(all(LedgerEntry)),
    routine: reads('Stream: reads that are asked again and again and change nothing, one row for all of a kind.').output(latest(z.array(Routine))),
    environment: reads('What every command inherits: the login environment without what npm, Electron and the like put there. Secrets masked.').output(z.record(z.string(), z.string())),
  },
  link: {
    acknowledge: does('Items up to and including seq were taken in; for ports and sockets.').input(z.object({ stream: z.string().max(64), seq: z.number().int() })).output(z.object({})),
  },
}
export type Contract = typeof contract
