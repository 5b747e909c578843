// Waits until a Topic has a value that fits. Not for processes: those are seen through a Topic.
import type { Clock } from '../kit/clock.ts'
import type { Topic } from '../kit/topic.ts'

/** Thrown into every wait of an experiment that is cancelled. No failure: `run.ts` alone catches it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new Cancelled('The experiment was cancelled.')
}

/** What `look` finds; null: not within `ms`. Throws Cancelled. */
export async function until<Value, Found>(topic: Topic<Value>, look: (value: Value) => Found | null, { clock, ms, signal }: { clock: Clock; ms: number; signal?: AbortSignal }): Promise<Found | null> {
  if (signal) throwIfCancelled(signal)
  const first = look(topic.value)
  if (first !== null) return first
  const found = await new Promise<Found | null>((resolve) => {
    const unsubscribe = topic.subscribe((value) => end(look(value), false))
    const cancelTimer = clock.after(ms, () => end(null, true))
    const aborted = () => end(null, true)
    signal?.addEventListener('abort', aborted, { once: true })
    function end(value: Found | null, over: boolean) {
      if (value === null && !over) return
      unsubscribe()
      cancelTimer()
      signal?.removeEventListener('abort', aborted)
      resolve(value)
    }
  })
  if (signal) throwIfCancelled(signal)
  return found
}

/** A wait that the signal ends. Throws Cancelled. */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal)
  throwIfCancelled(signal)
}
