// Commands: the Ledger. Every command that was run, filtered, in full, to be copied.
import { Button, Group, Select, Table, TextInput } from '@mantine/core'
import { useDeferredValue, useEffect, useMemo, useState } from 'react'
import type { LedgerEntry } from '../../shared/command.ts'
import { dayAndTime } from '../../shared/units.ts'
import { Empty } from '../parts/Empty.tsx'
import { coreNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { quotedArgv } from '../parts/quoting.ts'
import { StateBadge } from '../parts/StateBadge.tsx'
import { useCommands, useRoutine } from '../state/commands.ts'
import { useConnection } from '../state/connection.ts'
import { followRoutine } from '../state/feed.ts'
import { filterCommands, speaksOf, type CommandFilter } from './commandFilter.ts'
import { CommandDetail, onPress, OUTCOME_LOOK, RoutineDetail, shortened, took } from './CommandsDetail.tsx'
import { CommandsRoutine } from './CommandsRoutine.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'

/** Rows drawn at first and per further step: a table stays quick up to a few hundred. */
const ROWS = 200

const OUTCOMES = Object.entries(OUTCOME_LOOK).map(([value, look]) => ({ value, label: look.word }))
const WAYS = [{ value: 'run', label: 'run: finishes' }, { value: 'follow', label: 'follow: long-lived' }, { value: 'launch', label: 'launch: outlives Overlap' }]

export function Commands() {
  const connection = useConnection()
  const { entries, dropped } = useCommands()
  const routine = useRoutine((store) => store.routine)
  const [filter, setFilter] = useState<CommandFilter>({ text: '', outcome: null, way: null })
  const [rows, setRows] = useState(ROWS)
  /** null: the newest command. */
  const [chosen, setChosen] = useState<{ of: 'commands' | 'routine'; id: number } | null>(null)
  const late = useDeferredValue(filter)
  const kept = useMemo(() => filterCommands(entries, late), [entries, late])
  const reads = useMemo(() => (routine ?? []).filter((one) => speaksOf(one, late.text)), [routine, late])
  useEffect(() => followRoutine(connection), [connection])
  const read = chosen?.of === 'routine' ? (reads.find(({ id }) => id === chosen.id) ?? null) : null
  const shown = read !== null ? null : (kept.find((entry) => entry.id === chosen?.id) ?? kept[0] ?? null)
  return (
    <div className="commandScreen">
      <FailedAttempts />
      <div className="listDetail commandSplit">
        <div className="commandLists">
          <Panel title="Commands" body={false} aside={<Filters filter={filter} setFilter={setFilter} />}>
            {entries.length === 0 ? <Empty title="No command yet">Whatever Overlap runs on this workstation is listed here, with its environment, directory, input, output and the reason.</Empty>
              : kept.length === 0 ? <Empty title="No command fits the filter">{entries.length} commands are kept. The filter looks for every word in command, reason, input, environment and output.</Empty>
              : <List entries={kept.slice(0, rows)} shownId={shown?.id ?? null} choose={(id) => setChosen({ of: 'commands', id })} />}
            {kept.length > 0 && <Group p={8} gap="sm" className="dim small">
              {`${Math.min(rows, kept.length)} of ${kept.length} shown${kept.length < entries.length ? `, ${entries.length} kept` : ''}${dropped > 0 ? `, ${dropped} skipped because this page was slow` : ''}`}
              {kept.length > rows && <Button variant="subtle" onClick={() => setRows(rows + ROWS)}>Show {ROWS} more</Button>}
            </Group>}
          </Panel>
          {reads.length > 0 && <CommandsRoutine reads={reads} shownId={read?.id ?? null} choose={(id) => setChosen({ of: 'routine', id })} />}
        </div>
        <div>{read !== null ? <RoutineDetail read={read} /> : shown !== null && <CommandDetail entry={shown} />}</div>
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
          <Table.Tr key={entry.id} className="row" aria-selected={entry.id === shownId} tabIndex={0} onClick={() => choose(entry.id)} onKeyDown={onPress(() => choose(entry.id))}>
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
