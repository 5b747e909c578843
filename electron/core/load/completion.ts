// What one event of a streamed completion says. The shapes are those of vLLM, SGLang, llama-server and OpenAI.

export interface Said {
  /** Characters of text: of the answer, or of its reasoning. 0: the event carries none (a role, a usage, an end). */
  characters: number
  /** Where the text stood, for the fast reader; null: nowhere. */
  key: 'text' | 'content' | 'reasoning_content' | 'reasoning' | null
  text: string
  /** An end was announced: [DONE] or a finish reason. */
  done: boolean
  usage: { promptTokens: number; outputTokens: number } | null
  /** What the engine complains of, or that it cannot be read. */
  trouble: string | null
}

interface Choice { text?: unknown; delta?: { content?: unknown; reasoning_content?: unknown; reasoning?: unknown }; finish_reason?: unknown }
interface Event { choices?: Choice[]; usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null; error?: unknown; message?: unknown }

const LONGEST_TROUBLE = 200
const NOTHING: Said = { characters: 0, key: null, text: '', done: false, usage: null, trouble: null }

/** `event`: the data of one server-sent event. */
export function readEvent(event: string): Said {
  if (event === '[DONE]') return { ...NOTHING, done: true }
  let read: Event
  try {
    read = JSON.parse(event) as Event
  } catch {
    return { ...NOTHING, trouble: `an event that is no JSON: ${event.slice(0, 80)}` }
  }
  if (typeof read !== 'object' || read === null) return { ...NOTHING, trouble: `an event that is no completion: ${event.slice(0, 80)}` }
  if (read.error) return { ...NOTHING, trouble: complaintOf(read) }
  const choice = read.choices?.[0]
  const { text, key } = textOf(choice)
  return { characters: text.length, key, text, done: typeof choice?.finish_reason === 'string', usage: usageOf(read), trouble: null }
}

/** The sentence in a body that is not 200: `{"error": {"message": …}}`, or its beginning. */
export function readComplaint(body: string): string {
  try {
    return complaintOf(JSON.parse(body) as Event)
  } catch {
    return body.trim().slice(0, LONGEST_TROUBLE)
  }
}

function textOf(choice: Choice | undefined): { text: string; key: Said['key'] } {
  const { content, reasoning_content, reasoning } = choice?.delta ?? {}
  for (const [key, text] of Object.entries({ text: choice?.text, content, reasoning_content, reasoning })) {
    if (typeof text === 'string' && text !== '') return { text, key: key as Said['key'] }
  }
  return { text: '', key: null }
}

function usageOf({ usage }: Event): Said['usage'] {
  const { prompt_tokens: prompt, completion_tokens: output } = usage ?? {}
  return typeof output === 'number' ? { promptTokens: typeof prompt === 'number' ? prompt : 0, outputTokens: output } : null
}

function complaintOf({ error, message }: Event): string {
  const said = typeof error === 'object' && error !== null && 'message' in error ? error.message : (error ?? message)
  return (typeof said === 'string' ? said : JSON.stringify(said ?? null)).slice(0, LONGEST_TROUBLE)
}
