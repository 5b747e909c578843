// MPS: the daemon of one GPU: its state and the proof, servers and clients, directories, default share, logs.
import { Table } from '@mantine/core'
import type { MpsDaemon } from '../../shared/mps.ts'
import { clockTime, UNKNOWN } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { adoptForeign, restartMps, startMps, stopMps } from '../actions/mpsActions.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { EngineName } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { attachmentLook, MPS_LOOK, StateBadge } from '../parts/StateBadge.tsx'
import { enginesOn, ownerOf, useEngines } from '../state/engines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { DefaultShare } from './DefaultShare.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
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
    <div className="split">
      <div className="stackGap">
        <State daemon={daemon} />
        {daemon.foreign.length > 0 && <Foreign daemon={daemon} />}
        <Clients daemon={daemon} />
        <Attachments daemon={daemon} />
      </div>
      <div className="stackGap">
        <Servers daemon={daemon} />
        <MpsLog daemon={daemon} />
      </div>
    </div>
  )
}

function State({ daemon }: { daemon: MpsDaemon }) {
  return (
    <Panel title={`MPS on GPU ${daemon.gpuIndex}`} aside={<><ActionButton action={startMps(daemon)} /><ActionButton action={stopMps(daemon)} /><ActionButton action={restartMps(daemon)} /></>}>
      <div className="stackGap">
        <MpsStateLine state={daemon.state} />
        <div>{daemon.sentence} <span className="dim small nowrap">since {clockTime(daemon.sinceMs)}</span></div>
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
            <span className="mono cut">{foreign.pipeDirectory ?? 'its folder is not ours to read'}</span>
            <span className="dim small nowrap">pid {foreign.pid ?? UNKNOWN} · uid {foreign.uid ?? UNKNOWN}</span>
            <span className="spring" />
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
    ['Daemon pid', daemon.daemonPid ?? UNKNOWN],
    ['Control version', daemon.controlVersion ?? `${UNKNOWN} (drivers of the 535 class tell none)`],
    ['Servers', daemon.servers.length === 0 ? 'none' : daemon.servers.map((server) => <div key={server.pid}>pid {server.pid} · {server.status ?? 'status not known'}</div>)],
    ['Pipe directory', <span className="mono" key="pipe">{daemon.pipeDirectory}</span>],
    ['Log directory', <span className="mono" key="log">{daemon.logDirectory ?? UNKNOWN}</span>],
    ['Default SM share', <DefaultShare key={daemon.gpuUuid} daemon={daemon} />],
  ]
  return <Panel title="Daemon and servers"><dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact}</dd></div>)}</dl></Panel>
}

function Clients({ daemon }: { daemon: MpsDaemon }) {
  const engines = useEngines((store) => store.engines)
  return (
    <Panel title="Clients" aside={<span className="dim small">{daemon.clients.length} attached</span>} body={daemon.clients.length === 0}>
      {daemon.clients.length === 0 ? <div className="dim">No process is a client of this daemon. A process joins when it starts with the daemon's pipe directory in its environment; there is no joining later.</div> : (
        <Table aria-label="Clients">
          <Table.Thead><Table.Tr><Table.Th>Engine</Table.Th><Table.Th>Pid</Table.Th><Table.Th>Server</Table.Th><Table.Th>Command</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {daemon.clients.map((client) => {
              const owner = ownerOf(engines, client.pid)
              return <Table.Tr key={client.pid}><Table.Td>{owner === null ? <span className="dim">not one of ours</span> : <EngineName colour={owner.colour} name={owner.spec.name} />}</Table.Td><Table.Td>{client.pid}</Table.Td><Table.Td>{client.serverPid}</Table.Td><Table.Td className="mono">{client.command ?? UNKNOWN}</Table.Td></Table.Tr>
            })}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

/** Engines on this GPU that are not clients, and why. */
function Attachments({ daemon }: { daemon: MpsDaemon }) {
  const apart = enginesOn(useEngines((store) => store.engines), daemon.gpuUuid).filter((engine) => engine.attachment.state !== 'attached')
  if (apart.length === 0) return null
  return (
    <Panel title="Engines not on MPS">
      <div className="stackGap">
        {apart.map((engine) => (
          <div key={engine.id} className="cardRow">
            <EngineName colour={engine.colour} name={engine.spec.name} />
            <StateBadge look={attachmentLook(engine.attachment)} />
            <span className="dim" style={{ minWidth: 0 }}>{engine.attachment.sentence}</span>
          </div>
        ))}
      </div>
    </Panel>
  )
}
