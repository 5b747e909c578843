// The commands that an action on a GPU's daemon would run now, for the preview. Runs none of them.
import type { MpsAction } from '../../../shared/contract.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { Command, Tools } from '../host/host.ts'
import { isUp } from './bringUp.ts'
import { quitLine, setAndReadDefaultShare, startServer } from './control.ts'
import type { Seen } from './sight.ts'
import { needsForce } from './takeDown.ts'
import { daemonCommand, type Target } from './target.ts'

export interface Asked {
  action: MpsAction
  /** Consent of a stop or restart. */
  forceAfterSeconds: number | null
  /** Of setDefaultShare. */
  sharePercent: number | null
}

/** Throws FaultError BAD_INPUT: setDefaultShare without a share. */
export function commandsOf({ action, forceAfterSeconds, sharePercent }: Asked, on: { target: Target; seen: Seen; tools: Tools; gpuUuid: string; uid: number }): Command[] {
  const { channel } = on.target
  const up = isUp(on.seen)
  const start = daemonCommand(on.target, on.tools, on.gpuUuid)
  const server = channel.command(startServer(on.uid).lines, 'start an MPS server for this user')
  const quit = channel.command([quitLine(needsForce(on.seen) ? forceAfterSeconds : null)], 'stop the MPS control daemon', false)
  switch (action) {
    case 'start':
      return up ? [server] : [start, server]
    case 'stop':
      return [quit]
    case 'restart':
      return [...(up ? [quit] : []), start, server]
    case 'setDefaultShare':
      if (sharePercent === null) throw new FaultError('BAD_INPUT', 'The share is missing.', 'Send sharePercent, above 0 and at most 100.', { field: 'sharePercent' })
      return [channel.command(setAndReadDefaultShare(sharePercent).lines, 'set the default SM share for servers started later')]
  }
}
