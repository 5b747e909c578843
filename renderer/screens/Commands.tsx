// Commands: the Ledger. Every command that was run, filtered, in full, to be copied.
import { Button, Group, Select, Table, TextInput } from '@mantine/core'
import { useDeferredValue, useMemo, useState } from 'react'
import type { LedgerEntry } from '../../shared/command.ts'
import { dayAndTime, duration } from '../../shared/units.ts'
import { CommandText, CopyCommand } from '../parts/CommandPreview.tsx'
import { Empty } from '../parts/Empty.tsx'
import { coreNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { quotedArgv, shellLine } from '../parts/quoting.ts'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { useCommands } from '../state/commands.ts'
import { FailedAttempts } from './FailedAttempts.tsx'
import { filterCommands, type CommandFilter } from './commandFilter.ts'

/** Rows drawn at first and per further step: a table stays quick up to a few hundred. */
const ROWS = 200

const OUTCOME_LOOK: Record<LedgerEntry['outcome'], Look> = {
  running: { word: 'running', tone: 'busy', shape: 'half' }, ok: { word: 'ok', tone: 'good', shape: 'full' }, ended: { word: 'ended', tone: 'idle', shape: 'ring' },
  failed: { word: 'failed', tone: 'bad', shape: 'triangle' }, timedOut: { word: 'timed out', tone: 'bad', shape: 'triangle' }, missing: { word: 'missing', tone: 'bad', shape: 'triangle' },
}
const OUTCOMES = Object.entries(OUTCOME_LOOK).map(([value, look]) => ({ value, label: look.word }))
const WAYS = [{ value: 'run', label: 'run: finishes' }, { value: 'follow', label: 'follow: long-lived' }, { value: 'launch', label: 'launch: outlives Overlap' }]

export function Commands() {
  const { entries, dropped } = useCommands()
  const [filter, setFilter] = useState<CommandFilter>({ text: '', outcome: null, way: null })
  const [rows, setRows] = useState(ROWS)
  const [chosen, setChosen] = useState<number | null>(null)
  const late = useDeferredValue(filter)
  const kept = useMemo(() => filterCommands(entries, late), [entries, late])
  const shown = kept.find((entry) => entry.id === chosen) ?? kept[0] ?? null
  return (
    <div className="commandScreen">
      <FailedAttempts />
      <div className="listDetail commandSplit">
      <Panel title="Commands" body={false} aside={<Filters filter={filter} setFilter={setFilter} />}>
        {entries.length === 0 ? <Empty title="No command yet">Whatever Overlap runs on this workstation is listed here, with its environment, directory, input, output and the reason.</Empty> : <List entries={kept.slice(0, rows)} shownId={shown?.id ?? null} choose={setChosen} />}
        <Group p={8} gap="sm" className="dim small">
          {Math.min(rows, kept.length)} of {kept.length} shown{kept.length < entries.length ? `, ${entries.length} kept` : ''}{dropped > 0 ? `, ${dropped} skipped because this page was slow` : ''}
          {kept.length > rows && <Button variant="subtle" onClick={() => setRows(rows + ROWS)}>Show {ROWS} more</Button>}
        </Group>
      </Panel>
      <div>{shown !== null && <Details entry={shown} />}</div>
      </div>
    </div>
  )
}

function Filters({ filter, setFilter }: { filter: CommandFilter; setFilter: (filter: CommandFilter) => void }) {
  return (
    <Group gap={6} wrap="nowrap">
      <TextInput aria-label="Filter commands" placeholder="Filter" w={150} value={filter.text} onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })} />
      <Select aria-label="Outcome" placeholder="outcome" clearable w={110} data={OUTCOMES} value={filter.outcome} onChange={(value) => setFilter({ ...filter, outcome: value as CommandFilter['outcome'] })} />
      <Select aria-label="Way" placeholder="way" clearable w={110} data={WAYS} comboboxProps={{ width: 190 }} value={filter.way} onChange={(value) => setFilter({ ...filter, way: value as CommandFilter['way'] })} />
    </Group>
  )
}

function List({ entries, shownId, choose }: { entries: LedgerEntry[]; shownId: number | null; choose: (id: number) => void }) {
  return (
    <Table aria-label="Commands" layout="fixed" stickyHeader stickyHeaderOffset={37}>
      <Table.Thead><Table.Tr><Table.Th w={76}>Time</Table.Th><Table.Th w={92}>Outcome</Table.Th><Table.Th>Command</Table.Th><Table.Th w={92} ta="right">Took</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {entries.map((entry) => (
          <Table.Tr key={entry.id} className="row" aria-selected={entry.id === shownId} tabIndex={0} onClick={() => choose(entry.id)} onKeyDown={(event) => { if (event.key === 'Enter') choose(entry.id) }}>
            <Table.Td className="dim">{dayAndTime(entry.startedAtMs, coreNowMs())}</Table.Td>
            <Table.Td><StateBadge look={OUTCOME_LOOK[entry.outcome]} /></Table.Td>
            <Table.Td><div className="mono cut" style={{ overflowWrap: 'normal' }} title={quotedArgv(entry.argv)}>{shortened(entry)}</div><div className="dim small cut why" title={entry.why}>{entry.why}</div></Table.Td>
            <Table.Td ta="right" className="nowrap">{took(entry)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** Program without its folder; control commands by what they say. */
function shortened({ argv, stdin }: LedgerEntry): string {
  const [program = '', ...rest] = argv
  const line = quotedArgv([program.split('/').at(-1) ?? '', ...rest])
  return stdin === null ? line : `${line} ⟵ ${stdin.trim().replaceAll('\n', '; ')}`
}

const took = ({ durationMs }: LedgerEntry): string => (durationMs === null ? '…' : durationMs < 1000 ? `${Math.round(durationMs)} ms` : duration(durationMs))

function Details({ entry }: { entry: LedgerEntry }) {
  const ending = entry.signal !== null ? `signal ${entry.signal}` : entry.exitCode === null ? null : `exit ${entry.exitCode}`
  return (
    <Panel title="Command" aside={<><StateBadge look={OUTCOME_LOOK[entry.outcome]} boxed /><CopyCommand text={shellLine(entry)} label="Copy as shell line" /></>}>
      <div className="stackGap">
        <div className="why">{entry.why}</div>
        <div className="dim small">{[entry.way, `began ${dayAndTime(entry.startedAtMs, coreNowMs())}`, entry.durationMs === null ? null : `took ${took(entry)}`, entry.pid === null ? null : `pid ${entry.pid}`, ending].filter((part) => part !== null).join(' · ')}</div>
        <div className="command"><CommandText command={entry} /></div>
        {entry.output === null ? <div className="dim small">Output of long-lived commands is not kept here.</div>
          : <div><div className="dim small">Output, first 4 KiB</div><pre className="logView" style={{ maxHeight: 420 }} aria-label="Output" tabIndex={0}>{entry.output === '' ? '(none)' : entry.output}</pre></div>}
      </div>
    </Panel>
  )
}
