// CommandsRoutine: what is asked again and again and changes nothing, one row for all of a kind, to the same daemon.
import { Table } from '@mantine/core'
import type { Routine } from '../../shared/command.ts'
import { Panel } from '../parts/Panel.tsx'
import { useMps } from '../state/mps.ts'
import { Ago, onPress, shortened, times, took } from './CommandsDetail.tsx'

export function CommandsRoutine({ reads, shownId, choose }: { reads: readonly Routine[]; shownId: number | null; choose: (id: number) => void }) {
  const daemons = useMps((store) => store.daemons)
  const whom = ({ env }: Routine): string | null => {
    const directory = env['CUDA_MPS_PIPE_DIRECTORY']
    if (directory === undefined) return null
    const daemon = daemons?.find(({ pipeDirectory }) => pipeDirectory === directory)
    return daemon === undefined ? directory : `GPU ${daemon.gpuIndex}`
  }
  // by GPU: in the order in which they were first asked, eight of them are a jumble
  const rows = reads.map((read) => ({ read, of: whom(read) })).toSorted((a, b) => (a.of ?? '').localeCompare(b.of ?? '', 'en', { numeric: true }))
  return (
    <Panel title="Routine reads" body={false} className="routine" aside={<span className="dim small">change nothing; those that fail are listed above</span>}>
      <Table aria-label="Routine reads" layout="fixed">
        <Table.Tbody>
          {rows.map(({ read, of }) => (
            <Table.Tr key={read.id} className="row" aria-selected={read.id === shownId} tabIndex={0} onClick={() => choose(read.id)} onKeyDown={onPress(() => choose(read.id))}>
              <Table.Td><div className="cut"><span className="why" style={{ display: 'inline-block' }}>{read.why}</span> <span className="dim">{of}</span></div><div className="mono dim small cut" style={{ overflowWrap: 'normal' }}>{shortened(read)}</div></Table.Td>
              <Table.Td w={190} ta="right" className="small"><div>{times(read)}, last <Ago atMs={read.lastAtMs} /></div><div className="dim">{took(read)}</div></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  )
}
