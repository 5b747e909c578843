// ChartFrame: what every analysis chart stands in: title, unit, definition on hover, keys, the same numbers as a table, files to take away.
import { ActionIcon, Menu, SegmentedControl, Table, Tooltip } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { csvOf, fileNameOf, type ChartTable } from './chartTable.ts'
import './charts.css'
import { download, pngPicture, svgPicture } from './picture.ts'

export interface ChartKey { label: string; colour: string; hollow?: boolean }

export interface ChartFrameProps {
  title: string
  unit: string
  /** What is shown and how it was counted; on hover and on focus. */
  meaning: React.ReactNode
  table: ChartTable
  keys?: ChartKey[]
  /** In pictures, so that they cannot be mistaken: SIMULATED, RECORDED. */
  stamp?: string | null
  aside?: React.ReactNode
  /** Said below the chart, in small. */
  note?: React.ReactNode
  /** Said in place of a chart that has nothing to draw. */
  empty?: string | null
  children: React.ReactNode
}

export function ChartFrame({ title, unit, meaning, table, keys = [], stamp = null, aside, note, empty = null, children }: ChartFrameProps) {
  const [as, setAs] = useState<'chart' | 'table'>('chart')
  const body = useRef<HTMLDivElement>(null)
  return (
    <section className="panel chartFrame" aria-label={title}>
      <div className="panelHead chartHead">
        <Tooltip label={meaning}><h3 className="panelTitle explained" tabIndex={0}>{title}</h3></Tooltip>
        <span className="dim small cut" title={unit}>{unit}</span>
        {stamp !== null && <span className="stamp">{stamp}</span>}
        <span className="spring" />
        <SegmentedControl aria-label={`${title}: as`} data={[{ value: 'chart', label: 'Chart' }, { value: 'table', label: 'Table' }]} value={as} onChange={(value) => setAs(value as 'chart' | 'table')} />
        <TakeAway caption={{ title, unit, stamp, keys }} table={table} body={body} drawn={as === 'chart' && empty === null} />
      </div>
      {(keys.length > 0 || aside != null) && (
        <div className="chartKeys">{empty === null && keys.map((key) => <span key={key.label}><i style={{ background: key.hollow ? 'transparent' : key.colour, borderColor: key.colour }} />{key.label}</span>)}{aside != null && <span className="chartAside">{aside}</span>}</div>
      )}
      <div className="chartBody" ref={body}>
        {empty !== null ? <div className="dim chartEmpty">{empty}</div> : as === 'table' ? <Numbers title={title} table={table} /> : children}
      </div>
      {note !== undefined && note !== null && <div className="dim small chartNote">{note}</div>}
    </section>
  )
}

function Numbers({ title, table }: { title: string; table: ChartTable }) {
  return (
    <div className="chartTable">
      <Table aria-label={title} stickyHeader>
        <Table.Thead><Table.Tr>{table.heads.map((head, at) => <Table.Th key={at} ta={at === 0 ? undefined : 'right'}>{head}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{table.rows.map((cells, row) => <Table.Tr key={row}>{cells.map((cell, at) => <Table.Td key={at} ta={at === 0 ? undefined : 'right'}>{cell}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
      </Table>
    </div>
  )
}

function TakeAway({ caption, table, body, drawn }: { caption: Parameters<typeof svgPicture>[1]; table: ChartTable; body: React.RefObject<HTMLDivElement | null>; drawn: boolean }) {
  const [failed, setFailed] = useState(false)
  const named = (ending: string): string => fileNameOf(`${caption.stamp ?? ''} ${caption.title}`, ending)
  const picture = () => {
    const chart = body.current?.querySelector<SVGSVGElement>('svg.recharts-surface, svg.ownChart')
    if (chart == null) throw new Error('no chart is drawn')
    return svgPicture(chart, caption)
  }
  const png = () => pngPicture(picture()).then((blob) => download(named('png'), blob)).catch((thrown: unknown) => { setFailed(true); reportError(thrown) })
  return (
    <Menu position="bottom-end" width={170}>
      <Menu.Target><Tooltip label={failed ? 'The picture could not be written here; take the SVG.' : 'Take away'}><ActionIcon size="sm" aria-label={`${caption.title}: take away`}><IconDownload size={14} /></ActionIcon></Tooltip></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item disabled={!drawn} onClick={() => void png()}>Picture (PNG)</Menu.Item>
        <Menu.Item disabled={!drawn} onClick={() => download(named('svg'), new Blob([picture().text], { type: 'image/svg+xml' }))}>Drawing (SVG)</Menu.Item>
        <Menu.Item onClick={() => download(named('csv'), new Blob([csvOf(table)], { type: 'text/csv' }))}>Table (CSV)</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
