// Explorer: a sweep: curves of every arm, throughput at a chosen latency limit, knee, fairness between engines.
import { NumberInput, SegmentedControl, Select, Slider, Table } from '@mantine/core'
import { useState } from 'react'
import type { Report } from '../../shared/experiment.ts'
import { LATENCIES, limitsText, THROUGHPUTS } from '../../shared/load.ts'
import { againstLimit, atLimit, AXIS_LABELS, canBeEven, fairness, keptUpTo, KEPT_SHARE, knee, loadText, validBlocks, type Curve as Swept } from '../../shared/sweep.ts'
import { fixed, rate, UNKNOWN } from '../../shared/units.ts'
import { armStyle } from '../parts/armColour.ts'
import { Curves } from '../parts/charts/Curves.tsx'
import { signedPercent } from '../../shared/headline.ts'
import { Panel } from '../parts/Panel.tsx'
import { Value } from '../parts/Value.tsx'
import { curvesIn, drawnCurves, groupsOf } from './reportCharts.ts'

export type Explored = Pick<Report, 'plan' | 'blocks' | 'simulated'>

/** Draws nothing where no number was varied. */
export function Explorer({ report }: { report: Explored }) {
  const groups = groupsOf(report)
  const [chosen, setGroup] = useState<string | null>(null)
  const [over, setOver] = useState<'load' | 'latency'>('load')
  const group = groups.find((one) => one === chosen) ?? groups[0]
  const curves = group === undefined ? [] : curvesIn(report, group)
  const seconds = curves.flatMap((curve) => curve.points.flatMap((point) => (point.endToEndMsP95 === null ? [] : [point.endToEndMsP95 / 1000])))
  const most = Math.max(0.1, ...seconds)
  const [limit, setLimit] = useState<number | null>(report.plan.file.readOffAtLatencySeconds)
  const shown = limit ?? report.plan.file.readOffAtLatencySeconds ?? Number((most / 2).toPrecision(2))
  const first = curves[0]
  if (first === undefined) return null
  const load = AXIS_LABELS[first.vary]
  const { arms } = report.plan.file
  const ofLoad = first.vary === 'concurrency' || first.vary === 'perSecond'
  return (
    <div className="stackGap">
      <Curves title="Throughput of the sweep" stamp={report.simulated ? 'SIMULATED' : null} curves={drawnCurves(arms, curves, over)}
        x={over === 'load' ? { label: load.toLowerCase(), unit: '', logarithmic: first.vary !== 'perSecond', digits: curves.every(({ points }) => points.every(({ x }) => Number.isInteger(x))) ? 0 : 1 } : { label: 'end-to-end latency, p95', unit: 's', logarithmic: false, digits: 2 }}
        y={{ label: 'Output tokens/s', unit: 'output tokens/s' }} limit={over === 'latency' ? { x: shown, label: `${fixed(shown, 2)} s` } : null}
        meaning={<><div>{THROUGHPUTS.outputTokensPerSecond.meaning}</div><div>{LATENCIES.endToEndMs.meaning}</div><div>Band: 95 % t interval over the valid blocks of a cell. Knee: the first load from which twice the load gives less than 10 % more.</div></>}
        aside={<>
          {groups.length > 1 && <Select aria-label="Which sweep" w={230} data={groups} value={group ?? null} onChange={setGroup} allowDeselect={false} />}
          {ofLoad && <SegmentedControl aria-label="Over" data={[{ value: 'load', label: `over ${load.toLowerCase()}` }, { value: 'latency', label: 'over latency' }]} value={over} onChange={(value) => setOver(value as 'load' | 'latency')} />}
        </>} />
      <Panel title="Read off" body={false} aside={seconds.length === 0 || !ofLoad ? null : <Limit value={shown} most={most} set={(value) => { setLimit(value); setOver('latency') }} />}>
        <ReadOff curves={curves} report={report} limit={ofLoad ? shown : null} />
      </Panel>
    </div>
  )
}

function Limit({ value, most, set }: { value: number; most: number; set: (value: number) => void }) {
  return (
    <div className="cardRow">
      <span className="dim small nowrap">at p95 latency</span>
      <Slider thumbLabel="Latency limit in seconds" w={170} size="sm" min={0} max={Number((most * 1.05).toPrecision(3))} step={most / 200} value={value} onChange={set} label={(at) => `${fixed(at, 2)} s`} />
      <NumberInput aria-label="Latency limit, seconds" w={92} suffix=" s" min={0} decimalScale={2} value={Number(value.toFixed(2))} onChange={(typed) => { if (typeof typed === 'number') set(typed) }} />
    </div>
  )
}

/** `limit` null: no load was varied, so there is no latency to read off at and no knee. */
function ReadOff({ curves, report, limit }: { curves: Swept[]; report: Explored; limit: number | null }) {
  const { arms, load: { goodput } } = report.plan.file
  const single = curves.find((curve) => arms.find((arm) => arm.id === curve.armId)?.kind === 'single')
  const baseline = single === undefined || limit === null ? null : atLimit(single, limit)
  return (
    <Table aria-label="Read off the curves">
      <Table.Thead><Table.Tr><Table.Th>Arm</Table.Th>{limit !== null && <><Table.Th ta="right">Tokens/s at {fixed(limit, 2)} s</Table.Th><Table.Th ta="right">Against {single?.armName ?? 'the single engine'}</Table.Th><Table.Th ta="right">Knee</Table.Th>{goodput !== null && <Table.Th ta="right">Keeps its limits up to</Table.Th>}</>}<Table.Th ta="right">Most tokens/s</Table.Th><Table.Th ta="right">Fairness</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {curves.map((curve) => {
          const at = limit === null ? null : atLimit(curve, limit)
          const against = curve === single ? null : againstLimit(at, baseline)
          const bend = knee(curve)
          const kept = keptUpTo(report, curve)
          const top = [...curve.points].sort((a, b) => b.tokensPerSecond - a.tokensPerSecond)[0]
          return (
            <Table.Tr key={curve.armId}>
              <Table.Td><span className="cardRow" style={armStyle(arms, curve.armId)}><span className="dot" />{curve.armName}</span></Table.Td>
              {limit !== null && <><Table.Td ta="right"><Value text={at === null ? UNKNOWN : `${at.atLeast ? 'at least ' : ''}${rate(at.tokensPerSecond)}`} explain={at === null ? 'Every measured load was slower than the limit: a curve is not drawn on beyond its points.' : at.atLeast ? 'The most that was measured: every load stayed below the limit, and a curve is not drawn on beyond its points.' : 'On straight lines between measured points.'} /></Table.Td>
              <Table.Td ta="right">{curve === single ? '' : against === null ? UNKNOWN : `${against.atLeast ? 'at least ' : ''}${signedPercent(against.change)}`}</Table.Td>
              <Table.Td ta="right"><Value text={bend === null ? UNKNOWN : loadText(bend.x)} explain={bend === null ? 'No load within the sweep from which twice the load gives less than 10 % more.' : 'The first load from which twice the load gives less than 10 % more.'} /></Table.Td>
              {goodput !== null && <Table.Td ta="right"><Value text={kept === null ? UNKNOWN : `${kept.all ? 'at least ' : ''}${loadText(kept.x)}`} explain={<><div>{kept === null ? 'At no measured load.' : kept.all ? 'At every load that was measured.' : 'The highest measured load, and every lower one too.'}</div><div>Kept: {fixed(100 * KEPT_SHARE)} % of the requests that ended well met {limitsText(goodput)}.</div></>} /></Table.Td>}</>}
              <Table.Td ta="right">{rate(top?.tokensPerSecond ?? null)}</Table.Td>
              <Table.Td ta="right"><Fairness curve={curve} report={report} /></Table.Td>
            </Table.Tr>
          )
        })}
      </Table.Tbody>
    </Table>
  )
}

/** The least even block of the arm: a mean would hide an engine that starves at times. */
function Fairness({ curve, report }: { curve: Swept; report: Explored }) {
  const arm = report.plan.file.arms.find(({ id }) => id === curve.armId)
  const even = curve.points.filter(({ cell }) => arm !== undefined && canBeEven(report.plan.file, report.plan.cells[cell]?.point ?? {}, arm))
  const found = even.flatMap((point) => validBlocks(report.blocks, curve.armId, point.cell).flatMap((block) => fairness(block) ?? []))
  const worst = found.sort((a, b) => a.jain - b.jain)[0]
  if (worst === undefined) return <Value text={UNKNOWN} explain="One engine, or no block counts per engine." />
  return <Value text={fixed(worst.jain, 3)} explain={<><div>{"Jain's index of the least even block: 1 is even, 1/n is all to one engine."}</div>{worst.shares.map(({ engineName, share }) => <div key={engineName}>{engineName}: {fixed(100 * share, 1)} %</div>)}</>} />
}
