// LiveStrips: the four strips of one GPU on one time axis with one crosshair.
import { ActionIcon, Button, SegmentedControl, Tooltip, useComputedColorScheme } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useCallback, useMemo } from 'react'
import type { FoundEngine } from '../../shared/foundEngine.ts'
import { METRICS, type MetricKey } from '../../shared/gpu.ts'
import { duration, fixed, watts } from '../../shared/units.ts'
import { LiveText } from '../parts/LiveText.tsx'
import { Strip } from '../parts/Strip.tsx'
import { MetricExplained, missingSentence } from '../parts/Value.tsx'
import { enginesOn, useEngines } from '../state/engines.ts'
import { coloursOfFound, foundOn, useFoundEngines } from '../state/foundEngines.ts'
import { rowOf, useGpus } from '../state/gpus.ts'
import { useMarks } from '../state/marks.ts'
import { columnsOf, usePast } from '../state/past.ts'
import { track } from '../state/track.ts'
import { SPANS, useView, type Span } from '../state/view.ts'
import { gpmAbsent, stripPlans, type StripEngine, type StripPlan } from './stripPlans.ts'

export function LiveStrips({ gpuUuid }: { gpuUuid: string | null }) {
  const span = useView((view) => view.span)
  const scheme = useComputedColorScheme('dark')
  const absent = useGpus((store) => gpmAbsent(store.identities?.find((gpu) => gpu.uuid === gpuUuid) ?? null, rowOf(store.frame, gpuUuid)))
  const total = useGpus((store) => rowOf(store.frame, gpuUuid)?.metrics.memoryTotalMiB ?? store.identities?.find((gpu) => gpu.uuid === gpuUuid)?.memoryTotalMiB ?? null)
  const limit = useGpus((store) => rowOf(store.frame, gpuUuid)?.metrics.powerLimitWatts ?? null)
  const own = useEngines((store) => store.settled)
  const layers = useFoundEngines(({ found }) => JSON.stringify(foundLayers(found ?? [], own ?? [], gpuUuid)))
  const roster = useMemo(() => JSON.stringify([...enginesOn(own, gpuUuid).map(({ id, colour, spec, pid, state }): StripEngine => ({ id, colour, name: spec.name, gpuUuid: spec.gpuUuid, runs: pid !== null, serves: state === 'ready' || state === 'draining' })), ...(JSON.parse(layers) as StripEngine[])]), [own, gpuUuid, layers])
  const plans = useMemo(
    () => (gpuUuid === null ? [] : stripPlans({ gpuUuid, engines: JSON.parse(roster) as StripEngine[], gpmAbsent: absent !== null, totalMiB: total, limitWatts: limit, scheme })),
    [gpuUuid, roster, absent, total, limit, scheme],
  )
  return (
    <section className="panel strips" data-noted={absent !== null || undefined} aria-label="Live strips">
      <div className="panelHead" style={{ borderBottom: 0 }}>
        <SegmentedControl aria-label="Time span" value={span} onChange={(value) => useView.setState({ span: value as Span })} data={Object.keys(SPANS)} />
        <BucketNote span={span} />
        <span className="spring" />
        <Vitals gpuUuid={gpuUuid} />
        <Button onClick={() => useView.setState({ gpuPanelOpen: true })}>GPU details</Button>
      </div>
      {absent !== null && <div className="stripsNote" role="note">{absent}</div>}
      {plans.map((plan, at) => <PlannedStrip key={plan.label} plan={plan} gpuUuid={gpuUuid} span={span} first={at === 0} last={at === plans.length - 1} />)}
    </section>
  )
}

/** One that is being taken over stands in both lists for a moment, and is drawn once. */
const foundLayers = (found: FoundEngine[], own: readonly { id: string; colour: number }[], gpuUuid: string | null): StripEngine[] => {
  const colours = coloursOfFound(found, own)
  return foundOn(found, gpuUuid).filter(({ id }) => !own.some((engine) => engine.id === id)).map(({ id, name, gpuUuid, rates }) => ({ id, colour: colours.get(id) ?? 0, name, gpuUuid, runs: true, serves: rates.readAtMs !== null }))
}

/** What no strip shows and one wants to see at a glance. Unknown ones are left to the details, which say why. */
function Vitals({ gpuUuid }: { gpuUuid: string | null }) {
  const read = useCallback(() => {
    const metrics = rowOf(useGpus.getState().frame, gpuUuid)?.metrics
    if (metrics === undefined) return ''
    const parts = [
      metrics.powerWatts === null ? null : metrics.powerLimitWatts === null ? watts(metrics.powerWatts) : `${fixed(metrics.powerWatts)} of ${watts(metrics.powerLimitWatts)}`,
      metrics.temperatureCelsius === null ? null : `${fixed(metrics.temperatureCelsius)} °C`,
      metrics.smClockMHz === null ? null : `SM ${fixed(metrics.smClockMHz)} MHz`,
    ]
    return parts.filter((part) => part !== null).join('  ·  ')
  }, [gpuUuid])
  return <Tooltip label="Power drawn of the limit in force, core temperature, SM clock."><span className="vitals" tabIndex={0}><LiveText read={read} /></span></Tooltip>
}

function BucketNote({ span }: { span: Span }) {
  const bucketMs = usePast((store) => store.window?.bucketMs ?? null)
  if (span === '1 min' || bucketMs === null) return null
  return <Tooltip label={`Lines span the lowest and the highest reading of each ${duration(bucketMs)}; stacks show the middle of the two.`}><span className="dim small nowrap explained" tabIndex={0}>low to high per {duration(bucketMs)}</span></Tooltip>
}

function PlannedStrip({ plan, gpuUuid, span, first, last }: { plan: StripPlan; gpuUuid: string | null; span: Span; first: boolean; last: boolean }) {
  const subscribe = useCallback((redraw: () => void) => {
    const stops = span === '1 min' ? [useGpus.subscribe(redraw)] : [usePast.subscribe(redraw)]
    return () => stops.forEach((stop) => stop())
  }, [span])
  const read = () => {
    const columns = span === '1 min' ? track.read(plan.names, (track.newestMs ?? 0) - SPANS['1 min'] - 2000) : columnsOf(usePast.getState().window, plan.names)
    return plan.shape?.(columns) ?? columns
  }
  return (
    <Strip
      title={<StripTitle plan={plan} gpuUuid={gpuUuid} />} label={plan.label} lines={plan.lines} stacked={plan.stacked} top={plan.top} axisFormat={plan.axisFormat} axisSteps={plan.axisSteps} total={plan.total} aside={<MissingNow metrics={plan.metrics} gpuUuid={gpuUuid} />}
      read={read} ranged={span !== '1 min'} marks={() => useMarks.getState().marks.filter((mark) => mark.gpuUuid === null || mark.gpuUuid === gpuUuid)}
      spanMs={SPANS[span]} timeAxis={last} markLabels={first} subscribe={subscribe} note={plan.note}
    />
  )
}

function StripTitle({ plan, gpuUuid }: { plan: StripPlan; gpuUuid: string | null }) {
  return (
    <span className="cardRow" style={{ gap: 4 }}>
      {plan.label}
      {plan.metrics.length > 0 && (
        <Tooltip label={<Explained metrics={plan.metrics} gpuUuid={gpuUuid} />}>
          <ActionIcon size={16} aria-label={`What ${plan.label} means`}><IconInfoCircle size={13} stroke={1.5} /></ActionIcon>
        </Tooltip>
      )}
    </span>
  )
}

/** Why the strip has no present value; nothing while it has one. */
function MissingNow({ metrics, gpuUuid }: { metrics: MetricKey[]; gpuUuid: string | null }) {
  const metric = metrics[0]
  const sentence = useGpus((store) => (metric === undefined || store.frame === null ? null : missingSentence(rowOf(store.frame, gpuUuid), metric)))
  return sentence === null ? null : <>— {sentence}</>
}

function Explained({ metrics, gpuUuid }: { metrics: MetricKey[]; gpuUuid: string | null }) {
  const row = useGpus((store) => rowOf(store.frame, gpuUuid))
  return <>{metrics.map((metric) => <div key={METRICS[metric].label} style={{ marginBottom: 6 }}><MetricExplained metric={metric} row={row} /></div>)}</>
}
