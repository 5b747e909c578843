// What can be done to the MPS daemon of one GPU.
import { needWords } from '../../shared/memoryLimit.ts'
import type { LimitsChange, MpsDaemon, MpsState } from '../../shared/mps.ts'
import { gibibytes } from '../../shared/units.ts'
import { useEngines } from '../state/engines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import type { Action } from './action.ts'

export const STARTABLE: MpsState[] = ['stopped', 'noServer']
const STOPPABLE: MpsState[] = ['starting', 'noServer', 'running', 'draining', 'faulted', 'unknown']

/** Start, stop, restart; and for each foreign daemon: use it. */
export function mpsActions(daemon: MpsDaemon): Action[] {
  const actions: Action[] = [startMps(daemon), stopMps(daemon), restartMps(daemon)]
  if (daemon.ownership === 'used') actions.push(adoptForeign(daemon, null))
  else for (const { pipeDirectory } of daemon.foreign) if (pipeDirectory !== null) actions.push(adoptForeign(daemon, pipeDirectory))
  return actions
}

export function startMps(daemon: MpsDaemon): Action {
  return {
    id: `mps.start/${daemon.gpuUuid}`, label: 'Start MPS', group: 'MPS',
    about: `Starts an MPS daemon and its server for GPU ${daemon.gpuIndex}. Engines already running do not join: they need a restart.`,
    blocked: STARTABLE.includes(daemon.state) ? null : daemon.sentence,
    preview: (client) => client.mps.preview({ gpuUuid: daemon.gpuUuid, action: 'start' }),
    run: (client) => client.mps.start({ gpuUuid: daemon.gpuUuid }),
    watch: () => watch(daemon, (now) => now.state !== daemon.state && now.state !== 'starting'),
  }
}

export function stopMps(daemon: MpsDaemon): Action {
  return {
    id: `mps.stop/${daemon.gpuUuid}`, label: 'Stop MPS', group: 'MPS', danger: true,
    about: `Stops the MPS daemon of GPU ${daemon.gpuIndex}. Attached engines hold it up; forcing gives them errors.`,
    blocked: stopBlocked(daemon), consentGpuUuid: daemon.gpuUuid,
    preview: (client, forceAfterSeconds) => client.mps.preview({ gpuUuid: daemon.gpuUuid, action: 'stop', forceAfterSeconds }),
    run: (client, forceAfterSeconds) => client.mps.stop({ gpuUuid: daemon.gpuUuid, forceAfterSeconds }),
    watch: () => watch(daemon, (now) => now.state === 'stopped' || now.state === 'foreign'),
  }
}

export function restartMps(daemon: MpsDaemon): Action {
  return {
    id: `mps.restart/${daemon.gpuUuid}`, label: 'Restart MPS', group: 'MPS', danger: true,
    about: `Stops and starts the MPS daemon of GPU ${daemon.gpuIndex}. Default limits are set again; those of the old server are lost; engines need a restart to attach again.`,
    blocked: stopBlocked(daemon), consentGpuUuid: daemon.gpuUuid,
    preview: (client, forceAfterSeconds) => client.mps.preview({ gpuUuid: daemon.gpuUuid, action: 'restart', forceAfterSeconds }),
    run: (client, forceAfterSeconds) => client.mps.restart({ gpuUuid: daemon.gpuUuid, forceAfterSeconds }),
    watch: () => watch(daemon, (now) => now.daemonPid !== daemon.daemonPid && (now.state === 'running' || now.state === 'noServer' || now.state === 'faulted')),
  }
}

export function adoptForeign(daemon: MpsDaemon, pipeDirectory: string | null): Action {
  const using = pipeDirectory !== null
  return {
    id: `mps.useForeign/${daemon.gpuUuid}/${pipeDirectory ?? ''}`,
    label: using ? 'Use this daemon' : 'Stop using this daemon', group: 'MPS',
    about: using ? `Engines on GPU ${daemon.gpuIndex} will be started as clients of the daemon at ${pipeDirectory}. Overlap does not stop it.`
      : `Engines on GPU ${daemon.gpuIndex} will no longer be started under this daemon. It keeps running.`,
    blocked: null,
    run: (client) => client.mps.useForeign({ gpuUuid: daemon.gpuUuid, pipeDirectory }),
    watch: () => watch(daemon, (now) => (now.ownership === 'used') === using),
  }
}

/** The daemon tells its share with one decimal: what it was told and what it tells may differ by half of that. */
const SHARE_ROUNDING_PERCENT = 0.051

export function setLimits(daemon: MpsDaemon, change: LimitsChange): Action {
  const { gpuUuid, gpuIndex } = daemon
  const what = `${change.sharePercent === null ? 'no limit of the SM share' : `an SM share of ${change.sharePercent} %`} and ${change.pinnedMemoryMiB === null ? 'no memory limit' : `at most ${change.pinnedMemoryMiB} MiB for each process`}`
  const waits = daemon.state === 'stopped' ? ' The daemon is told when it is started.' : ''
  return {
    caution: tooLittle(daemon, change),
    id: `mps.setLimits/${change.of}/${gpuUuid}`, label: change.of === 'default' ? 'Set default limits' : "Set the server's limits", group: 'MPS', blocked: null,
    about: change.of === 'default'
      ? `Servers that are started later on GPU ${gpuIndex} begin with ${what}. It does not touch the running one.${daemon.ownership === 'used' ? '' : ' Overlap sets it again at every start.'}${waits}`
      : `Clients that connect later to the running server of GPU ${gpuIndex} get ${what}. Clients that are attached keep what they have; the limit is gone with the server.`,
    preview: (client) => client.mps.preview({ gpuUuid, action: 'setLimits', limits: change }),
    run: (client) => client.mps.setLimits({ gpuUuid, ...change }),
    watch: () => watch(daemon, ({ limits, ownership }) => {
      if (change.of === 'default' && ownership !== 'used') return limits.wanted.sharePercent === change.sharePercent && limits.wanted.pinnedMemoryMiB === change.pinnedMemoryMiB
      const told = change.of === 'default' ? limits.default.sharePercent : (limits.servers[0]?.sharePercent ?? null)
      return told !== null && Math.abs(told - (change.sharePercent ?? 100)) < SHARE_ROUNDING_PERCENT
    }),
  }
}

/** Engines that need more than they would get. */
function tooLittle({ gpuUuid }: MpsDaemon, { pinnedMemoryMiB, of }: LimitsChange): string | null {
  if (pinnedMemoryMiB === null) return null
  const short = (useEngines.getState().engines ?? []).flatMap(({ spec, memoryNeed, temporary }) =>
    !temporary && spec.onMps && spec.gpuUuid === gpuUuid && memoryNeed !== null && memoryNeed.mebibytes > pinnedMemoryMiB ? [`${spec.name} ${needWords(memoryNeed)}`] : [])
  return short.length === 0 ? null : `${short.join(', ')}: with ${gibibytes(pinnedMemoryMiB)} ${short.length === 1 ? 'it is' : 'they are'} likely to run out of memory when ${short.length === 1 ? 'it connects' : 'they connect'} to ${of === 'default' ? 'a server started later' : 'this server again'}.`
}

function stopBlocked(daemon: MpsDaemon): string | null {
  if (daemon.ownership === 'foreign' || daemon.ownership === 'used' || daemon.state === 'foreign') return 'Overlap did not start this daemon and does not stop it.'
  return STOPPABLE.includes(daemon.state) ? null : daemon.sentence
}

/** Reached, or a fault that was not there before. */
function watch(before: MpsDaemon, reached: (now: MpsDaemon) => boolean): () => boolean {
  return () => {
    const now = daemonOf(useMps.getState().daemons, before.gpuUuid)
    if (now === null) return true
    return reached(now) || (now.fault !== null && now.sinceMs !== before.sinceMs)
  }
}
