// The load generator against an engine whose latencies are a script, each a process of its own. What the generator reports is compared
// with what the engine wrote down, so that the noise of a busy machine is on both sides.
import { afterEach, describe, expect, it } from 'vitest'
import type { Load, Percentiles } from '../../../shared/load.ts'
import { LOAD, Rig } from './rig.testkit.ts'
import type { Recorded, Script } from './scriptedEngine.testkit.ts'

let rig = new Rig()
afterEach(async () => {
  await rig.disposer.close()
  rig = new Rig()
})

const WARM_UP_S = 2
const SECONDS = 4

interface Run { script: Script; load?: Partial<Load>; warmUpSeconds?: number; seconds?: number }

async function measure({ script, load, warmUpSeconds = WARM_UP_S, seconds = SECONDS }: Run) {
  const url = await rig.engine()
  const askedAtMs = Date.now()
  const { outcome, ...more } = await rig.order({ target: rig.target(url, script), load: { ...LOAD, ...load }, warmUpSeconds, seconds, startAtMs: 200 })
  const { records, ...server } = await rig.records(url)
  return { result: outcome.result, records, server, askedAtMs, ...more }
}

/** As HDR histograms define it. */
const percentile = (values: number[], percent: number) => values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)] ?? NaN
const near = (ours: number, theirs: number, lateMs: number) => ours - theirs <= Math.max(1, 0.02 * theirs) + lateMs && theirs - ours <= Math.max(1, 0.02 * theirs)

/** What is not within 1 ms or 2 % of the engine's own record: figure, and by how much. `lateMs`: what counts from when it was due holds how late it was sent, which the engine cannot know. */
function misses(name: string, ours: Percentiles | null, theirs: number[], lateMs = 0): [string, string][] {
  const pairs = ([50, 90, 95, 99] as const).map((percent) => [`p${percent}`, ours?.[`p${percent}`] ?? NaN, percentile(theirs, percent)] as const)
  const mean = theirs.reduce((sum, value) => sum + value, 0) / theirs.length
  return [...pairs, ['mean', ours?.mean ?? NaN, mean] as const].filter(([, one, other]) => !near(one, other, lateMs)).map(([which, one, other]) => [`${name} ${which}`, `${one} and not ${other}`])
}

/** The engine's own latencies within the window that began with its first request and the warm-up. First tokens of a schedule: of what came within the window. */
function written(records: Recorded[], { warmUpSeconds, seconds, cut, schedule = false }: { warmUpSeconds: number; seconds: number; cut: number; schedule?: boolean }) {
  const startMs = (records[0]?.receivedAtMs ?? 0) + warmUpSeconds * 1000
  const within = (atMs: number | null | undefined) => atMs != null && atMs >= startMs && atMs < startMs + seconds * 1000
  const ended = records.filter(({ endedAtMs }) => within(endedAtMs))
  // The first requests of the callers are cut on purpose.
  const whole = ended.filter((record) => records.indexOf(record) >= cut)
  return {
    ttft: records.filter(({ receivedAtMs, chunksAtMs }) => within(schedule ? receivedAtMs : chunksAtMs[0])).map(({ receivedAtMs, chunksAtMs }) => chunksAtMs[0]! - receivedAtMs),
    itl: records.flatMap(({ chunksAtMs, tokens }) => chunksAtMs.flatMap((atMs, nth) => (nth > 0 && within(atMs) ? Array.from({ length: tokens[nth]! }, () => (atMs - chunksAtMs[nth - 1]!) / tokens[nth]!) : []))),
    tpot: ended.map(({ endedAtMs, chunksAtMs, tokens }) => (endedAtMs! - chunksAtMs[0]!) / (tokens.reduce((sum, count) => sum + count, 0) - 1)),
    endToEnd: whole.map(({ receivedAtMs, endedAtMs }) => endedAtMs! - receivedAtMs),
    tokens: records.reduce((sum, { chunksAtMs, tokens }) => sum + chunksAtMs.reduce((own, atMs, nth) => own + (within(atMs) ? tokens[nth]! : 0), 0), 0),
    ended: ended.length,
  }
}

const CALLERS = 24
// No step of a distribution lies near a percentile that is compared: there, one request more or less would decide. Schedules are even:
// of requests that come together, the engine writes down the later ones too late.
const evenly: Partial<Load> = { arrivals: { kind: 'constant', perSecond: 40 } }
const SCRIPTS: [string, Script, Partial<Load>][] = [
  ['one token a chunk, some of them slow', { ttftMs: [200, 200, 260, 200, 600, 200, 1000], gapsMs: [60, 60, 70, 60, 160, 160, 70], characters: [1, 4, 2, 8] }, evenly],
  ['several tokens a chunk, pings and a role first, in chat, by callers', { api: 'chat', pings: true, ttftMs: [400, 800, 400], gapsMs: [100, 220, 100, 400], tokensPerChunk: 4 },
    { api: 'chat', output: { shape: 'fixed', tokens: 24 }, arrivals: { kind: 'closed', concurrency: CALLERS } }],
  ['CRLF and no usage', { crlf: true, usage: false, ttftMs: [150, 350, 150], gapsMs: [60, 120, 250] }, { ...evenly, output: { shape: 'fixed', tokens: 8 } }],
]

describe('the load generator', () => {
  it.each(SCRIPTS)('reports every percentile within 1 ms or 2 %%: %s', async (_, script, load) => {
    // A machine that is busy elsewhere can delay a process between the write and the read: every figure must be exact in one of four runs.
    let wrong: Map<string, string> | null = null
    for (let attempt = 0; attempt < 4; attempt++) {
      const { result, records, server } = await measure({ script, load })
      const closed = load.arrivals?.kind === 'closed'
      const theirs = written(records, { warmUpSeconds: WARM_UP_S, seconds: SECONDS, cut: closed ? CALLERS : 0, schedule: !closed })
      const lateMs = closed ? 0 : result.client.lateMsP99
      const now: [string, string][] = [
        ...misses('TTFT', result.ttftMs, theirs.ttft, lateMs), ...misses('ITL', result.itlMs, theirs.itl),
        ...misses('TPOT', result.tpotMs, theirs.tpot), ...misses('end to end', result.endToEndMs, theirs.endToEnd, lateMs),
        ...(Math.abs(result.outputTokens / theirs.tokens - 1) > 0.02 ? [['tokens', `${result.outputTokens} and not ${theirs.tokens}`] as [string, string]] : []),
        ...(Math.abs(result.requests.finished - theirs.ended) > 4 ? [['finished', `${result.requests.finished} and not ${theirs.ended}`] as [string, string]] : []),
      ]
      wrong = new Map(now.filter(([figure]) => wrong === null || wrong.has(figure)))
      expect(result).toMatchObject({ requests: { failed: 0, ...(closed ? { cutOff: CALLERS } : {}) }, shortOutputs: 0, countedByUsage: script.usage ?? true, windowSeconds: SECONDS })
      if (closed) expect(server.connections).toBe(CALLERS + 1) // one per caller, used again; and the one that asks
      if (wrong.size === 0) break
    }
    expect(wrong).toEqual(new Map())
  })

  it('shows a stall of the engine in an open loop, from when requests were due', async () => {
    const { result, records } = await measure({
      script: { ttftMs: [5], gapsMs: [2], stall: { atRequest: 60, ms: 2000 } }, warmUpSeconds: 0.5, seconds: 4,
      load: { arrivals: { kind: 'constant', perSecond: 50 }, output: { shape: 'fixed', tokens: 3 } },
    })
    // 200 requests; the 100 that were due while it stood waited from 2 s down to nothing.
    expect(result.requests.sent).toBeGreaterThanOrEqual(185)
    expect(result.requests.sent).toBeLessThanOrEqual(215)
    expect(result.endToEndMs!.max).toBeGreaterThan(1950)
    expect(result.endToEndMs!.p90).toBeGreaterThan(1400)
    expect(result.endToEndMs!.p90).toBeLessThan(1900)
    expect(result.ttftMs!.p90).toBeGreaterThan(1400)
    expect(result.endToEndMs!.p50).toBeLessThan(500)
    expect(records.length).toBeGreaterThanOrEqual(210)
  })

  it('shows a stall that outlasts the window: what was due and not answered is waited for', async () => {
    const { result, progress } = await measure({
      script: { ttftMs: [5], gapsMs: [2], stall: { atRequest: 100, ms: 1500 } }, warmUpSeconds: 0.5, seconds: 2,
      load: { arrivals: { kind: 'constant', perSecond: 50 }, output: { shape: 'fixed', tokens: 3 } },
    })
    // 100 requests; the last 25 were due while it stood, which it did for one second more
    expect(result.requests.cutOff).toBeGreaterThanOrEqual(20)
    expect(result.ttftMs!.count).toBeGreaterThanOrEqual(95)
    expect(result.ttftMs!.p50).toBeLessThan(500)
    expect(result.ttftMs!.p90).toBeGreaterThan(1000)
    expect(result.ttftMs!.max).toBeGreaterThan(1400)
    expect(progress.at(-1)?.stage).toBe('ending')
  })

  it('counts tokens of requests that are longer than the window, by what earlier ones taught', async () => {
    const { result, records } = await measure({
      script: { ttftMs: [10], gapsMs: [40], tokensPerChunk: 5 }, warmUpSeconds: 2.5, seconds: 1,
      load: { arrivals: { kind: 'closed', concurrency: 4 }, output: { shape: 'fixed', tokens: 1000 } },
    })
    expect(result).toMatchObject({ requests: { finished: 0, cutOff: 4 }, countedByUsage: true, endToEndMs: null, tpotMs: null })
    const theirs = written(records, { warmUpSeconds: 2.5, seconds: 1, cut: 4 })
    expect(Math.abs(result.outputTokens / theirs.tokens - 1)).toBeLessThan(0.1) // each caller may have a chunk on the edge of the window
    expect(Math.abs(result.itlMs!.p50 / percentile(theirs.itl, 50) - 1)).toBeLessThan(0.1)
  })

  it('has nothing but chunks to count by while no request has ended', async () => {
    const { result, records, progress } = await measure({
      script: { ttftMs: [10], gapsMs: [20], tokensPerChunk: 5 }, warmUpSeconds: 0.2, seconds: 1,
      load: { arrivals: { kind: 'closed', concurrency: 2 }, output: { shape: 'fixed', tokens: 100_000 } },
    })
    expect(result).toMatchObject({ requests: { finished: 0, cutOff: 2 }, countedByUsage: false })
    expect(Math.abs(result.outputTokens / (written(records, { warmUpSeconds: 0.2, seconds: 1, cut: 2 }).tokens / 5) - 1)).toBeLessThan(0.15)
    expect(progress.length).toBeGreaterThanOrEqual(3)
    expect(progress.at(-1)).toMatchObject({ engineName: 'engine', inFlight: 2, stage: 'measuring' })
    expect(progress[0]?.outputTokensPerSecond).toBeGreaterThan(0)
  })

  it.each([
    ['drops connections', { dropsAfter: 2 }, 'the engine closed the connection'],
    ['answers 500', { status: 500 }, 'HTTP 500: out of patience'],
  ] as const)('an engine that %s: failed requests, with a pause after each', async (_, script, reason) => {
    const { result } = await measure({ script, warmUpSeconds: 0, seconds: 1, load: { arrivals: { kind: 'closed', concurrency: 2 } } })
    expect(result.requests.finished).toBe(0)
    expect(result.requests.failed).toBeGreaterThan(5)
    expect(result.requests.failed).toBeLessThanOrEqual(20)
    expect(result.failures).toEqual([expect.stringContaining(reason)])
  })

  it('an engine that is not there is no crash', async () => {
    const { outcome } = await rig.order({ target: rig.target('http://127.0.0.1:9', {}), load: { ...LOAD, arrivals: { kind: 'closed', concurrency: 1 } }, warmUpSeconds: 0, seconds: 0.5, startAtMs: 100 })
    expect(outcome.result).toMatchObject({ requests: { finished: 0 }, ttftMs: null, outputTokens: 0 })
    expect(outcome.result.failures[0]).toContain('the engine does not accept connections')
  })

  it('ends streams at the end of the window', async () => {
    const { server, result } = await measure({ script: { ttftMs: [10], gapsMs: [1000] }, warmUpSeconds: 0, seconds: 1, load: { arrivals: { kind: 'closed', concurrency: 50 } } })
    expect(result.requests.cutOff).toBe(50)
    expect(server.aborted).toBe(50)
  })

  it('tells short outputs and goodput', async () => {
    const { result } = await measure({
      script: { ttftMs: [10, 10, 10, 200], gapsMs: [5], stopsAt: 4 }, warmUpSeconds: 0.5, seconds: 2,
      load: { goodput: { ttftMs: 100, tpotMs: null, endToEndMs: null }, arrivals: { kind: 'closed', concurrency: 4 } },
    })
    expect(result.shortOutputs).toBe(result.requests.finished)
    expect(Math.abs(result.goodputPerSecond! / result.requestsPerSecond - 0.75)).toBeLessThan(0.12)
  })

  it('sends the same prompts and lengths to one engine as to two in turn', async () => {
    const url = await rig.engine()
    const load: Load = { ...LOAD, arrivals: { kind: 'poisson', perSecond: 40 }, prompt: { shape: 'uniform', min: 1, max: 50 } }
    const words = async (processes: number) => {
      const generator = await rig.generator({ processes })
      const targets = Array.from({ length: processes }, (_, at) => rig.target(url, { ttftMs: [1], gapsMs: [1] }, `engine-${at}`))
      await generator.run({ targets, load, warmUpSeconds: 0, seconds: 1, ignoreEosFields: {}, salt: 's', onProgress: () => {}, signal: new AbortController().signal })
      return (await rig.records(url)).records.map(({ promptWords }) => promptWords)
    }
    const [one, two] = [await words(1), await words(2)]
    const common = Math.min(one.length, two.length)
    expect(common).toBeGreaterThan(25)
    expect(two.slice(0, common - 2).toSorted()).toEqual(one.slice(0, common - 2).toSorted())
  })
})
