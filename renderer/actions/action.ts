// Action: one thing a user can do. The same record serves buttons, Ctrl-K and keys.
import { create } from 'zustand'
import type { CommandPreview } from '../../shared/command.ts'
import type { Hold } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import type { Client } from '../link/connect.ts'
import { setAttempt, settleAttempts, useAttempts, type Attempt } from '../state/attempts.ts'
import { heldReason, useHold } from '../state/hold.ts'

export interface Action {
  /** `engine.start/e1` */
  id: string
  label: string
  group: 'View' | 'MPS' | 'Engines' | 'GPU' | 'Experiments'
  /** One sentence: what it does and to what. */
  about: string
  /** What to know before it is done; null: nothing. */
  caution?: string | null
  /** What will be done, in order, in words: for what is more than commands. */
  steps?: string[]
  keys?: string
  danger?: boolean
  /** Why it cannot be done now; null: it can. */
  blocked: string | null
  /** Opens what would change something: it waits for a hold like the change itself. */
  opensChange?: boolean
  /** Can be done while an experiment holds the workstation, although it changes something. */
  whileHeld?: boolean
  /** What the button that leaves the preview says; left out: Cancel. */
  leave?: string
  /** Commands that it will run, with the consent given so far. Absent: it runs none. */
  preview?: (client: Client, forceAfterSeconds: number | null) => Promise<CommandPreview[]>
  /** The two commands of its preview are how it runs and how it will run: what differs is marked. */
  compares?: boolean
  /** Only looks or opens something: done at once, without a preview. */
  immediate?: boolean
  /** `forceAfterSeconds` is the consent given after NEEDS_CONSENT. */
  run: (client: Client, forceAfterSeconds: number | null) => Promise<unknown> | void
  /** GPU whose MPS clients are listed when consent is needed. */
  consentGpuUuid?: string
  /** Begins to watch for the effect; the function it gives says whether it has been seen. */
  watch?: () => () => boolean
}

/** The action whose preview is open. */
export const useDialog = create<{ action: Action | null }>(() => ({ action: null }))

/** Why it cannot be done now: its own reason, or that an experiment holds the workstation. What only looks or opens is always free. */
export function whyBlocked(action: Action, hold: Hold | null): string | null {
  return action.blocked ?? ((action.immediate && !action.opensChange) || action.whileHeld ? null : heldReason(hold))
}

/** What a button, a key or Ctrl-K does. */
export function perform(action: Action, client: Client): void {
  if (whyBlocked(action, useHold.getState().hold) !== null) return
  if (action.immediate) void action.run(client, null)
  else useDialog.setState({ action })
}

/** Runs it: pending until its effect is seen on a stream. Gives the fault when it was refused, else null. */
export async function carryOut(action: Action, client: Client, forceAfterSeconds: number | null): Promise<Fault | null> {
  const seen = action.watch?.() ?? (() => true)
  const pending = { name: 'pending', sinceMs: performance.now(), seen, answered: false } as const
  setAttempt(action.id, pending)
  try {
    await action.run(client, forceAfterSeconds)
    setAttempt(action.id, { ...pending, answered: true })
    settleAttempts()
    return null
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault.code === 'BUG') reportError(thrown)
    setAttempt(action.id, { name: 'failed', fault })
    return fault
  }
}

export function useAttempt(id: string): Attempt | null {
  return useAttempts((store) => store.attempts[id] ?? null)
}
