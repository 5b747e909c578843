// Whether one engine is an MPS client, and if not, why. Pure. Proof is a pid in the daemon's client list or nvidia-smi's type M+C;
// an environment variable, a running daemon or a server are none.
import type { Attachment } from '../../../shared/engine.ts'
import type { GpuProcess } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import type { EngineFacts } from '../engines/supervisor.ts'

export interface AttachmentFacts {
  spec: EngineFacts['spec']
  run: NonNullable<EngineFacts['run']>
  /** Its process tree, itself first. */
  tree: readonly number[]
  /** Null: its GPU has no daemon entry. */
  daemon: MpsDaemon | null
  /** Start of the daemon's process; null: not known. */
  daemonStartTicks: number | null
  /** Rows of nvidia-smi on its GPU; null: not known now. */
  gpuProcesses: readonly GpuProcess[] | null
  /** Pids that nvidia-smi lists there and this machine does not have. */
  strangers: readonly number[]
  /** The uid that engines run as. */
  uid: number
}

type Reason = NonNullable<Attachment['reason']>

const notAttached = (reason: Reason, sentence: string, evidence: string[], restartHelps: boolean): Attachment => ({ state: 'notAttached', reason, sentence, evidence, restartHelps })
const unknown = (reason: Reason, sentence: string, evidence: string[]): Attachment => ({ state: 'unknown', reason, sentence, evidence, restartHelps: false })

export function attachmentOf(facts: AttachmentFacts): Attachment {
  const seen = sight(facts)
  const evidence = [...seen.positive, ...seen.negative]
  const orphan = seen.listed || seen.plain || !seen.through ? null : orphanReason(facts, evidence)
  if (orphan !== null) return orphan
  if (seen.positive.length > 0 && seen.negative.length > 0) {
    return unknown('noEvidence', 'The MPS daemon and nvidia-smi contradict each other about it.', evidence)
  }
  if (seen.positive.length > 0) {
    const sentence = facts.spec.onMps ? 'It is an MPS client.' : 'It is an MPS client, although it was not meant to be one.'
    return { state: 'attached', reason: null, sentence, evidence, restartHelps: false }
  }
  if (!facts.spec.onMps && !facts.run.startedElsewhere) return notAttached('notAsked', 'It is not meant to use MPS.', evidence, false)
  // of one that Overlap did not start, the GPU shows first with its processes
  const blind = facts.run.startedElsewhere && facts.spec.gpuUuid === null
  return (blind ? null : environmentReason(facts, evidence)) ?? gpuReason(facts, seen, evidence)
}

interface Sight {
  positive: string[]
  /** Contradicts a positive sign; alone, it shows an ordinary CUDA process. */
  negative: string[]
  /** In the daemon's list. */
  listed: boolean
  /** On the GPU through MPS, and as an ordinary process, as nvidia-smi says. */
  through: boolean
  plain: boolean
  onGpu: boolean
}

function sight({ tree, daemon, gpuProcesses, spec }: AttachmentFacts): Sight {
  const listed = knowsClients(daemon) ? tree.filter((pid) => daemon.clients.some((client) => client.pid === pid)) : []
  const rows = (gpuProcesses ?? []).filter((row) => tree.includes(row.pid))
  const through = rows.filter((row) => row.type?.includes('M'))
  const plain = rows.filter((row) => row.type === 'C' || row.type === 'C+G')
  const unlisted = knowsClients(daemon) && spec.onMps ? through.filter((row) => !listed.includes(row.pid)) : []
  return {
    positive: [
      ...listed.map((pid) => `pid ${pid} is in get_client_list`),
      ...through.map((row) => `nvidia-smi lists pid ${row.pid} as ${row.type}`),
    ],
    negative: [
      ...plain.map((row) => `nvidia-smi lists pid ${row.pid} as ${row.type}: an ordinary CUDA process`),
      ...unlisted.map((row) => `pid ${row.pid} is not in get_client_list`),
    ],
    listed: listed.length > 0, through: through.length > 0, plain: plain.length > 0, onGpu: rows.length > 0,
  }
}

/** A daemon that answered: its empty list means that there are no clients. */
const knowsClients = (daemon: MpsDaemon | null): daemon is MpsDaemon =>
  daemon !== null && daemon.proof.answers === true && ['noServer', 'running', 'draining', 'faulted'].includes(daemon.state)

/** nvidia-smi goes on calling it M+C when its server is gone: an idle client learns of that at its next work. */
function orphanReason({ run, daemon }: AttachmentFacts, evidence: string[]): Attachment | null {
  const sentence = 'The MPS server it was attached to is gone, and its next work on the GPU will fail.'
  if (daemon?.state === 'stopped') return notAttached('noDaemon', sentence, evidence, false)
  const startedUnder = run.mps?.daemonPid ?? null
  if (!knowsClients(daemon) || startedUnder === null || daemon.daemonPid === null || startedUnder === daemon.daemonPid) return null
  return notAttached('daemonChanged', sentence, [...evidence, `started under daemon ${startedUnder}`, `daemon ${daemon.daemonPid} runs now`], true)
}

/** What its start and the daemon already rule out. */
function environmentReason({ run, daemon, daemonStartTicks, uid }: AttachmentFacts, evidence: string[]): Attachment | null {
  if (daemon?.state === 'unknown') {
    return unknown('noEvidence', daemon.daemonPid === null ? 'Whether an MPS daemon serves its GPU has not been seen yet.' : 'The MPS daemon does not answer, so that its clients are not known.', evidence)
  }
  if (daemon === null || daemon.daemonPid === null || daemon.state === 'stopped') return notAttached('noDaemon', run.startedElsewhere ? 'No MPS daemon serves its GPU, and one that is started now will not take it in: it was started before.' : 'No MPS daemon serves its GPU.', evidence, false)
  const { mps } = run
  const older = daemonStartTicks !== null && run.startTicks < daemonStartTicks
  const olderReason = () => notAttached('startedBeforeDaemon', 'It was started before the MPS daemon, and a running process does not attach later.', [...evidence, `pid ${run.pid} is older than daemon ${daemon.daemonPid}`], true)
  if (older && run.startedElsewhere) return olderReason()
  if (mps !== null && mps.pipeDirectory !== daemon.pipeDirectory) {
    return notAttached('environmentDiffers', 'It looks for the MPS daemon in another folder.', [...evidence, `its CUDA_MPS_PIPE_DIRECTORY is ${mps.pipeDirectory}`, `the daemon's is ${daemon.pipeDirectory}`], true)
  }
  if (mps !== null && mps.daemonPid !== null && mps.daemonPid !== daemon.daemonPid) {
    return notAttached('daemonChanged', 'It was started under another MPS daemon than the one that runs now.', [...evidence, `started under daemon ${mps.daemonPid}`, `daemon ${daemon.daemonPid} runs now`], true)
  }
  if (older) return olderReason()
  const owner = daemon.daemonUid
  if (owner !== null && owner !== 0 && owner !== uid) {
    return notAttached('otherUser', 'The MPS daemon belongs to another user, whose server does not take its requests.', [...evidence, `daemon ${daemon.daemonPid} runs as uid ${owner}, the engine as uid ${uid}`], false)
  }
  return null
}

function gpuReason({ daemon, gpuProcesses, strangers, run }: AttachmentFacts, seen: Sight, evidence: string[]): Attachment {
  if (gpuProcesses === null) return unknown('noEvidence', 'The processes on the GPU cannot be listed now.', evidence)
  if (seen.negative.length > 0) return notAttached('silentlyPlain', `It runs on the GPU as an ordinary CUDA process${run.startedElsewhere ? '' : ', although it was started for MPS'}.`, evidence, true)
  if (seen.onGpu) return unknown('noEvidence', 'nvidia-smi lists it without saying whether it uses MPS.', evidence)
  if (strangers.length > 0) {
    return unknown('noEvidence', 'nvidia-smi names processes that do not exist here: in a container it shows the numbers of the host.', [...evidence, `nvidia-smi lists ${strangers.slice(0, 5).join(', ')}, none of which is a process here`])
  }
  if (daemon !== null && daemon.servers.length === 0) return notAttached('noServer', 'The MPS daemon has no server yet, and the engine does not use the GPU yet.', evidence, false)
  return notAttached('noGpuProcess', 'No process of it is on the GPU yet.', [...evidence, `nvidia-smi lists no process below pid ${run.pid}`], false)
}
