// What the engines of an arm did, added up. Percentiles come from the added histograms, never from averages of percentiles.
import type { LatencyKey, LoadResult, Percentiles } from '../../../shared/load.ts'
import { Histogram } from './histogram.ts'
import type { Outcome } from './wire.ts'

const MOST_FAILURES = 10

/** Of at least one outcome, all of the same window. */
export function sumOf(outcomes: readonly Outcome[]): LoadResult {
  const results = outcomes.map(({ result }) => result)
  const total = (value: (result: LoadResult) => number) => results.reduce((sum, result) => sum + value(result), 0)
  const known = (value: (result: LoadResult) => number | null) => (results.some((result) => value(result) === null) ? null : total((result) => value(result) ?? 0))
  const spread = (key: LatencyKey) => percentilesOf(outcomes.map((outcome) => outcome.spread[key]))
  return {
    windowSeconds: total(({ windowSeconds }) => windowSeconds) / results.length,
    requests: {
      sent: total(({ requests }) => requests.sent), finished: total(({ requests }) => requests.finished),
      failed: total(({ requests }) => requests.failed), cutOff: total(({ requests }) => requests.cutOff),
    },
    failures: [...new Set(results.flatMap(({ failures }) => failures))].slice(0, MOST_FAILURES),
    promptTokens: total(({ promptTokens }) => promptTokens),
    outputTokens: total(({ outputTokens }) => outputTokens),
    outputTokensPerSecond: total(({ outputTokensPerSecond }) => outputTokensPerSecond),
    requestsPerSecond: total(({ requestsPerSecond }) => requestsPerSecond),
    goodputPerSecond: known(({ goodputPerSecond }) => goodputPerSecond),
    ttftMs: spread('ttftMs'), itlMs: spread('itlMs'), tpotMs: spread('tpotMs'), endToEndMs: spread('endToEndMs'),
    shortOutputs: total(({ shortOutputs }) => shortOutputs),
    countedByUsage: results.every(({ countedByUsage }) => countedByUsage),
    client: {
      cpuPercent: Math.max(...results.map(({ client }) => client.cpuPercent)),
      lateMsP99: Math.max(...results.map(({ client }) => client.lateMsP99)),
      inFlight: total(({ client }) => client.inFlight),
      inFlightSlope: known(({ client }) => client.inFlightSlope),
      inFlightSlopeLow: slopeLow(results),
    },
  }
}

function percentilesOf(encoded: readonly string[]): Percentiles | null {
  const sum = new Histogram()
  for (const text of encoded) sum.add(Histogram.decoded(text))
  return sum.percentiles
}

/** Errors of the engines' slopes are independent: their squares add up. */
function slopeLow(results: readonly LoadResult[]): number | null {
  let slope = 0
  let squares = 0
  for (const { client } of results) {
    if (client.inFlightSlope === null || client.inFlightSlopeLow === null) return null
    slope += client.inFlightSlope
    squares += (client.inFlightSlope - client.inFlightSlopeLow) ** 2
  }
  return slope - Math.sqrt(squares)
}
