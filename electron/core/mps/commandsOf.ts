// The commands that an action on a GPU's daemon would run now, for the preview. Runs none of them.
import type { MpsAction } from '../../../shared/contract.ts'
import { FaultError } from '../../../shared/fault.ts'
import { type LimitsChange, type MpsLimits, readBackMiB } from '../../../shared/mps.ts'
import type { Command, Tools } from '../host/host.ts'
import { isUp, type Work } from './bringUp.ts'
import { quitLine, setDefaults, setServerMemory, setServerShare, startServer } from './control.ts'
import { activePids, isLimited, WHY } from './limits.ts'
import { wholeGpuMiB } from './setLimits.ts'
import type { Seen } from './sight.ts'
import { daemonCommand, type Target } from './target.ts'

export interface Asked {
  action: MpsAction
  /** Consent of a stop or restart. */
  forceAfterSeconds: number | null
  /** Of setLimits. */
  limits: LimitsChange | null
}

/** Throws FaultError BAD_INPUT: setLimits without limits. */
export function commandsOf({ action, forceAfterSeconds, limits }: Asked, on: { target: Target; seen: Seen; tools: Tools; gpu: Work['gpu']; uid: number; wanted: MpsLimits }): Command[] {
  const { channel } = on.target
  const up = isUp(on.seen)
  const start = daemonCommand(on.target, on.tools, on.gpu.uuid)
  const defaults = (to: MpsLimits) => channel.command(setDefaults(to, on.target.device()).lines, WHY.default)
  const server = [...(on.target.ownership === 'overlap' && isLimited(on.wanted) ? [defaults(on.wanted)] : []), channel.command(startServer(on.uid).lines, 'start an MPS server for this user')]
  const quit = channel.command([quitLine(forceAfterSeconds)], 'stop the MPS control daemon', false)
  switch (action) {
    case 'start':
      return up ? server : [start, ...server]
    case 'stop':
      return [quit]
    case 'restart':
      return [...(up ? [quit] : []), start, ...server]
    case 'setLimits': {
      if (limits === null) throw new FaultError('BAD_INPUT', 'The limits are missing.', 'Send `limits`: of, sharePercent and pinnedMemoryMiB.', { field: 'limits' })
      if (limits.of === 'default') return up ? [defaults(limits)] : []
      const device = on.target.device()
      return activePids(on.seen).flatMap((pid) => {
        const limited = readBackMiB(on.seen.limits.servers.find((server) => server.pid === pid)?.pinnedMemory ?? null) !== null
        const mebibytes = limits.pinnedMemoryMiB ?? (limited ? wholeGpuMiB(on.gpu) : null)
        return [
          channel.command(setServerShare(pid, limits.sharePercent ?? 100).lines, WHY.server),
          ...(device === null || mebibytes === null ? [] : [channel.command(setServerMemory(pid, device, mebibytes).lines, WHY.server)]),
        ]
      })
    }
  }
}
