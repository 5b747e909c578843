// ExperimentsRunning: the experiment that runs, by cells and blocks, with the curves of the cells that are done.
import { Progress, Table } from '@mantine/core'
import type { ArmNow, ExperimentNow } from '../../shared/experiment.ts'
import { PHASES } from '../../shared/experiment.ts'
import { duration, fixed, rate } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { cancelExperiment, showGain } from '../actions/experimentActions.ts'
import { armStyle } from '../parts/armColour.ts'
import { GainBars } from '../parts/charts/GainBars.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { useLink } from '../state/link.ts'
import { useReports } from '../state/reports.ts'
import { Explorer } from './Explorer.tsx'
import { gainRows, shortPoint } from './reportCharts.ts'
import { timeLeft } from './stageWords.ts'
import { useReport } from './useReport.ts'

const ARM_LOOK: Record<ArmNow['state'], Look> = {
  waiting: { word: 'waiting', tone: 'idle', shape: 'ring' }, loading: { word: 'loading', tone: 'busy', shape: 'half' }, ready: { word: 'ready', tone: 'good', shape: 'ring' },
  measuring: { word: 'measuring', tone: 'good', shape: 'full' }, failed: { word: 'failed', tone: 'bad', shape: 'triangle' },
}

export function ExperimentsRunning({ now }: { now: ExperimentNow }) {
  const simulated = useLink((link) => link.greeting?.simulated ?? false)
  const kept = useReports((store) => store.reports?.find((report) => report.id === (now.reportId ?? now.id)) ?? null)
  const { report } = useReport(kept?.id ?? null, kept?.cellsDone ?? 0)
  return (
    <>
      <Panel title={now.plan.file.title} aside={<><ActionButton action={showGain} label="Open Stage" /><ActionButton action={cancelExperiment(now.id)} label="Cancel" /></>}>
        <div className="stackGap">
          <div>{now.sentence}</div>
          <Passed now={now} />
          {now.plan.cells.length > 1 && <Cells now={now} />}
          {now.fault !== null && <FaultCard fault={now.fault} />}
          <Arms now={now} />
        </div>
      </Panel>
      <GainBars title={now.plan.cells.length > 1 ? 'Gains of this cell so far' : 'Gains so far'} rows={gainRows(now, now.cell)} stamp={simulated ? 'SIMULATED' : null} />
      {report !== null && <Explorer report={report} />}
    </>
  )
}

function Passed({ now }: { now: ExperimentNow }) {
  const nowMs = useNowMs()
  const part = now.endsAtMs === null || now.endsAtMs <= now.startedAtMs ? null : Math.min(1, (nowMs - now.startedAtMs) / (now.endsAtMs - now.startedAtMs))
  return (
    <div>
      <Progress value={100 * (part ?? 0)} size="sm" aria-label="Progress of the experiment" />
      <div className="dim small" style={{ marginTop: 4 }}>{[PHASES[now.phase] === now.sentence ? null : PHASES[now.phase], now.block === null ? null : `block ${now.block + 1} of ${now.blocks}`, `${duration(nowMs - now.startedAtMs)} passed`, timeLeft(now.endsAtMs, nowMs)].filter((text) => text !== null).join(' · ')}</div>
    </div>
  )
}

const CELL_WORD = { done: 'done', now: 'now', waiting: 'waiting' } as const

function Cells({ now }: { now: ExperimentNow }) {
  return (
    <ol className="cellBoxes" aria-label="Cells">
      {now.plan.cells.map(({ point }, at) => {
        const state = at < now.cell ? 'done' : at === now.cell ? 'now' : 'waiting'
        return <li key={at} data-state={state}>{shortPoint(point)}{state === 'waiting' ? '' : ` · ${CELL_WORD[state]}`}</li>
      })}
    </ol>
  )
}

function Arms({ now }: { now: ExperimentNow }) {
  const { arms } = now.plan.file
  return (
    <Table aria-label="Arms" layout="fixed">
      <Table.Thead><Table.Tr><Table.Th w="24%">Arm</Table.Th><Table.Th w={110}>State</Table.Th><Table.Th ta="right">Tokens/s now</Table.Th><Table.Th ta="right">Mean of valid blocks</Table.Th><Table.Th ta="right">TTFT p95, ms</Table.Th><Table.Th ta="right">TPOT p95, ms</Table.Th><Table.Th ta="right" w={190}>Blocks</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {now.arms.map((arm) => (
          <Table.Tr key={arm.armId}>
            <Table.Td><span className="cardRow" style={armStyle(arms, arm.armId)}><span className="dot" />{arms.find((one) => one.id === arm.armId)?.name ?? arm.armId}</span>{arm.fault !== null && <div className="small" style={{ color: 'var(--tone-bad)' }}>{arm.fault.sentence}</div>}</Table.Td>
            <Table.Td><StateBadge look={ARM_LOOK[arm.state]} /></Table.Td>
            <Table.Td ta="right">{rate(arm.tokensPerSecondNow)}</Table.Td><Table.Td ta="right"><strong>{rate(arm.tokensPerSecond)}</strong></Table.Td>
            <Table.Td ta="right">{fixed(arm.ttftMsP95)}</Table.Td><Table.Td ta="right">{fixed(arm.tpotMsP95, 1)}</Table.Td>
            <Table.Td ta="right" className="nowrap">{arm.blocks.valid} valid{arm.blocks.invalid > 0 ? `, ${arm.blocks.invalid} invalid` : ''}{arm.blocks.failed > 0 ? `, ${arm.blocks.failed} failed` : ''}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
