// What makes a block of load no measurement of the engine. Pure.
import type { Load, LoadResult } from '../../../shared/load.ts'
import { fixed } from '../../../shared/units.ts'
import { NOT_SENT } from './call.ts'
import type { TargetResult } from './target.ts'

export interface LoadTrouble {
  name: 'clientBound' | 'overSaturated' | 'failures' | 'shortOutputs' | 'silentEngine'
  sentence: string
}

/** Of one core. One event loop bends at 100; timers and garbage collection need the rest. */
const MOST_CPU_PERCENT = 85
/** How late the generator may be: whichever is more. In a closed loop, lateness costs what it is of a whole request: 5 % of that bends the rate by less than an interval shows. */
const MOST_LATE_MS = 20
const MOST_LATE_OF_TTFT = 0.1
const MOST_LATE_OF_REQUEST = 0.05
/** Of requests. */
const MOST_FAILED = 0.01
const MOST_SHORT = 0.01
/** Requests pile up when more of the arrivals than this stay, and the pile is more than chance. */
const MOST_PILED_UP = 0.05
const LEAST_PILE = 5
/** Twice the load may bring this much more. */
const PLATEAU = 0.1

/** Of an arm or of one engine; `load` as the experiment has it. Empty: nothing speaks against it. */
export function loadTrouble(result: LoadResult, load: Load): LoadTrouble[] {
  return [clientBound(result, load), overSaturated(result, load), failures(result), shortOutputs(result, load)].filter((trouble) => trouble !== null)
}

/** Of an arm: an engine that got requests and gave nothing, which the sum of the others would hide. */
export function silentEngines(engines: readonly TargetResult[]): LoadTrouble[] {
  const silent = engines.filter(({ result: { outputTokens, requests } }) => outputTokens <= 0 && requests.sent + requests.finished + requests.failed + requests.cutOff > 0)
  if (silent.length === engines.length) return [] // then nothing is hidden
  return silent.map(({ engineName }) => ({ name: 'silentEngine', sentence: `${engineName} had requests, and gave no token within the measuring window.` }))
}

/** Whether the engine gave its most: twice the load brings hardly more. */
export function isPlateau(atLoad: LoadResult, atTwice: LoadResult): { plateau: boolean; sentence: string } {
  const [once, twice] = [atLoad.outputTokensPerSecond, atTwice.outputTokensPerSecond]
  const seen = `${fixed(once)} tokens/s at this load, ${fixed(twice)} at twice of it`
  if (once <= 0) return { plateau: false, sentence: `No tokens came at this load, ${fixed(twice)} tokens/s at twice of it.` }
  const more = twice / once - 1
  const percent = `${more < 0 ? '−' : '+'}${Math.abs(more * 100).toFixed(0)} %`
  if (more <= PLATEAU) return { plateau: true, sentence: `At its plateau: ${seen} (${percent}).` }
  return { plateau: false, sentence: `Below its plateau: ${seen} (${percent}). A comparison at this load says little about what the engine can do.` }
}

function clientBound({ client, ttftMs, endToEndMs }: LoadResult, { arrivals }: Load): LoadTrouble | null {
  const ofRequestMs = arrivals.kind === 'closed' ? MOST_LATE_OF_REQUEST * (endToEndMs?.mean ?? 0) : 0
  const mostLateMs = Math.max(MOST_LATE_MS, MOST_LATE_OF_TTFT * (ttftMs?.p95 ?? 0), ofRequestMs)
  if (client.cpuPercent >= MOST_CPU_PERCENT) {
    return { name: 'clientBound', sentence: `The load generator itself was the limit: its busiest process used ${client.cpuPercent.toFixed(0)} % of a core. Raise the stream interval of all arms, or load less.` }
  }
  if (client.lateMsP99 <= mostLateMs) return null
  return { name: 'clientBound', sentence: `The load generator was late: ${client.lateMsP99.toFixed(0)} ms at the 99th percentile. Give it CPU cores that the engines do not use.` }
}

function overSaturated({ client, windowSeconds, failures }: LoadResult, { arrivals }: Load): LoadTrouble | null {
  const unsent = failures.find((reason) => reason.startsWith(NOT_SENT))
  if (unsent !== undefined) return { name: 'overSaturated', sentence: `More requests came than were answered, until some could not be sent at all: ${unsent}. Lower the rate.` }
  if (arrivals.kind === 'closed' || client.inFlightSlopeLow === null || client.inFlightSlope === null) return null
  const low = client.inFlightSlopeLow
  if (low <= MOST_PILED_UP * arrivals.perSecond || low * windowSeconds < Math.max(LEAST_PILE, 0.2 * client.inFlight)) return null
  return {
    name: 'overSaturated',
    sentence: `More requests came than were answered: open streams grew by ${client.inFlightSlope.toFixed(1)} a second, to ${client.inFlight}. Latencies say how long it ran, not how fast the engine is; lower the rate, or warm up longer.`,
  }
}

function failures({ requests, failures }: LoadResult): LoadTrouble | null {
  const ended = requests.finished + requests.failed
  if (requests.failed === 0 || requests.failed <= MOST_FAILED * ended) return null
  return { name: 'failures', sentence: `${requests.failed} of ${ended} requests failed: ${failures[0] ?? 'no reason was given'}.` }
}

function shortOutputs({ requests, shortOutputs }: LoadResult, load: Load): LoadTrouble | null {
  if (!load.ignoreEos || shortOutputs <= MOST_SHORT * requests.finished) return null
  return { name: 'shortOutputs', sentence: `${shortOutputs} of ${requests.finished} outputs were shorter than asked: this engine ends at its end token, so arms may have done different work.` }
}
