// GpuPanel: everything that is known of one GPU: metrics with meaning, identity, processes, the streams behind it.
import { Drawer, Table } from '@mantine/core'
import { useGpuUuid } from '../actions/useActions.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { retryGpu } from '../actions/viewActions.ts'
import { METRIC_KEYS, METRICS, type GpuIdentity, type GpuProcess, type SampleStream } from '../../shared/gpu.ts'
import { duration, gibibytes, UNKNOWN } from '../../shared/units.ts'
import { EngineName } from '../parts/EngineDot.tsx'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { MetricValue, missingSentence } from '../parts/Value.tsx'
import { ownerOf, useEngines } from '../state/engines.ts'
import { gpuLabel, rowOf, useGpus } from '../state/gpus.ts'
import { useStale } from '../state/link.ts'
import { useNowMs } from '../parts/now.ts'
import { useView } from '../state/view.ts'

export function GpuPanel() {
  const open = useView((view) => view.gpuPanelOpen)
  const gpuUuid = useGpuUuid()
  const identities = useGpus((store) => store.identities)
  return (
    <Drawer opened={open} onClose={() => useView.setState({ gpuPanelOpen: false })} position="right" size={720} title={<strong>{gpuLabel(identities, gpuUuid)} details</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      {open && <Details gpuUuid={gpuUuid} />}
    </Drawer>
  )
}

function Details({ gpuUuid }: { gpuUuid: string | null }) {
  const { identities, frame } = useGpus()
  const identity = identities?.find((gpu) => gpu.uuid === gpuUuid) ?? null
  const stale = useStale()
  const processes = frame?.processes?.filter((one) => one.gpuUuid === gpuUuid) ?? null
  return (
    <div className={`stackGap ${stale ? 'stale' : ''}`}>
      <Metrics gpuUuid={gpuUuid} />
      {identity !== null && <Identity identity={identity} />}
      <Processes processes={processes} />
      <Streams streams={frame?.streams ?? []} />
      <div><ActionButton action={retryGpu} /></div>
    </div>
  )
}

function Metrics({ gpuUuid }: { gpuUuid: string | null }) {
  const row = useGpus((store) => rowOf(store.frame, gpuUuid))
  return (
    <Table aria-label="Metrics">
      <Table.Thead><Table.Tr><Table.Th>Metric</Table.Th><Table.Th ta="right" w={120}>Value</Table.Th><Table.Th>Source</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {METRIC_KEYS.map((key) => (
          <Table.Tr key={key}>
            <Table.Td className="nowrap">{METRICS[key].label}</Table.Td>
            <Table.Td ta="right"><MetricValue row={row} metric={key} /></Table.Td>
            <Table.Td className="dim small">{missingSentence(row, key) ?? METRICS[key].source}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Identity({ identity }: { identity: GpuIdentity }) {
  const facts: [string, string | null][] = [
    ['Name', identity.name], ['UUID', identity.uuid], ['PCI', identity.pciBusId], ['Driver', identity.driverVersion], ['Compute capability', identity.computeCapability],
    ['Compute mode', identity.computeMode], ['MIG', identity.migMode], ['Persistence', identity.persistenceMode],
    ['GPM', identity.gpm === null ? 'not tried yet' : identity.gpm ? 'gives SM activity' : 'not here'],
  ]
  return <dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact ?? UNKNOWN}</dd></div>)}</dl>
}

function Processes({ processes }: { processes: GpuProcess[] | null }) {
  const engines = useEngines((store) => store.settled)
  if (processes === null) return <div className="dim">Processes on this GPU: not known now.</div>
  if (processes.length === 0) return <div className="dim">No process is on this GPU.</div>
  return (
    <Table aria-label="Processes">
      <Table.Thead><Table.Tr><Table.Th>Pid</Table.Th><Table.Th>Type</Table.Th><Table.Th>Owner</Table.Th><Table.Th ta="right">Memory</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {processes.map((one) => {
          const owner = ownerOf(engines, one.pid)
          return (
            <Table.Tr key={one.pid}>
              <Table.Td>{one.pid}</Table.Td><Table.Td title="C compute, G graphics, M+C compute through MPS">{one.type ?? UNKNOWN}</Table.Td>
              <Table.Td>{owner === null ? one.name : <EngineName colour={owner.colour} name={owner.spec.name} />}</Table.Td>
              <Table.Td ta="right">{gibibytes(one.usedMemoryMiB)}</Table.Td>
            </Table.Tr>
          )
        })}
      </Table.Tbody>
    </Table>
  )
}

const STREAM_LOOK: Record<SampleStream['state'], Look> = {
  starting: { word: 'starting', tone: 'busy', shape: 'half' }, live: { word: 'live', tone: 'good', shape: 'full' },
  silent: { word: 'silent', tone: 'bad', shape: 'triangle' }, unreadable: { word: 'unreadable', tone: 'bad', shape: 'triangle' }, refused: { word: 'refused', tone: 'bad', shape: 'triangle' },
  unsupported: { word: 'unsupported', tone: 'idle', shape: 'ring' }, toolMissing: { word: 'tool missing', tone: 'bad', shape: 'triangle' },
  restarting: { word: 'restarting', tone: 'busy', shape: 'half' }, gaveUp: { word: 'gave up', tone: 'bad', shape: 'triangle' },
}

function Streams({ streams }: { streams: SampleStream[] }) {
  const now = useNowMs()
  return (
    <Table aria-label="nvidia-smi streams">
      <Table.Thead><Table.Tr><Table.Th>nvidia-smi stream</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Last row</Table.Th><Table.Th ta="right">Bad lines</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {streams.map((stream) => (
          <Table.Tr key={stream.name}>
            <Table.Td>{stream.name}</Table.Td>
            <Table.Td><StateBadge look={STREAM_LOOK[stream.state]} explain={stream.fault?.sentence} /></Table.Td>
            <Table.Td ta="right">{stream.lastRowAtMs === null ? 'none yet' : `${duration(now - stream.lastRowAtMs)} ago`}</Table.Td>
            <Table.Td ta="right">{stream.badLines}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
