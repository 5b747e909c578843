// A change of limits, by what it touches: servers started later, or clients that connect later to the running server.
import { FaultError } from '../../../shared/fault.ts'
import { type LimitsChange, type MpsLimits, readBackMiB } from '../../../shared/mps.ts'
import { isUp, silent, type Work } from './bringUp.ts'
import { type Question, serverMemory, serverShare, setServerMemory, setServerShare } from './control.ts'
import { activePids, mustBeMemory, mustBeShare, setDefaultsOf, WHY } from './limits.ts'
import type { Seen } from './sight.ts'
import type { Target } from './target.ts'

/** Overlap's own daemon that does not run is told at its next start. Throws BAD_INPUT, WRONG_STATE, MPS_NO_PROOF and what the channel throws. */
export async function setLimits(work: Work, change: LimitsChange): Promise<void> {
  const { target, gpu } = work
  const { pinnedMemoryMiB } = change
  if (pinnedMemoryMiB !== null && gpu.memoryTotalMiB !== null && pinnedMemoryMiB > gpu.memoryTotalMiB) {
    throw new FaultError('BAD_INPUT', `The GPU has ${Math.floor(gpu.memoryTotalMiB)} MiB, so a limit of ${pinnedMemoryMiB} MiB would limit nothing.`, 'Choose less, or no limit.', { field: 'pinnedMemoryMiB' })
  }
  if (pinnedMemoryMiB !== null) deviceOf(target)
  const seen = await work.look('now')
  if (change.of === 'server') return setOnServers(work, change, seen)
  if (isUp(seen)) return setDefaultsOf(target, change)
  if (seen.life === 'alive') throw silent(seen)
  if (target.ownership === 'used') throw new FaultError('WRONG_STATE', `The MPS daemon at ${target.pipeDirectory} is gone.`, 'Stop using it; then Overlap can start one of its own.')
}

async function setOnServers({ target, gpu }: Work, { sharePercent, pinnedMemoryMiB }: MpsLimits, seen: Seen): Promise<void> {
  const pids = activePids(seen)
  if (pids.length === 0) throw new FaultError('WRONG_STATE', 'No MPS server is ACTIVE on this GPU.', 'Start MPS first, or set the default, which the next server begins with.')
  const ask = <Answer>(question: Question<Answer>) => target.channel.ask(question, WHY.server, 'kept').then(mustBeThere)
  for (const pid of pids) {
    const echoed = await ask(setServerShare(pid, sharePercent ?? 100))
    mustBeShare(sharePercent ?? 100, await ask(serverShare(pid)), echoed)
    const device = target.device()
    if (device === null) continue
    const limited = readBackMiB(await ask(serverMemory(pid, device))) !== null
    if (pinnedMemoryMiB === null && !limited) continue
    const mebibytes = pinnedMemoryMiB ?? wholeGpuMiB(gpu)
    if (mebibytes === null) throw new FaultError('WRONG_STATE', "The running server's memory limit cannot be lifted: the size of the GPU is not known.", 'Restart MPS: a new server begins with the defaults.')
    await ask(setServerMemory(pid, device, mebibytes))
    const read = await ask(serverMemory(pid, device))
    if (read !== null) mustBeMemory(mebibytes, read)
  }
}

/** How a server's limit is lifted: whether it understands "none" is not known. */
export const wholeGpuMiB = ({ memoryTotalMiB }: Work['gpu']): number | null => (memoryTotalMiB === null ? null : Math.floor(memoryTotalMiB))

function deviceOf(target: Target): number {
  const device = target.device()
  if (device !== null) return device
  throw new FaultError('WRONG_STATE', 'Which number this GPU has for that MPS daemon is not known, and drivers below 580 know GPUs by number only.', 'Set the memory limit on the engines, in their own environment.', { field: 'pinnedMemoryMiB' })
}

function mustBeThere<Answer>(answer: Answer): Exclude<Answer, 'gone'> {
  if (answer === 'gone') throw new FaultError('WRONG_STATE', 'The MPS server ended meanwhile.', 'Start MPS again.')
  return answer as Exclude<Answer, 'gone'>
}
