// MPS: the daemon of one GPU: its state and the proof, servers and clients, directories, limits, logs.
import { Table } from '@mantine/core'
import type { MpsDaemon } from '../../shared/mps.ts'
import { dayAndTime, UNKNOWN } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { putEngineOnMps, restartEngine } from '../actions/engineActions.ts'
import { adoptForeign, restartMps, startMps, stopMps } from '../actions/mpsActions.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { EngineName } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { coreNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { attachmentLook, MPS_LOOK, onItsWay, StateBadge, type Look } from '../parts/StateBadge.tsx'
import { enginesOn, ownerOf, useEngines, type SettledEngine } from '../state/engines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { FailedAttempts } from './FailedAttempts.tsx'
import { MpsLimits } from './MpsLimits.tsx'
import { MpsLog } from './MpsLog.tsx'
import { MpsProofList, MpsStateLine } from './MpsState.tsx'

export function Mps() {
  const gpuUuid = useGpuUuid()
  const daemons = useMps((store) => store.daemons)
  const daemon = daemonOf(daemons, gpuUuid)
  if (daemon === null) {
    return (
      <section className="panel" aria-label="MPS">
        <Empty title={daemons === null ? 'Looking for MPS daemons' : 'No GPU to serve'}>
          Without MPS, processes on one GPU take turns: while one runs, the others wait. Under MPS their kernels run at the same time.
          There is one daemon per GPU; it appears here as soon as a GPU is listed.
        </Empty>
      </section>
    )
  }
  return (
    <div className="mpsGrid">
      <div className="mpsColumn">
        <State daemon={daemon} />
        {(daemon.foreign.length > 0 || daemon.ownership === 'used') && <Foreign daemon={daemon} />}
        <Clients daemon={daemon} />
        <MpsLog daemon={daemon} />
      </div>
      <div className="mpsColumn">
        <Servers daemon={daemon} />
        <MpsLimits key={daemon.gpuUuid} daemon={daemon} />
      </div>
    </div>
  )
}

function State({ daemon }: { daemon: MpsDaemon }) {
  // the fault below says it; what is left is what only the state says
  const sentence = daemon.fault === null ? daemon.sentence : daemon.sentence.replace(daemon.fault.sentence, '').trim()
  return (
    <Panel title={`MPS on GPU ${daemon.gpuIndex}`} aside={<><ActionButton action={startMps(daemon)} /><ActionButton action={stopMps(daemon)} /><ActionButton action={restartMps(daemon)} /></>}>
      <div className="stackGap">
        <MpsStateLine state={daemon.state} />
        <div><span>{sentence}</span> <span className="dim small nowrap">since {dayAndTime(daemon.sinceMs, coreNowMs())}</span></div>
        {daemon.fault !== null && <FaultCard fault={daemon.fault} />}
        <FailedAttempts about={daemon.gpuUuid} />
        <MpsProofList daemon={daemon} />
      </div>
    </Panel>
  )
}

function Foreign({ daemon }: { daemon: MpsDaemon }) {
  return (
    <Panel title="Daemons that Overlap did not start">
      <div className="stackGap">
        {daemon.foreign.map((foreign, at) => (
          <div className="cardRow" key={at}>
            <StateBadge look={MPS_LOOK.foreign} />
            <span style={{ flex: 1, minWidth: 0 }}><span className="mono">{foreign.pipeDirectory ?? 'its folder is not ours to read'}</span> <span className="dim small nowrap">pid {foreign.pid ?? UNKNOWN} · uid {foreign.uid ?? UNKNOWN}</span></span>
            {foreign.pipeDirectory !== null && daemon.ownership !== 'used' && <ActionButton action={adoptForeign(daemon, foreign.pipeDirectory)} />}
          </div>
        ))}
        {daemon.ownership === 'used' && <div><ActionButton action={adoptForeign(daemon, null)} /></div>}
        <div className="dim small">Two servers on one GPU take turns, so Overlap uses a daemon that is there rather than start a second one. It is never stopped from here.</div>
      </div>
    </Panel>
  )
}

function Servers({ daemon }: { daemon: MpsDaemon }) {
  const facts: [string, React.ReactNode][] = [
    ['Ownership', daemon.ownership === null ? UNKNOWN : { overlap: 'started by Overlap', used: 'foreign, used', foreign: 'foreign' }[daemon.ownership]],
    ['Daemon pid', daemon.daemonPid === null ? UNKNOWN : `${daemon.daemonPid} · uid ${daemon.daemonUid ?? UNKNOWN}`],
    ['Control version', daemon.controlVersion ?? `${UNKNOWN} (not told; programs of the 535 class have none)`],
    ['Servers', daemon.servers.length === 0 ? 'none' : daemon.servers.map((server) => <div key={server.pid}>pid {server.pid} · {server.status ?? 'status not known'}</div>)],
    ['Pipe directory', <span className="mono" key="pipe">{daemon.pipeDirectory}</span>],
    ['Log directory', <span className="mono" key="log">{daemon.logDirectory ?? UNKNOWN}</span>],
  ]
  return <Panel title="Daemon and servers"><dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact}</dd></div>)}</dl></Panel>
}

/** Every engine on this GPU with how it stands to the daemon, then clients that are no engine of ours. */
function Clients({ daemon }: { daemon: MpsDaemon }) {
  const all = useEngines((store) => store.settled)
  const engines = enginesOn(all, daemon.gpuUuid)
  const strangers = daemon.clients.filter((client) => ownerOf(all, client.pid) === null)
  const empty = engines.length === 0 && strangers.length === 0
  return (
    <Panel title="Engines and clients" aside={<span className="dim small">{daemon.clients.length} client{daemon.clients.length === 1 ? '' : 's'} attached</span>} body={empty}>
      {empty ? <div className="dim">No engine is set up for this GPU, and no process is a client of this daemon. A process joins when it starts with the daemon's pipe directory in its environment; there is no joining later.</div> : (
        <Table aria-label="Engines and clients">
          <Table.Thead><Table.Tr><Table.Th>Engine</Table.Th><Table.Th>MPS</Table.Th><Table.Th ta="right">Pid</Table.Th><Table.Th ta="right">Server</Table.Th><Table.Th>Why</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {engines.map((engine) => <EngineRow key={engine.id} engine={engine} daemon={daemon} />)}
            {strangers.map((client) => (
              <Table.Tr key={client.pid}>
                <Table.Td className="dim">not one of ours</Table.Td><Table.Td><StateBadge look={STRANGER} /></Table.Td><Table.Td ta="right">{client.pid}</Table.Td><Table.Td ta="right">{client.serverPid}</Table.Td>
                <Table.Td className="mono">{client.command ?? UNKNOWN}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

const STRANGER: Look = { word: 'client', tone: 'other', shape: 'diamond' }

function EngineRow({ engine, daemon }: { engine: SettledEngine; daemon: MpsDaemon }) {
  const client = daemon.clients.find((one) => one.pid === engine.pid || engine.pids.includes(one.pid))
  const { attachment } = engine
  const next = onItsWay(engine) || engine.temporary ? null : attachment.reason === 'notAsked' ? putEngineOnMps(engine) : attachment.restartHelps ? restartEngine(engine) : null
  return (
    <Table.Tr>
      <Table.Td><EngineName colour={engine.colour} name={engine.spec.name} /></Table.Td>
      <Table.Td><StateBadge look={attachmentLook(engine)} /></Table.Td>
      <Table.Td ta="right">{client?.pid ?? engine.pid ?? UNKNOWN}</Table.Td>
      <Table.Td ta="right">{client?.serverPid ?? UNKNOWN}</Table.Td>
      <Table.Td>
        <div className="cardRow">
          <span className="dim small whySentence">{attachment.evidence.length > 0 ? attachment.evidence.join(' · ') : attachment.sentence}</span>
          <span className="spring" />
          {next !== null && <ActionButton action={next} label={next.id.startsWith('engine.restart') ? 'Restart' : 'Put on MPS'} />}
        </div>
      </Table.Td>
    </Table.Tr>
  )
}
