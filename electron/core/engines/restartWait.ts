// When an automatic restart that is due may happen: not while the workstation is held, and for an engine on MPS not before there is
// an MPS daemon to attach to (a start without would only be refused).
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Clock } from '../kit/clock.ts'
import type { Surroundings } from './launch.ts'

/** For a daemon it waits no longer than this; counted anew while the workstation is held. */
const WAIT_FOR_MPS_MS = 10 * 60 * 1000
const LOOK_EVERY_MS = 1_000

/** Calls `due` once, `afterMs` from now at the earliest. Returns how to call it off. */
export function restartWhenPossible({ clock, surroundings, spec, afterMs, due }: { clock: Clock; surroundings: Surroundings; spec(): EngineSpec; afterMs: number; due(): void }): () => void {
  let untilMs = clock.steady() + WAIT_FOR_MPS_MS
  let cancel = clock.after(afterMs, look)
  function look() {
    if (!surroundings.mayRestart()) untilMs = clock.steady() + WAIT_FOR_MPS_MS
    else if (!mpsMissing(spec(), surroundings) || clock.steady() >= untilMs) return due()
    cancel = clock.after(LOOK_EVERY_MS, look)
  }
  return () => cancel()
}

/** An engine on MPS whose GPU has no daemon to attach to. */
export const mpsMissing = ({ onMps, gpuUuid }: EngineSpec, surroundings: Pick<Surroundings, 'mpsEnvironment'>): boolean => onMps && gpuUuid !== null && surroundings.mpsEnvironment(gpuUuid) === null
