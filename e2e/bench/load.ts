// How many streams of 50 tokens/s one generator process carries before it is the limit, whether it says so before its numbers bend, and what
// a chunk costs it beside wrk, a generator in C that looks into no answer.
import { fileURLToPath } from 'node:url'
import { availableParallelism } from 'node:os'
import type { Load, LoadResult } from '../../shared/load.ts'
import { LocalHost } from '../../electron/core/host/localHost.ts'
import { Procfs } from '../../electron/core/host/procfs.ts'
import { systemClock } from '../../electron/core/kit/clock.ts'
import { Disposer } from '../../electron/core/kit/disposer.ts'
import { silentLog } from '../../electron/core/kit/log.ts'
import { openGenerator } from '../../electron/core/load/openGenerator.ts'
import type { Generator } from '../../electron/core/load/target.ts'
import { loadTrouble } from '../../electron/core/load/verdict.ts'
import { nginxParts } from '../parts/nginx.ts'
import type { Row } from './row.ts'
import { CHUNKS_PER_SECOND, STREAM_SERVER } from './streamServer.ts'

const STREAMS = [128, 256, 512, 768, 1024, 1536]
const COMPARED_AT = 256
const SECONDS = 4
const WARM_UP_S = 2
/** The server has a core of its own where there are two. */
const CPUS = availableParallelism() > 1 ? { server: '0', generator: '1' } : { server: null, generator: null }

const loadOf = (streams: number): Load => ({
  api: 'completions', prompt: { shape: 'fixed', tokens: 32 }, output: { shape: 'fixed', tokens: 100_000 }, arrivals: { kind: 'closed', concurrency: streams },
  regime: 'equalTotal', ignoreEos: false, streamIntervalTokens: null, goodput: null, seed: 1,
})

interface Level { streams: number; result: LoadResult; clientBound: string | null; error: number; offeredShare: number; cpuMsPer1000: number }

export async function run(): Promise<Row[]> {
  const disposer = new Disposer()
  const host = new LocalHost({ log: silentLog })
  disposer.add(() => host.close())
  try {
    const url = await startServer(host)
    const generator = await openGenerator({ host, clock: systemClock, log: silentLog, programPath: fileURLToPath(new URL('../../electron/core/load/generator.ts', import.meta.url)), processes: 1, cpus: CPUS.generator })
    const levels: Level[] = []
    for (const streams of STREAMS) {
      let level = await measure(generator, url, streams)
      if (level.clientBound !== null) level = await measure(generator, url, streams) // once may be the machine's other work
      levels.push(level)
      if (level.clientBound !== null && level.streams > COMPARED_AT) break
    }
    return rowsOf(levels, await wrkCost(host, url))
  } finally {
    await disposer.close()
  }
}

async function startServer(host: LocalHost): Promise<string> {
  const port = Promise.withResolvers<string>()
  host.converse({ argv: [process.execPath, STREAM_SERVER], why: 'a server for the benchmark', cpus: CPUS.server, onLine: (line) => port.resolve(line), onEnd: (end) => port.reject(new Error(end.lastLines.join('\n'))) })
  return `http://127.0.0.1:${await port.promise}`
}

const written = async (url: string) => Number(await (await fetch(`${url}/written`)).text())

/** The server's own count is taken over the second half of the run, which lies within the window. */
async function measure(generator: Generator, url: string, streams: number): Promise<Level> {
  const load = loadOf(streams)
  const server = systemClock.sleep((WARM_UP_S + 0.5) * 1000).then(async () => {
    const [before, beganMs] = [await written(url), performance.now()]
    await systemClock.sleep((SECONDS - 1) * 1000)
    return ((await written(url)) - before) / ((performance.now() - beganMs) / 1000)
  })
  const { total } = await generator.run({
    targets: [{ engineName: 'server', url, model: null, apiKey: null }], load, warmUpSeconds: WARM_UP_S, seconds: SECONDS,
    ignoreEosFields: {}, salt: `${streams}`, onProgress: () => {}, signal: new AbortController().signal,
  })
  const perSecond = await server
  return {
    streams, result: total, clientBound: loadTrouble(total, load).find(({ name }) => name === 'clientBound')?.sentence ?? null,
    error: total.outputTokensPerSecond / perSecond - 1, offeredShare: perSecond / (streams * CHUNKS_PER_SECOND),
    cpuMsPer1000: (total.client.cpuPercent * 10) / (total.outputTokensPerSecond / 1000),
  }
}

/** CPU milliseconds per 1,000 chunks, of wrk with the same streams. */
async function wrkCost(host: LocalHost, url: string): Promise<{ version: string; cpuMsPer1000: number }> {
  const { wrk, wrkVersion } = await nginxParts()
  const procfs = new Procfs()
  const before = await written(url)
  let cpuSeconds = 0
  const ended = Promise.withResolvers<void>()
  // Streams of 2 s: wrk counts and uses a connection again at the end of an answer only.
  const talk = host.converse({
    argv: [...wrk, '-t1', `-c${COMPARED_AT}`, `-d${SECONDS + 2}s`, '--timeout', '30s', `${url}/v1/completions?chunks=${2 * CHUNKS_PER_SECOND}`],
    why: 'the yardstick', cpus: CPUS.generator, onLine: () => {}, onEnd: () => ended.resolve(),
  })
  const stop = systemClock.every(50, () => (cpuSeconds = procfs.processStat(talk.pid)?.cpuSeconds ?? cpuSeconds))
  await ended.promise
  stop()
  return { version: wrkVersion, cpuMsPer1000: (cpuSeconds * 1e6) / ((await written(url)) - before) }
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

function rowsOf(levels: Level[], wrk: { version: string; cpuMsPer1000: number }): Row[] {
  const good = levels.filter(({ clientBound }) => clientBound === null).at(-1)
  const bound = levels.find(({ clientBound, streams }) => clientBound !== null && streams > (good?.streams ?? 0))
  const bent = levels.filter(({ clientBound, error }) => clientBound === null && Math.abs(error) > 0.02)
  const compared = levels.find(({ streams }) => streams === COMPARED_AT)
  return [
    {
      what: 'streams of 50 tokens/s that one generator process carries',
      ours: good ? `${good.streams} streams (${Math.round(good.result.outputTokensPerSecond)} chunks/s, ${good.result.client.cpuPercent.toFixed(0)} % of a core)` : 'none of those tried',
      yardstick: bound ? `${bound.streams} streams are refused: ${bound.clientBound}` : `none of up to ${STREAMS.at(-1)} was refused`,
      ratio: null,
      goal: 'says clientBound before the numbers bend',
      note: `tokens/s against the server's own count: ${levels.map(({ streams, error, clientBound, result }) => `${streams}: ${error >= 0 ? '+' : ''}${percent(error)} at ${result.client.cpuPercent.toFixed(0)} % CPU${clientBound ? ' (clientBound)' : ''}`).join('; ')}`,
    },
    { what: 'levels accepted although tokens/s were off by more than 2 %', ours: `${bent.length} of ${levels.length}`, yardstick: "the server's own count", ratio: null, goal: '0', note: `of 50 a second the server itself wrote at least ${percent(Math.min(...levels.map(({ offeredShare }) => offeredShare)))}` },
    {
      what: `CPU per 1,000 chunks of ${COMPARED_AT} streams`,
      ours: `${compared?.cpuMsPer1000.toFixed(1)} ms`,
      yardstick: `${wrk.cpuMsPer1000.toFixed(1)} ms of wrk ${wrk.version}, which reads no answer`,
      ratio: compared ? compared.cpuMsPer1000 / wrk.cpuMsPer1000 : null,
      goal: 'reported',
      note: 'wrk is C, and neither parses events nor takes a time per chunk',
    },
  ]
}
