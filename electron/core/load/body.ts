// One request as the engine gets it: OpenAI's completions or chat completions, streamed, with the usage asked for.
import type { Load } from '../../../shared/load.ts'
import type { BlockOrder } from './target.ts'

export const PATHS: Record<Load['api'], string> = { completions: '/v1/completions', chat: '/v1/chat/completions' }

/** temperature 0: the same work in every block. */
export function bodyOf({ load, target, ignoreEosFields }: BlockOrder, prompt: string, outputTokens: number): string {
  return JSON.stringify({
    ...(target.model === null ? {} : { model: target.model }),
    ...(load.api === 'chat' ? { messages: [{ role: 'user', content: prompt }] } : { prompt }),
    max_tokens: outputTokens, temperature: 0, stream: true, stream_options: { include_usage: true },
    ...(load.ignoreEos ? ignoreEosFields : {}),
  })
}

export const headersOf = ({ target }: BlockOrder): Record<string, string> => ({
  'content-type': 'application/json', accept: 'text/event-stream',
  ...(target.apiKey === null ? {} : { authorization: `Bearer ${target.apiKey}` }),
})
