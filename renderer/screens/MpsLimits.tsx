// MpsLimits: the limits of one GPU apart, by what they touch: servers started later, clients that connect later, one engine.
import { Button, Group, NumberInput, Table } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useEffect, useRef, useState } from 'react'
import { memoryLimitOf, needWords } from '../../shared/memoryLimit.ts'
import { LEAST_CLIENT_MIB, type LimitsChange, type MpsDaemon, type MpsLimits as Limits, readBackMiB, shareCeiling, TOO_LITTLE } from '../../shared/mps.ts'
import { percent, UNKNOWN } from '../../shared/units.ts'
import { perform } from '../actions/action.ts'
import { memoryCaution } from '../actions/engineActions.ts'
import { setLimits } from '../actions/mpsActions.ts'
import { EngineName } from '../parts/EngineDot.tsx'
import { Panel } from '../parts/Panel.tsx'
import { useConnection } from '../state/connection.ts'
import { enginesOn, useEngines, type SettledEngine } from '../state/engines.ts'

export function MpsLimits({ daemon }: { daemon: MpsDaemon }) {
  const engines = enginesOn(useEngines((store) => store.settled), daemon.gpuUuid).filter(({ spec }) => spec.onMps)
  const [editing, setEditing] = useState<LimitsChange['of'] | null>(null)
  const buttons = useRef<Partial<Record<LimitsChange['of'], HTMLButtonElement | null>>>({})
  const done = (of: LimitsChange['of']) => () => { setEditing(null); buttons.current[of]?.focus() }
  const { wanted, default: told, servers } = daemon.limits
  const own = daemon.ownership !== 'used'
  const kept = wanted.sharePercent !== null || wanted.pinnedMemoryMiB !== null
  const stopped = daemon.state === 'stopped' && daemon.ownership !== 'used'
  const settable = stopped || daemon.state === 'running' || daemon.state === 'noServer'
  const change = (of: LimitsChange['of'], label: string) => <Button variant="subtle" aria-label={label} ref={(button) => { buttons.current[of] = button }} onClick={() => setEditing(of)}>Change</Button>
  return (
    <Panel title="Limits" body={false}>
      <Table aria-label="Limits">
        <Table.Thead><Table.Tr><Table.Th>Of</Table.Th><Table.Th ta="right">SM share</Table.Th><Table.Th ta="right">Memory per process</Table.Th><Table.Th>Touches</Table.Th><Table.Th aria-label="Change" /></Table.Tr></Table.Thead>
        <Table.Tbody>
          <Table.Tr>
            <Table.Td>Default</Table.Td><Table.Td ta="right">{shareText(told.sharePercent)}</Table.Td><Table.Td ta="right">{memoryText(told.pinnedMemory)}</Table.Td>
            <Table.Td><span className="dim small">servers started later{kept ? `; Overlap sets ${wantedText(wanted)} at every start` : own ? '; kept by Overlap once changed here' : '; lost with the daemon'}</span></Table.Td><Table.Td ta="right">{settable && change('default', 'Change default limits')}</Table.Td>
          </Table.Tr>
          {editing === 'default' && <Edit daemon={daemon} of="default" now={{ sharePercent: wanted.sharePercent ?? told.sharePercent, pinnedMemoryMiB: wanted.pinnedMemoryMiB ?? readBackMiB(told.pinnedMemory) }} onDone={done('default')} />}
          {servers.map((server) => (
            <Table.Tr key={server.pid}>
              <Table.Td className="nowrap">Server {server.pid}</Table.Td><Table.Td ta="right">{shareText(server.sharePercent)}</Table.Td><Table.Td ta="right">{memoryText(server.pinnedMemory)}</Table.Td>
              <Table.Td><span className="dim small">clients that connect later; gone with the server</span></Table.Td><Table.Td ta="right">{daemon.state === 'running' && change('server', 'Change limits of the server')}</Table.Td>
            </Table.Tr>
          ))}
          {editing === 'server' && <Edit daemon={daemon} of="server" now={{ sharePercent: servers[0]?.sharePercent ?? null, pinnedMemoryMiB: readBackMiB(servers[0]?.pinnedMemory ?? null) }} onDone={done('server')} />}
          {engines.map((engine) => <OfEngine key={engine.id} engine={engine} daemon={daemon} />)}
        </Table.Tbody>
      </Table>
      <div className="panelBody dim small">
        Daemon and server are read back, an engine's are set in its environment; neither shows what a client really gets. The lower one counts. A share is a ceiling, no reservation; memory counts for each process, not for an engine with several.
      </div>
    </Panel>
  )
}

function OfEngine({ engine, daemon }: { engine: SettledEngine; daemon: MpsDaemon }) {
  const { colour, spec, pid, startedAtMs, memoryNeed } = engine
  const short = pid === null && memoryCaution(engine) !== null ? memoryNeed : null
  const [server] = daemon.limits.servers
  const older = server?.changedAtMs != null && startedAtMs !== null && startedAtMs < server.changedAtMs
  const share = older ? null : shareCeiling(spec.sharePercent, server?.sharePercent ?? null)
  const memory = older || server?.pinnedMemory == null ? null : (memoryLimitOf(spec.pinnedMemoryLimitMiB, daemon.limits)?.mebibytes ?? 'none')
  const ceiling = pid === null ? 'read once, when it is started'
    : older ? "the server's were changed after it started: it keeps what it started with"
    : `its ceiling: ${share === null ? UNKNOWN : percent(share)} of the SMs, memory ${memory === null ? UNKNOWN : memory === 'none' ? 'unlimited' : `${memory} MiB`}`
  return (
    <Table.Tr>
      <Table.Td><EngineName colour={colour} name={spec.name} /></Table.Td>
      <Table.Td ta="right">{spec.sharePercent === null ? 'none' : shareText(spec.sharePercent)}</Table.Td>
      <Table.Td ta="right">{spec.pinnedMemoryLimitMiB === null ? 'none' : `${spec.pinnedMemoryLimitMiB} MiB`}</Table.Td>
      <Table.Td className="dim small" colSpan={2}>{ceiling}{short === null ? '' : <span style={{ color: 'var(--tone-bad)' }}> · too little memory: it {needWords(short)}</span>}</Table.Td>
    </Table.Tr>
  )
}

function Edit({ daemon, of, now, onDone }: { daemon: MpsDaemon; of: LimitsChange['of']; now: Limits; onDone: () => void }) {
  const { client } = useConnection()
  const form = useForm<{ sharePercent: number | string; pinnedMemoryMiB: number | string }>({
    initialValues: { sharePercent: now.sharePercent ?? '', pinnedMemoryMiB: now.pinnedMemoryMiB ?? '' },
    validate: {
      sharePercent: (value) => (value === '' || (typeof value === 'number' && value > 0 && value <= 100) ? null : 'Above 0, at most 100.'),
      pinnedMemoryMiB: (value) => (value === '' || (typeof value === 'number' && Number.isInteger(value) && value >= LEAST_CLIENT_MIB) ? null : TOO_LITTLE),
    },
  })
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => { first.current?.focus(); first.current?.select() }, [])
  const submit = form.onSubmit(({ sharePercent, pinnedMemoryMiB }) => {
    onDone() // first: the dialog gives the keyboard back to where it was
    // 100 % limits nothing
    perform(setLimits(daemon, { of, sharePercent: sharePercent === '' || sharePercent === 100 ? null : Number(sharePercent), pinnedMemoryMiB: pinnedMemoryMiB === '' ? null : Number(pinnedMemoryMiB) }), client)
  })
  return (
    <Table.Tr>
      <Table.Td colSpan={5}>
        <form onSubmit={submit} onKeyDown={(event) => { if (event.key === 'Escape') onDone() }}>
          <Group gap="xs" align="start">
            <NumberInput ref={first} aria-label="SM share in percent" placeholder="no limit (%)" w={130} clampBehavior="none" suffix=" %" {...form.getInputProps('sharePercent')} />
            <NumberInput aria-label="Memory per process in MiB" placeholder="no limit (MiB)" w={160} clampBehavior="none" allowDecimal={false} suffix=" MiB" {...form.getInputProps('pinnedMemoryMiB')} />
            <Button type="submit">Set</Button>
            <Button variant="subtle" onClick={onDone}>Cancel</Button>
            <span className="dim small">empty: no limit</span>
          </Group>
        </form>
      </Table.Td>
    </Table.Tr>
  )
}

/** One decimal where there is one: that is how the daemon tells it. */
const shareText = (share: number | null): string => (share === null ? UNKNOWN : `${Number(share.toFixed(1))} %`)

function memoryText(told: string | null): string {
  if (told === null || told === 'none') return told ?? UNKNOWN
  return told.endsWith('G') ? `${told.slice(0, -1)} GiB` : `${told.slice(0, -1)} MiB`
}

const wantedText = ({ sharePercent, pinnedMemoryMiB }: Limits): string =>
  [sharePercent === null ? null : shareText(sharePercent), pinnedMemoryMiB === null ? null : `${pinnedMemoryMiB} MiB`].filter((text) => text !== null).join(' and ')
