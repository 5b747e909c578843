// Limits of a daemon and of its running server: told, read back and compared. What a client gets of them shows in the client alone.
import { FaultError } from '../../../shared/fault.ts'
import type { DaemonLimits, MpsLimits } from '../../../shared/mps.ts'
import { pinnedMemoryText, serverMemory, serverShare, setDefaults } from './control.ts'
import type { ControlChannel } from './controlChannel.ts'
import type { Seen } from './sight.ts'
import type { Target } from './target.ts'

export const WHY = { default: 'set the limits of servers started later', server: 'set the limits of the running MPS server' }

export const isLimited = ({ sharePercent, pinnedMemoryMiB }: MpsLimits): boolean => sharePercent !== null || pinnedMemoryMiB !== null

export const activePids = (seen: Pick<Seen, 'servers'>): number[] => seen.servers.filter(({ status }) => status === 'ACTIVE').map(({ pid }) => pid)

/** Every time, before a server starts: the daemon loses them when it ends. */
export async function setDefaultsOf(target: Target, limits: MpsLimits): Promise<void> {
  const device = target.device()
  const read = await target.channel.ask(setDefaults(limits, device), WHY.default, 'kept')
  mustBeShare(limits.sharePercent ?? 100, read.sharePercent, read.echoed)
  if (device !== null) mustBeMemory(limits.pinnedMemoryMiB, read.pinnedMemory)
}

/** Of one server, as far as it tells. */
export async function readServerLimits(channel: ControlChannel, pid: number, device: number | null): Promise<DaemonLimits['default']> {
  const why = 'read the limits of the running MPS server'
  const told = async <Answer>(question: Promise<Answer | 'gone'>): Promise<Answer | null> => {
    try {
      const answer = await question
      return answer === 'gone' ? null : answer
    } catch (error) {
      if (error instanceof FaultError) return null
      throw error
    }
  }
  const sharePercent = await told(channel.ask(serverShare(pid), why))
  return { sharePercent, pinnedMemory: device === null || sharePercent === null ? null : await told(channel.ask(serverMemory(pid, device), why)) }
}

/** The program prints one decimal, and the old value when it refuses. */
export function mustBeShare(asked: number, read: number, echoed: number): void {
  if (Math.abs(read - asked) <= 0.051 && echoed === read) return
  throw new FaultError('MPS_NO_PROOF', `MPS kept a share of ${read} % instead of ${asked} %.`, 'A share is above 0 and at most 100 %.', { field: 'sharePercent' })
}

export function mustBeMemory(asked: number | null, read: string | null): void {
  if (read === pinnedMemoryText(asked)) return
  throw new FaultError('MPS_NO_PROOF', `MPS reads back a memory limit of ${read ?? 'unknown size'} instead of ${pinnedMemoryText(asked)}.`, 'Its control.log on the MPS screen says more.', { field: 'pinnedMemoryMiB' })
}
