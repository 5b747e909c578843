// From launched to ready, step by step: port open, health 200, model listed, one token. Each look has its own time limit and
// is repeated until it succeeds or the signal ends it; the overall limit is the caller's.
import { connect } from 'node:net'
import type { Readiness } from '../../../shared/engine.ts'
import type { Clock } from '../kit/clock.ts'
import type { Doors } from './recipes/recipe.ts'

interface Probe {
  port: number
  doors: Doors
  /** An adopted engine has proven its token before; a busy one must not wait behind its own requests. */
  skipToken: boolean
  clock: Clock
  signal: AbortSignal
  onStep(step: Readiness): void
}

const LIMIT_MS = { portOpen: 1_000, healthy: 3_000, modelListed: 5_000, oneToken: 120_000 } as const
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000
/** Answers longer than this are not read. */
const ANSWER_BYTES = 1024 * 1024

export interface Findings {
  /** What stands in the way now, for the sentence when time runs out. Empty: nothing. */
  obstacle: string
  /** The first model that it lists; null: none was asked for, or not yet. */
  model: string | null
}

/** In real time, as its connections are. True when ready; false when the signal ended it, with the last obstacle in `findings`. */
export async function reachReady(probe: Probe, findings: Findings): Promise<boolean> {
  const { doors } = probe
  const steps: [Exclude<Readiness, 'launched'>, boolean, (signal: AbortSignal) => Promise<string>][] = [
    ['portOpen', true, (signal) => portOpen(probe.port, signal)],
    ['healthy', doors.healthPath !== null, async (signal) => (await ask(probe, doors.healthPath ?? '/', signal)).problem],
    ['modelListed', doors.openAi, async (signal) => {
      const { problem, answer } = await ask(probe, '/v1/models', signal)
      findings.model = modelOf(answer)
      return problem || (findings.model === null ? '/v1/models lists no model' : '')
    }],
    ['oneToken', doors.openAi && !probe.skipToken, async (signal) => {
      const { problem, answer } = await ask(probe, '/v1/completions', signal, { model: findings.model, prompt: 'Hello', max_tokens: 1, stream: false })
      return problem || (hasChoices(answer) ? '' : '/v1/completions answered without a completion')
    }],
  ]
  for (const [step, wanted, look] of steps) {
    if (wanted && !(await repeat(probe, LIMIT_MS[step], look, findings))) return false
    if (wanted) probe.onStep(step)
  }
  return true
}

async function repeat(probe: Probe, limitMs: number, look: (signal: AbortSignal) => Promise<string>, findings: Findings): Promise<boolean> {
  for (let pauseMs = FIRST_PAUSE_MS; !probe.signal.aborted; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const problem = await look(AbortSignal.any([probe.signal, AbortSignal.timeout(limitMs)])).catch(problemOf)
    if (probe.signal.aborted) return false // what this look met is our own end
    findings.obstacle = problem
    if (problem === '') return true
    await probe.clock.sleep(pauseMs, probe.signal)
  }
  return false
}

const portOpen = (port: number, signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, signal })
    socket.once('connect', () => done(''))
    socket.once('error', () => done(`port ${port} is not open`))
    function done(problem: string) {
      socket.destroy()
      resolve(problem)
    }
  })

async function ask({ port, doors }: Probe, path: string, signal: AbortSignal, body?: object): Promise<{ problem: string; answer: unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { ...authorization(doors), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'manual',
    signal,
  })
  const text = await boundedText(response, ANSWER_BYTES)
  return { problem: response.status === 200 ? '' : `${path} answered ${response.status}`, answer: parsed(text) }
}

export const authorization = (doors: Doors): Record<string, string> => (doors.apiKey === null ? {} : { authorization: `Bearer ${doors.apiKey}` })

/** The body as text; the rest of a longer one is not read. */
async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    chunks.push(chunk)
    if (bytes >= maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function modelOf(answer: unknown): string | null {
  const list = isRecord(answer) ? answer['data'] : null
  const first: unknown = Array.isArray(list) ? list[0] : null
  return isRecord(first) && typeof first['id'] === 'string' ? first['id'] : null
}

function hasChoices(answer: unknown): boolean {
  const choices = isRecord(answer) ? answer['choices'] : null
  return Array.isArray(choices) && choices.length > 0
}

function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.cause instanceof Error ? error.cause.message : error.message
}
