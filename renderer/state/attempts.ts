// Attempts: actions that were begun from this page and have not yet shown their effect. actions/ writes it; feed.ts lets it look again.
import { create } from 'zustand'
import type { Fault } from '../../shared/fault.ts'

/** pending: asked, and the effect not yet seen; `sinceMs` of performance.now(), which neither a set clock nor a sleeping machine moves. failed: the fault stays until it is dismissed or tried again. */
export type Attempt =
  | { name: 'pending'; sinceMs: number; seen: () => boolean; answered: boolean }
  | { name: 'failed'; fault: Fault }

export const useAttempts = create<{ attempts: Record<string, Attempt> }>(() => ({ attempts: {} }))

/** Longest wait for the stream to show what was asked for. */
export const SEEN_WITHIN_MS = 180_000

export function setAttempt(id: string, attempt: Attempt | null): void {
  useAttempts.setState(({ attempts }) => {
    const { [id]: _gone, ...rest } = attempts
    return { attempts: attempt === null ? rest : { ...rest, [id]: attempt } }
  })
}

/** Ends every pending attempt whose effect can now be seen; call after each item of a stream. */
export function settleAttempts(nowMs = performance.now()): void {
  for (const [id, attempt] of Object.entries(useAttempts.getState().attempts)) {
    if (attempt.name !== 'pending' || !attempt.answered) continue
    if (attempt.seen()) setAttempt(id, null)
    else if (nowMs - attempt.sinceMs > SEEN_WITHIN_MS) setAttempt(id, { name: 'failed', fault: unseen })
  }
}

const unseen: Fault = {
  code: 'COMMAND_TIMED_OUT', sentence: 'It was accepted, but no change was seen within three minutes.',
  hint: 'Look at the Commands screen for what was run, then try again.', field: null, detail: null,
}
