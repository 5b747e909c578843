// How many tokens a part of a streamed text is. Only the engine knows, and it tells at the end (usage); chunks may hold several.

/** Text as it arrived. */
export interface Arrived {
  /** Events with text in them. */
  chunks: number
  characters: number
}

/** What one of them is worth. */
export interface Worth {
  per: 'chunk' | 'character'
  tokens: number
}

/** A few tokens give no text (half a character, an end token): up to here every chunk is still one token. */
const ONE_TOKEN_A_CHUNK = 1.1

/** Nothing is known of the engine yet. */
export const A_CHUNK_A_TOKEN: Worth = { per: 'chunk', tokens: 1 }

export function worthOf(tokens: number, { chunks, characters }: Arrived): Worth {
  if (tokens <= ONE_TOKEN_A_CHUNK * chunks || characters === 0) return { per: 'chunk', tokens: chunks === 0 ? 0 : tokens / chunks }
  return { per: 'character', tokens: tokens / characters }
}

export const tokensIn = ({ chunks, characters }: Arrived, { per, tokens }: Worth): number => tokens * (per === 'chunk' ? chunks : characters)

/** Whole tokens in one chunk of so many characters; at least 1. */
export const tokensInChunk = (characters: number, { per, tokens }: Worth): number => (per === 'chunk' ? 1 : Math.max(1, Math.round(tokens * characters)))

/** What finished requests of one engine taught, for those that are still running. */
export class Calibration {
  #tokens = 0
  #arrived: Arrived = { chunks: 0, characters: 0 }

  /** Null until a request ended with its usage. */
  get worth(): Worth | null {
    return this.#tokens === 0 ? null : worthOf(this.#tokens, this.#arrived)
  }

  learn(tokens: number, { chunks, characters }: Arrived): void {
    this.#tokens += tokens
    this.#arrived = { chunks: this.#arrived.chunks + chunks, characters: this.#arrived.characters + characters }
  }
}
