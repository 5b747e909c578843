// Nothing that changes the workstation is done while an experiment holds it: it must not find another one than it left.
import type { Hold } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'

/** Throws HELD. */
export function refuseWhileHeld(hold: Hold | null): void {
  if (hold !== null) throw new FaultError('HELD', hold.sentence, 'Cancel the experiment first, or wait until it is over.')
}
