// Before anything of an arm is looked at, its engines get their load until they make tokens at a steady rate. Kernels that are compiled or loaded when
// they are first used (PTX for a newer GPU, CUDA's lazy loading, torch.compile) can hold the first of it up: a llama-server on an H200 gave no token
// for half a minute when it first worked on 64 sequences at once. Pure.
import type { Arm, Block, Check } from '../../../shared/experiment.ts'

/** Of one window, after as much warm-up as a probe has. */
export const WARM_SECONDS = 1
/** An engine that gives nothing gets longer windows: each ends its requests, and a request may take this long to its first token. */
const LONGEST_SECONDS = 16
const GIVE_UP_SECONDS = 120
/** Steady: not this much faster than the best window before. */
const RISING = 1.15

export interface WarmWindow {
  seconds: number
  /** Of the whole arm; null: it could not be measured. */
  tokensPerSecond: number | null
  /** One of its engines, or all, gave no token. */
  silent: boolean
}

export function warmWindow({ total, engines }: Pick<Block, 'total' | 'engines'>, seconds: number): WarmWindow {
  return { seconds, tokensPerSecond: total?.outputTokensPerSecond ?? null, silent: engines.some(({ result }) => result.outputTokens <= 0) || (total?.outputTokens ?? 0) <= 0 }
}

/** Seconds of the next window; null: no more of them. */
export function nextWarmSeconds(windows: readonly WarmWindow[]): number | null {
  const last = windows.at(-1)
  if (last === undefined) return WARM_SECONDS
  if (last.tokensPerSecond === null || isSteady(windows) || windows.reduce((sum, { seconds }) => sum + seconds, 0) >= GIVE_UP_SECONDS) return null
  return last.silent ? Math.min(LONGEST_SECONDS, 2 * last.seconds) : WARM_SECONDS
}

function isSteady(windows: readonly WarmWindow[]): boolean {
  const last = windows.at(-1)
  if (last === undefined || last.silent || last.tokensPerSecond === null) return false
  const before = windows.slice(0, -1).flatMap(({ silent, tokensPerSecond }) => (silent || tokensPerSecond === null ? [] : [tokensPerSecond]))
  return before.length > 0 && last.tokensPerSecond <= RISING * Math.max(...before)
}

export function warmCheck(arm: Arm, windows: readonly WarmWindow[]): Check {
  const steady = isSteady(windows)
  const unseen = windows.at(-1)?.tokensPerSecond == null
  const tookSeconds = windows.slice(0, -2).reduce((sum, { seconds }) => sum + seconds, 0)
  return {
    name: `warm/${arm.id}`, weight: 'warns', result: steady ? 'passed' : unseen ? 'notChecked' : 'failed',
    sentence: steady ? `${arm.name} makes tokens at a steady rate${tookSeconds > 0 ? `, after ${Math.round(tookSeconds)} s of load in which it did not` : ''}.`
      : unseen ? `${arm.name}: whether it makes tokens at a steady rate could not be seen.`
        : `${arm.name} made no tokens at a steady rate in ${Math.round(windows.reduce((sum, { seconds }) => sum + seconds, 0))} s of load. What is measured may still be its warming up.`,
    evidence: windows.map(({ seconds, tokensPerSecond, silent }) => `${tokensPerSecond === null ? '—' : Math.round(tokensPerSecond)} tokens/s in ${seconds} s${silent && (tokensPerSecond ?? 0) > 0 ? ', one engine without a token' : ''}`),
  }
}
