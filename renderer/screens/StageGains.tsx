// StageGains: the two named gains with their intervals, as they grow. One axis for all of them.
import { Tooltip } from '@mantine/core'
import type { Comparison, ExperimentNow, Prediction } from '../../shared/experiment.ts'
import { holdsOnlyFor } from '../../shared/counted.ts'
import { UNKNOWN } from '../../shared/units.ts'
import { armStyle } from '../parts/armColour.ts'
import { isOpen, MEASURES, verdictLook } from '../parts/gains.ts'
import { bandText } from '../parts/planWords.ts'
import { ShapeMark, StateBadge, toneStyle } from '../parts/StateBadge.tsx'
import { isOver } from '../state/experiment.ts'
import { AGAINST_WORDS, gainDomain, namedGains, stageInterval, stagePercent, type NamedGain } from './stageWords.ts'

type Band = Prediction['gain']

export function StageGains({ now }: { now: ExperimentNow }) {
  const { plan } = now
  const mps = plan.file.arms.filter((arm) => arm.kind === 'mps')
  const gains = withEmpty(now)
  const bandOf = ({ name, armId }: NamedGain): Band => {
    const prediction = plan.cells[now.cell]?.predictions.find((one) => one.armId === armId)
    return (name === 'againstSingle' ? prediction?.gain : prediction?.gainOverTimeSlicing) ?? null
  }
  if (gains.length === 0) return null
  const domain = gainDomain(gains.flatMap((gain) => [gain.throughput.change, gain.throughput.low, gain.throughput.high, bandOf(gain)?.low ?? null, bandOf(gain)?.high ?? null]))
  const names = [...new Set(gains.map((gain) => gain.name))]
  return (
    <div className="stageGains" data-count={names.length}>
      {names.map((name) => (
        <section key={name} className="panel gainPanel" data-many={gains.filter((gain) => gain.name === name).length > 1 || undefined} aria-label={`Gain against ${AGAINST_WORDS[name]}`}>
          <div className="gainTitle">{mps.length === 1 ? 'MPS against' : 'Against'} {AGAINST_WORDS[name]}</div>
          {gains.filter((gain) => gain.name === name).map((gain) => <GainRow key={gain.armId} gain={gain} now={now} domain={domain} band={bandOf(gain)} named={gains.filter((one) => one.name === name).length > 1} />)}
        </section>
      ))}
    </div>
  )
}

/** Before the first pair the gains stand there already, unknown: the page does not jump when they come. */
function withEmpty(now: ExperimentNow): NamedGain[] {
  const known = namedGains(now.plan, now.comparisons, now.cell)
  if (known.length > 0 || isOver(now)) return known
  const { arms } = now.plan.file
  const single = arms.find((arm) => arm.kind === 'single')
  return arms.filter((arm) => arm.kind === 'mps').flatMap((arm) => {
    const sliced = arms.find((one) => one.kind === 'timeSliced' && one.engines === arm.engines)
    const empty = (name: NamedGain['name'], baselineId: string): NamedGain => ({ name, armId: arm.id, ttft: null, tpot: null, throughput: { cell: now.cell, name, armId: arm.id, baselineId, measure: 'outputTokensPerSecond', change: null, low: null, high: null, pairs: 0, verdict: 'tooFewBlocks' } })
    return [...(single === undefined ? [] : [empty('againstSingle', single.id)]), ...(sliced === undefined ? [] : [empty('againstTimeSliced', sliced.id)])]
  })
}

function GainRow({ gain, now, domain, band, named }: { gain: NamedGain; now: ExperimentNow; domain: [number, number]; band: Band; named: boolean }) {
  const { throughput } = gain
  const only = holdsOnlyFor(now, throughput)
  const holds = only !== null && <div className="gainHolds"><span className="besideMark" style={toneStyle('busy')}><ShapeMark shape="diamond" /></span>{only.where}</div>
  const arm = now.plan.file.arms.find((one) => one.id === gain.armId)
  const baseline = now.plan.file.arms.find((one) => one.id === throughput.baselineId)
  const failed = [arm, baseline].find((one) => now.arms.some((each) => each.armId === one?.id && each.state === 'failed'))
  const none = failed !== undefined ? `${failed.name} failed` : isOver(now) ? (throughput.pairs === 0 ? 'no pair of blocks' : 'one pair of blocks is no gain') : 'two blocks of each are needed'
  return (
    <div className="gainRow" data-unproven={isOpen(throughput) || undefined} style={armStyle(now.plan.file.arms, gain.armId)}>
      {named && <div className="gainArm cut" title={arm?.name}>{arm?.name}</div>}
      <div className="gainLine">
        <Tooltip label={`Output tokens/s of "${arm?.name ?? gain.armId}" against "${baseline?.name ?? throughput.baselineId}", from the mean of log ratios over ${throughput.pairs} paired blocks, with its 95 % t interval.`}>
          <span className="gainNumber" data-unknown={throughput.change === null || undefined} tabIndex={0}>{stagePercent(throughput.change)}</span>
        </Tooltip>
        <span className="gainInterval cut">{stageInterval(throughput) ?? none}</span>
        {named && holds}
        <span className="spring" />
        {failed === undefined && <StateBadge look={verdictLook(throughput)} />}
      </div>
      {!named && holds}
      <GainBar comparison={throughput} domain={domain} band={band} />
      <div className="gainBeside"><Beside comparison={gain.ttft} measure="ttftMsP95" /><Beside comparison={gain.tpot} measure="tpotMsP95" /><span className="spring" /><span className="dim">{band === null ? 'not predicted' : `predicted ${bandText(band)}`}</span></div>
    </div>
  )
}

function Beside({ comparison, measure }: { comparison: Comparison | null; measure: 'ttftMsP95' | 'tpotMsP95' }) {
  const look = comparison === null ? null : verdictLook(comparison)
  return (
    <Tooltip label={<><div>{MEASURES[measure].meaning}</div>{comparison !== null && <div>{stageInterval(comparison) ?? ''} {look!.word}. Lower is better.</div>}</>}>
      <span className="beside" tabIndex={0}>{look !== null && <span style={toneStyle(look.tone)} className="besideMark"><ShapeMark shape={look.shape} /></span>}<span className="dim">{MEASURES[measure].label}</span> <span className="besideNumber">{comparison === null ? UNKNOWN : stagePercent(comparison.change)}</span></span>
    </Tooltip>
  )
}

/** From zero to the change, with the interval as a whisker over it and what was predicted as a bracket under it. */
function GainBar({ comparison: { change, low, high }, domain: [from, to], band }: { comparison: Comparison; domain: [number, number]; band: Band }) {
  const at = (value: number): number => (100 * (Math.min(to, Math.max(from, value)) - from)) / (to - from)
  const span = (a: number, b: number) => ({ left: `${Math.min(at(a), at(b))}%`, width: `${Math.abs(at(b) - at(a))}%` })
  return (
    <div className="gainBar" aria-hidden="true">
      {band !== null && <i className="gainBand" style={span(band.low, band.high)} />}
      <i className="gainFill" style={span(0, change ?? 0)} />
      {low !== null && high !== null && <i className="gainWhisker" style={span(low, high)} />}
      <i className="gainZero" style={{ left: `${at(0)}%` }} />
      <span className="gainEnd" style={{ left: `${at(0)}%` }}>0</span>
      <span className="gainEnd" data-last style={{ left: '100%' }}>{stagePercent(to)}</span>
    </div>
  )
}
