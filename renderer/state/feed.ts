// Feed: the only writer of streams into stores. Everything a screen shows of the workstation came through here.
import type { Connection } from '../link/connect.ts'
import type { Engine } from '../../shared/engine.ts'
import type { GpuFrame } from '../../shared/gpu.ts'
import { faultOf } from '../../shared/fault.ts'
import { useAdvice } from './advice.ts'
import { settleAttempts } from './attempts.ts'
import { mergeEntries, useCommands, useRoutine } from './commands.ts'
import { useCost } from './cost.ts'
import { useExperiment } from './experiment.ts'
import { useHold } from './hold.ts'
import { usePlainHttp } from './plainHttp.ts'
import { useReports } from './reports.ts'
import { appendLines, useEngineLog } from './engineLog.ts'
import { engineStore, useEngines } from './engines.ts'
import { foundNow, foundOn, useFoundEngines } from './foundEngines.ts'
import { useGpus } from './gpus.ts'
import { useLink } from './link.ts'
import { coreNowMs, noteCoreTime } from '../parts/now.ts'
import { writeReadings } from '../parts/readings.ts'
import { keepEqual } from './keepEqual.ts'
import { addMarks, daemonMarks, engineMarks, useMarks } from './marks.ts'
import { useMps } from './mps.ts'
import { usePast } from './past.ts'
import { engineSeries, gpuSeries, track } from './track.ts'
import { SPANS, useView } from './view.ts'

/** The metrics that strips draw. */
const DRAWN = ['smActivityPercent', 'kernelBusyPercent', 'dramBandwidthPercent', 'memoryControllerBusyPercent', 'memoryUsedMiB', 'memoryTotalMiB', 'powerWatts', 'powerLimitWatts'] as const
/** The contract takes at most this many series in one call. */
const SERIES_PER_CALL = 200
/** A rate read longer ago than this is not drawn as the present. */
const RATE_FRESH_MS = 5_000

/** Starts every stream the page lives on; returns how to stop. */
export function feed(connection: Connection): () => void {
  const stops = [
    connection.onState((state) => onLink(connection, state)),
    connection.follow((client, signal) => client.gpu.identities({}, { signal }), (identities) => useGpus.setState({ identities: keepEqual(useGpus.getState().identities, identities) })),
    connection.follow((client, signal) => client.gpu.frames({}, { signal }), onFrame),
    connection.follow((client, signal) => client.mps.daemons({}, { signal }), (daemons) => {
      const before = useMps.getState().daemons
      useMarks.setState(({ marks }) => ({ marks: addMarks(marks, daemonMarks(before, daemons)) }))
      useMps.setState({ daemons: keepEqual(before, daemons) })
      settleAttempts()
    }),
    connection.follow((client, signal) => client.engine.list({}, { signal }), onEngines),
    connection.follow((client, signal) => client.engine.found({}, { signal }), (found) => {
      useFoundEngines.setState({ found: keepEqual(useFoundEngines.getState().found, found) })
      settleAttempts()
    }),
    connection.follow((client, signal) => client.workstation.advice({}, { signal }), (advice) => useAdvice.setState({ advice: keepEqual(useAdvice.getState().advice, advice) })),
    connection.follow((client, signal) => client.workstation.cost({}, { signal }), (cost) => useCost.setState({ cost })),
    connection.follow((client, signal) => client.workstation.plainHttp({}, { signal }), (plainHttp) => {
      usePlainHttp.setState({ plainHttp: keepEqual(usePlainHttp.getState().plainHttp, plainHttp) })
      settleAttempts()
    }),
    connection.follow((client, signal) => client.host.commands({}, { signal }), ({ kind, entries }, dropped) => {
      useCommands.setState((kept) => ({
        entries: mergeEntries(kind === 'snapshot' ? [] : kept.entries, entries),
        dropped: (kind === 'snapshot' ? 0 : kept.dropped) + dropped,
      }))
    }),
    connection.follow((client, signal) => client.workstation.hold({}, { signal }), (hold) => {
      useHold.setState({ hold: keepEqual(useHold.getState().hold, hold) })
      settleAttempts()
    }),
    connection.follow((client, signal) => client.experiment.now({}, { signal }), (now) => {
      useExperiment.setState({ now: keepEqual(useExperiment.getState().now, now) })
      settleAttempts()
    }),
    connection.follow((client, signal) => client.experiment.reports({}, { signal }), (reports) => useReports.setState({ reports: keepEqual(useReports.getState().reports, reports) })),
    refreshPast(connection),
  ]
  onLink(connection, connection.state)
  return () => stops.forEach((stop) => stop())
}

function onLink(connection: Connection, state: Connection['state']): void {
  const was = useLink.getState()
  useLink.setState({ state })
  if (state.name !== 'open' || (was.state.name === 'open' && was.greeting !== null)) return
  connection.client.workstation.greeting({})
    .then((greeting) => useLink.setState({ greeting }))
    .catch(logUnlessLost('greeting'))
  seedTrack(connection).catch(logUnlessLost('seed'))
}

function onFrame(frame: GpuFrame): void {
  noteCoreTime(frame.atMs)
  track.push(frame.atMs, readings(frame, [...(useEngines.getState().engines ?? []), ...foundNow()]))
  useGpus.setState({ frame })
  writeReadings()
}

function onEngines(engines: Engine[]): void {
  const before = useEngines.getState().engines
  useMarks.setState(({ marks }) => ({ marks: addMarks(marks, engineMarks(before, engines)) }))
  useEngines.setState(({ settled }) => engineStore(settled, engines))
  settleAttempts()
}

/** All drawn values of one moment. A rate that is no longer fresh is unknown, not repeated. */
export function readings(frame: GpuFrame, engines: readonly Pick<Engine, 'id' | 'rates' | 'gpuMemoryMiB'>[]): Map<string, number | null> {
  const values = new Map<string, number | null>()
  for (const row of frame.rows) for (const key of DRAWN) values.set(gpuSeries(row.uuid, key), row.metrics[key])
  for (const engine of engines) {
    const { readAtMs, generatedTokensPerSecond } = engine.rates
    const fresh = readAtMs !== null && frame.atMs - readAtMs < RATE_FRESH_MS
    values.set(engineSeries(engine.id, 'generatedTokensPerSecond'), fresh ? generatedTokensPerSecond : null)
    values.set(engineSeries(engine.id, 'gpuMemoryMiB'), engine.gpuMemoryMiB)
  }
  return values
}

/** The series of one GPU and its engines; of all GPUs when `gpuUuid` is null. */
export function drawnSeries(gpuUuid: string | null): string[] {
  const gpus = (useGpus.getState().identities ?? []).filter((gpu) => gpuUuid === null || gpu.uuid === gpuUuid)
  const engines = (useEngines.getState().engines ?? []).filter((engine) => gpuUuid === null || engine.spec.gpuUuid === gpuUuid || engine.spec.gpuUuid === null)
  const names = [
    ...gpus.flatMap((gpu) => DRAWN.map((key) => gpuSeries(gpu.uuid, key))),
    ...[...engines, ...foundOn(foundNow(), gpuUuid)].flatMap((engine) => [engineSeries(engine.id, 'generatedTokensPerSecond'), engineSeries(engine.id, 'gpuMemoryMiB')]),
  ]
  return names.slice(0, SERIES_PER_CALL)
}

/** Fills the minute from the kept past once GPUs and engines are known, so that no chart starts empty. */
async function seedTrack(connection: Connection): Promise<void> {
  await heard()
  const series = drawnSeries(null)
  if (series.length === 0) return
  const toMs = coreNowMs()
  const past = await connection.client.gpu.history({ series, fromMs: toMs - 65_000, toMs, maxPoints: 700 })
  track.replace(past)
}

/** Resolves when identities, engines and found engines have all been heard. */
function heard(): Promise<void> {
  const ready = () => useGpus.getState().identities !== null && useEngines.getState().engines !== null && useFoundEngines.getState().found !== null
  if (ready()) return Promise.resolve()
  return new Promise((resolve) => {
    const look = () => {
      if (!ready()) return
      for (const stop of stops) stop()
      resolve()
    }
    const stops = [useGpus.subscribe(look), useEngines.subscribe(look), useFoundEngines.subscribe(look)]
  })
}

/** Keeps `past` filled while a span longer than a minute is shown: at once, then every 5 s (5 min) or 30 s (1 h). */
function refreshPast(connection: Connection): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let round = 0
  const again = () => {
    clearTimeout(timer)
    const { span, gpuUuid, screen } = useView.getState()
    if (span === '1 min' || screen !== 'live') return
    const mine = ++round
    const toMs = coreNowMs()
    const series = drawnSeries(gpuUuid)
    const asked = series.length === 0 || connection.state.name !== 'open' ? Promise.resolve(null)
      : connection.client.gpu.history({ series, fromMs: toMs - SPANS[span], toMs, maxPoints: span === '1 h' ? 720 : 300 })
    asked.then((window) => { if (window !== null && mine === round) usePast.setState({ window }) })
      .catch(logUnlessLost('history'))
      .finally(() => { if (mine === round) timer = setTimeout(again, span === '1 h' ? 30_000 : 5_000) })
  }
  const stop = useView.subscribe((now, was) => {
    if (now.span === was.span && now.gpuUuid === was.gpuUuid && now.screen === was.screen) return
    if (now.span !== was.span || now.gpuUuid !== was.gpuUuid) usePast.setState({ window: null })
    again()
  })
  return () => { stop(); clearTimeout(timer); round++ }
}

/** Follows what is read again and again; returns how to stop. */
export const followRoutine = (connection: Connection): (() => void) =>
  connection.follow((client, signal) => client.host.routine({}, { signal }), (routine) => useRoutine.setState({ routine: keepEqual(useRoutine.getState().routine, routine) }))

/** Follows one engine's log into its store; returns how to stop. */
export function followEngineLog(connection: Connection, id: string): () => void {
  useEngineLog.setState({ engineId: id, lines: [], dropped: 0 })
  return connection.follow((client, signal) => client.engine.log({ id, lines: 1000 }, { signal }), ({ kind, entries }, dropped) => {
    useEngineLog.setState((kept) => {
      const { lines, left } = appendLines(kind === 'snapshot' ? [] : kept.lines, entries)
      return { lines, dropped: (kind === 'snapshot' ? 0 : kept.dropped) + dropped + left }
    })
  })
}

function logUnlessLost(what: string): (thrown: unknown) => void {
  return (thrown) => {
    if (faultOf(thrown).code !== 'LINK_LOST') reportError(new Error(`${what} failed`, { cause: thrown }))
  }
}
