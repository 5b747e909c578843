// The numeric guard: engines with a limited SM share must give the answers of an unlimited one. A reduced number of SMs can make a maths
// library choose a kernel that computes wrongly, and fast wrong tokens are no gain. One request at a time; measures nothing.
import type { Arm, Check } from '../../../shared/experiment.ts'
import type { Resident, Residents } from './residents.ts'
import { throwIfCancelled } from './until.ts'

export const TOLERANCE = { meanNats: 0.05, maxNats: 0.5 } as const
/** Positions that must have been compared. */
const FEWEST = 8
const CONTINUED_TOKENS = 24
const ANSWER_MS = 60_000
const PROMPTS = [
  'The three laws of thermodynamics say, in order, that energy is conserved, that entropy does not decrease, and that',
  'def greatest_common_divisor(a, b):\n    while b:\n        a, b = b, a % b\n    return a\n\nprint(greatest_common_divisor(1071, 462))  # prints',
  'Zürich, Tōkyō, Reykjavík, São Paulo and Kraków are cities. Sorted by their distance from the equator they are',
] as const

/** Log probabilities by token, one map per position; of a prompt, or of a greedy continuation. */
export type Answer = ReadonlyMap<string, number>[]

export const needsGuard = (arm: Arm): boolean => arm.kind === 'mps' && (arm.sharePercent?.some((share) => share < 100) ?? false)

/** Of every prompt in turn. Null: it gives no log probabilities. Throws Cancelled. */
export async function answersOf({ target, spec }: Resident, signal: AbortSignal): Promise<Answer[] | null> {
  const answers: Answer[] = []
  for (const prompt of PROMPTS) {
    throwIfCancelled(signal)
    const ofPrompt = spec.recipe !== 'llamaServer'
    const body = { ...(target.model === null ? {} : { model: target.model }), prompt, temperature: 0, seed: 1, max_tokens: CONTINUED_TOKENS, logprobs: 1, ...(ofPrompt ? { prompt_logprobs: 1 } : {}) }
    const answer = await ask(target, body, signal).catch(() => null)
    throwIfCancelled(signal)
    if (answer === null || answer.length === 0) return null
    answers.push(answer)
  }
  return answers
}

async function ask({ url, apiKey }: Resident['target'], body: object, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(new URL('/v1/completions', url), {
    method: 'POST', signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]), body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
  })
  return logprobsIn(await response.json())
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const entries = (pairs: Iterable<readonly [unknown, unknown]>): Map<string, number> => new Map([...pairs].flatMap(([token, logprob]) => (typeof logprob === 'number' && Number.isFinite(logprob) ? [[String(token), logprob] as const] : [])))

/**
 * Of a completion: vLLM's `prompt_logprobs` ({token id: {logprob}} per position, the first null), else `logprobs` of the continuation as OpenAI's
 * completions write them (tokens, token_logprobs) or as llama-server does (content: [{token, logprob, top_logprobs}]).
 */
export function logprobsIn(response: unknown): Answer {
  const choice = isRecord(response) && Array.isArray(response['choices']) ? (response['choices'] as unknown[])[0] : null
  if (!isRecord(choice)) return []
  const ofPrompt = choice['prompt_logprobs']
  if (Array.isArray(ofPrompt)) {
    return ofPrompt.filter(isRecord).map((position) => entries(Object.entries(position).map(([token, value]) => [token, isRecord(value) ? value['logprob'] : null] as const)))
  }
  const logprobs = choice['logprobs']
  if (!isRecord(logprobs)) return []
  if (Array.isArray(logprobs['content'])) return logprobs['content'].filter(isRecord).map(({ token, logprob }) => entries([[token, logprob]]))
  const { tokens, token_logprobs: values } = logprobs
  return Array.isArray(tokens) && Array.isArray(values) ? tokens.map((token: unknown, at) => entries([[token, values[at]]])) : []
}

export interface Difference {
  compared: number
  meanNats: number
  maxNats: number
}

/** |Δ| of tokens that both have, position by position; a continuation that parts is compared up to there. Null: nothing to compare. */
export function differenceOf(limited: readonly Answer[], unlimited: readonly Answer[]): Difference | null {
  const deltas = limited.flatMap((answer, at) => {
    const other = unlimited[at] ?? []
    const shared = answer.map((position, place) => [...position].flatMap(([token, logprob]) => { const against = other[place]?.get(token); return against === undefined ? [] : [Math.abs(logprob - against)] }))
    const parting = shared.findIndex((values) => values.length === 0)
    return (parting < 0 ? shared : shared.slice(0, parting)).flat()
  })
  if (deltas.length === 0) return null
  return { compared: deltas.length, meanNats: deltas.reduce((sum, delta) => sum + delta, 0) / deltas.length, maxNats: Math.max(...deltas) }
}

/** `unlimited`: answers of an engine without a limit, kept from when it was loaded; null: none were had. */
export async function guard(limited: Residents, unlimited: Answer[] | null, signal: AbortSignal): Promise<Check> {
  const { arm } = limited
  const name = `answers/${arm.id}`
  const within = `mean |Δ| ≤ ${TOLERANCE.meanNats} nats and no |Δ| above ${TOLERANCE.maxNats}`
  const notChecked = (sentence: string): Check => ({ name, weight: 'warns', result: 'notChecked', sentence, evidence: [] })
  if (unlimited === null) return notChecked('Whether the limited engines compute rightly was not checked: there is no unlimited engine that gives log probabilities to compare with.')
  const evidence: string[] = []
  let failed = false
  for (const resident of limited.engines) {
    const answers = await answersOf(resident, signal)
    const difference = answers && differenceOf(answers, unlimited)
    if (!difference || difference.compared < FEWEST) {
      failed = true // also where it gives no number at all: the same engine without a limit does
      evidence.push(answers === null ? `${resident.spec.name}: gives no log probabilities, and the unlimited engine does` : `${resident.spec.name}: its answers part from the unlimited engine's after ${difference?.compared ?? 0} tokens in all`)
      continue
    }
    failed ||= difference.meanNats > TOLERANCE.meanNats || difference.maxNats > TOLERANCE.maxNats
    evidence.push(`${resident.spec.name}: mean |Δ| ${difference.meanNats.toFixed(4)}, max ${difference.maxNats.toFixed(3)} nats over ${difference.compared} tokens`)
  }
  const sentence = failed ? `Engines of ${arm.name} give other answers than the unlimited engine: with a reduced SM share a maths library may choose a kernel that computes wrongly. What they measure does not count.` : `Engines of ${arm.name} give the answers of the unlimited engine (${within}).`
  return { name, weight: 'invalidates', result: failed ? 'failed' : 'passed', sentence, evidence: [...evidence, `tolerance: ${within}`] }
}
