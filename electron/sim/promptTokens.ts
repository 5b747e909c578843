// Prompts as the stand-in engine sees them: their tokens, and what a model would say of each. Not a model: a hash of what stands before, so the same
// prompt has the same log probabilities on every healthy engine.
import { SHAPES, type ShapeName } from './shapes.ts'

export interface PromptToken {
  id: number
  text: string
  /** Natural logarithm; null for the first, which nothing predicts. */
  logprob: number | null
}

/** A word is a token, with the space before it; the rare longer one is two. */
const TOKEN = /\s*\S{1,14}/g
/** Relative error of a defective GEMM, as it was seen under a reduced number of SMs. */
const DEFECT = 0.92

const isIds = (prompt: unknown): prompt is number[] => Array.isArray(prompt) && typeof prompt[0] === 'number'

/** A text, a list of texts, or token ids. At least one. */
export function tokensOf(prompt: unknown): (string | number)[] {
  if (isIds(prompt)) return prompt
  return (Array.isArray(prompt) ? prompt.join('') : String(prompt ?? '')).match(TOKEN) ?? ['']
}

function mix(hash: number, text: string): number {
  let next = hash
  for (let at = 0; at < text.length; at += 1) next = Math.imul(next ^ text.charCodeAt(at), 16777619) >>> 0
  next = Math.imul(next ^ (next >>> 15), 2246822519) >>> 0
  return (next ^ (next >>> 13)) >>> 0
}

/** `defective`: the GEMMs of this engine are wrong, so every prediction is. */
export function promptLogprobs(prompt: unknown, model: ShapeName, defective: boolean): PromptToken[] {
  let hash = mix(2166136261, model)
  return tokensOf(prompt).map((token, index) => {
    hash = mix(hash, String(token))
    const right = -0.02 - 6 * (hash / 2 ** 32) ** 3
    const wrong = right * (1 + DEFECT * (mix(hash, 'defect') / 2 ** 31 - 1)) - DEFECT
    const [id, text] = typeof token === 'number' ? [token, `<${token}>`] : [mix(0, token) % SHAPES[model].vocabulary, token]
    return { id, text, logprob: index === 0 ? null : defective ? wrong : right }
  })
}

/** vLLM's `prompt_logprobs`: a map per token, null for the first. */
export const promptLogprobsJson = (tokens: readonly PromptToken[]): (Record<string, object> | null)[] =>
  tokens.map(({ id, text, logprob }) => (logprob === null ? null : { [id]: { logprob, rank: 1, decoded_token: text } }))

/** OpenAI's `logprobs` of a completion with `echo`. */
export function echoLogprobsJson(tokens: readonly PromptToken[]): object {
  let end = 0
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ text, logprob }) => (logprob === null ? null : { [text]: logprob })),
    text_offset: tokens.map(({ text }) => (end += text.length) - text.length),
  }
}
