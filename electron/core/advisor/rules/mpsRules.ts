// Rules that speak of MPS on one GPU.
import type { MpsDaemon } from '../../../../shared/mps.ts'
import { wantsMps } from './engineRules.ts'
import { enginesOn, gpuName, type Facts, type Finding, type Rule } from '../facts.ts'

export const openMps = { call: 'open', label: 'Open the MPS screen', input: { screen: 'mps' } } as const

export const forDaemons = (rule: string, about: (daemon: MpsDaemon, facts: Facts) => Pick<Finding, 'rank' | 'sentence' | 'evidence' | 'action'> | null): Rule => (facts) =>
  facts.daemons.flatMap((daemon) => {
    const found = about(daemon, facts)
    return found === null ? [] : [{ id: `${rule}/${daemon.gpuUuid}`, subject: `gpu/${daemon.gpuUuid}`, gpuUuid: daemon.gpuUuid, ...found }]
  })

export const serverFault = forDaemons('serverFault', ({ state, gpuUuid, servers, clients, ownership }, facts) => state !== 'faulted' ? null : {
  rank: 1,
  sentence: `The MPS server of ${gpuName(facts, gpuUuid)} is in FAULT and takes no clients until all of its clients have ended: ${ownership === 'used' ? 'end them all, since Overlap does not restart a daemon that it did not start' : 'restart MPS, then the engines'}.`,
  evidence: [...servers.filter(({ status }) => status === 'FAULT').map(({ pid }) => `server ${pid} is in FAULT`), clients.length === 1 ? '1 client is still attached' : `${clients.length} clients are still attached`],
  action: ownership === 'used' ? openMps : { call: 'mps.restart', label: 'Restart MPS', input: { gpuUuid } },
})

/** Overlap does not start one of its own beside a choice of the user's. */
export const usedDaemonGone = forDaemons('usedDaemonGone', ({ state, ownership, pipeDirectory, gpuUuid }, facts) => state !== 'stopped' || ownership !== 'used' ? null : {
  rank: 1,
  sentence: `The MPS daemon that ${gpuName(facts, gpuUuid)} was to use is gone: start it where it was started, or stop using it.`,
  evidence: [`nothing listens at ${pipeDirectory}`],
  action: openMps,
})

export const noCudaDevice = forDaemons('noCudaDevice', ({ fault }) => fault?.code !== 'NO_CUDA_DEVICE' ? null : {
  rank: 1,
  sentence: `${fault.sentence} ${fault.hint}`,
  evidence: fault.detail === null ? [] : [fault.detail],
  action: openMps,
})

export const twoDaemons = forDaemons('twoDaemons', ({ foreign, daemonPid, ownership, gpuUuid }, facts) => {
  const others = foreign.filter(({ pid }) => pid !== daemonPid)
  if (ownership === 'foreign' || daemonPid === null || others.length === 0) return null
  return {
    rank: 2,
    sentence: `${gpuName(facts, gpuUuid)} has more than one MPS daemon: clients of different servers take turns instead of overlapping.`,
    evidence: [`daemon ${daemonPid} is in use`, ...others.map(({ pid, uid }) => `daemon ${pid ?? '?'} runs as uid ${uid ?? '?'}`)],
    action: openMps,
  }
})

export const foreignDaemon = forDaemons('foreignDaemon', ({ state, foreign, gpuUuid }, facts) => state !== 'foreign' ? null : {
  rank: 2,
  sentence: `${gpuName(facts, gpuUuid)} is served by an MPS daemon that Overlap did not start: use it, rather than start a second one.`,
  evidence: foreign.map(({ pid, uid, pipeDirectory }) => `daemon ${pid ?? '?'} runs as uid ${uid ?? '?'}${pipeDirectory === null ? '' : ` in ${pipeDirectory}`}`),
  action: openMps,
})

/** Engines that lost their MPS, or never had it. */
export const mpsWanted = forDaemons('mpsWanted', ({ state, gpuUuid, ...rest }, facts) => {
  const engines = enginesOn(facts, gpuUuid).filter((engine) => wantsMps(engine, facts.daemons))
  if (state !== 'stopped' || rest.fault?.code === 'NO_CUDA_DEVICE' || engines.length === 0) return null
  return {
    rank: 1,
    sentence: `${engines.map((engine) => engine.spec.name).join(' and ')} cannot run without MPS, and none runs on ${gpuName(facts, gpuUuid)}: start it.`,
    evidence: engines.map((engine) => engine.fault?.sentence ?? ''),
    action: { call: 'mps.start', label: 'Start MPS', input: { gpuUuid } },
  }
})

/** Engines that run side by side without MPS. */
export const mpsOff = forDaemons('mpsOff', ({ state, gpuUuid }, facts) => {
  if (state !== 'stopped') return null
  const engines = enginesOn(facts, gpuUuid)
  const running = engines.filter((engine) => ['starting', 'ready', 'unknown'].includes(engine.state))
  if (running.length < 2) return null
  return {
    rank: 3,
    sentence: `${running.length} engines share ${gpuName(facts, gpuUuid)} by taking turns: start MPS and restart them on it, and their kernels can overlap.`,
    evidence: ['no MPS daemon serves this GPU', ...running.map((engine) => `${engine.spec.name} is ${engine.state}`)],
    action: { call: 'mps.start', label: 'Start MPS', input: { gpuUuid } },
  }
})

/** MPS runs, and engines share its GPU without it, as they were told. */
export const notAsked = forDaemons('notAsked', ({ state, gpuUuid }, facts) => {
  if (state !== 'running') return null
  const running = enginesOn(facts, gpuUuid).filter((engine) => ['ready', 'unknown'].includes(engine.state))
  const plain = running.filter((engine) => engine.attachment.reason === 'notAsked')
  const [first] = plain
  if (running.length < 2 || !first) return null
  return {
    rank: 3,
    sentence: `MPS runs on ${gpuName(facts, gpuUuid)}, but ${plain.map((engine) => engine.spec.name).join(' and ')} ${plain.length === 1 ? 'is' : 'are'} not set to use it.`,
    evidence: plain.map((engine) => `${engine.spec.name}: ${engine.attachment.sentence}`),
    action: { call: 'engine.putOnMps', label: `Put ${first.spec.name} on MPS`, input: { id: first.id } },
  }
})
