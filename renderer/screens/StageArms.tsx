// StageArms: one column per arm: tokens per second in large, what the GPU did meanwhile, latencies, blocks.
import { Tooltip } from '@mantine/core'
import type { Arm, ArmNow, ExperimentNow } from '../../shared/experiment.ts'
import { METRICS, MISSING, type MetricKey } from '../../shared/gpu.ts'
import { THROUGHPUTS } from '../../shared/load.ts'
import { fixed, rate, UNKNOWN } from '../../shared/units.ts'
import { armColour, armStyle } from '../parts/armColour.ts'
import { EngineDot } from '../parts/EngineDot.tsx'
import { MEASURES } from '../parts/gains.ts'
import { ShapeMark, StateBadge, toneStyle, type Look, type Shape, type Tone } from '../parts/StateBadge.tsx'
import { Value } from '../parts/Value.tsx'
import { isOver } from '../state/experiment.ts'
import { barScale, toldByGpm } from './stageWords.ts'

const ARM_LOOK: Record<ArmNow['state'], Look> = {
  waiting: { word: 'waiting', tone: 'idle', shape: 'ring' },
  loading: { word: 'loading', tone: 'busy', shape: 'half' },
  ready: { word: 'ready', tone: 'good', shape: 'full' },
  measuring: { word: 'measuring', tone: 'busy', shape: 'half' },
  failed: { word: 'failed', tone: 'bad', shape: 'triangle' },
}
const PLAYING: Look = { word: 'played back', tone: 'other', shape: 'half' }
const DONE: Look = { word: 'done', tone: 'idle', shape: 'full' }
const CUT_SHORT: Look = { word: 'cancelled', tone: 'idle', shape: 'half' }
const UNMEASURED: Look = { word: 'not measured', tone: 'idle', shape: 'ring' }

/** What an arm is, as the Stage says it: at rest once all is over. */
function lookOf({ state, blocks }: ArmNow, now: ExperimentNow, recorded: boolean): Look {
  if (state === 'failed') return ARM_LOOK.failed
  const measured = blocks.valid + blocks.invalid + blocks.failed
  if (isOver(now)) return measured === 0 ? UNMEASURED : now.cancelled && measured < now.plan.file.blocks.rounds ? CUT_SHORT : DONE
  return state === 'measuring' && recorded ? PLAYING : ARM_LOOK[state]
}

export function StageArms({ now, recorded }: { now: ExperimentNow; recorded: boolean }) {
  const { arms } = now.plan.file
  const scale = barScale(now.arms)
  const gpm = toldByGpm(now)
  return (
    <div className="stageArms" data-count={Math.min(arms.length, 4)} role="list" aria-label="Arms">
      {arms.map((arm) => {
        const live = now.arms.find((one) => one.armId === arm.id)
        return live === undefined ? null : <ArmColumn key={arm.id} arm={arm} live={live} now={now} scale={scale} gpm={gpm} recorded={recorded} />
      })}
    </div>
  )
}

function ArmColumn({ arm, live, now, scale, gpm, recorded }: { arm: Arm; live: ArmNow; now: ExperimentNow; scale: number; gpm: boolean; recorded: boolean }) {
  const { arms, blocks } = now.plan.file
  const over = isOver(now)
  const measuring = !over && live.state === 'measuring' && live.tokensPerSecondNow !== null
  const shown = measuring ? live.tokensPerSecondNow : live.tokensPerSecond
  const caption = measuring ? (recorded ? 'tokens/s, this block' : 'tokens/s now') : 'tokens/s'
  const mean = live.tokensPerSecond === null ? (over ? 'no valid block' : 'no valid block yet') : measuring ? `mean ${rate(live.tokensPerSecond)}` : `mean of ${live.blocks.valid} valid ${live.blocks.valid === 1 ? 'block' : 'blocks'}`
  return (
    <div className="panel arm" style={armStyle(arms, arm.id)} data-state={over && live.state !== 'failed' ? 'over' : live.state} role="listitem" aria-label={arm.name}>
      <div className="armHead"><EngineDot colour={armColour(arms, arm.id)} /><h2 className="armName" title={arm.name}>{arm.name}</h2><span className="spring" /><StateBadge look={lookOf(live, now, recorded)} explain={live.fault?.sentence} /></div>
      <div className="armMiddle">
        <Tooltip label={THROUGHPUTS.outputTokensPerSecond.meaning}><span className="hugeNumber" data-unknown={shown === null || undefined} tabIndex={0} aria-label={`${arm.name}: ${rate(shown)} ${caption}`}>{rate(shown)}</span></Tooltip>
        <div className="armBar" aria-hidden="true"><i style={{ width: `${Math.min(100, (100 * (shown ?? 0)) / scale)}%` }} />{live.tokensPerSecond !== null && <b style={{ left: `${(100 * live.tokensPerSecond) / scale}%` }} />}</div>
        {live.fault === null ? <div className="armCaption"><span>{caption}</span> <span className="dim">{mean}</span></div>
          : <div className="armFault" role="alert"><strong>{live.fault.sentence}</strong> <span className="dim">{live.fault.hint}</span></div>}
      </div>
      <dl className="armFacts">
        {gpm ? <><GpuFact live={live} metric="smActivityPercent" /><GpuFact live={live} metric="dramBandwidthPercent" /></> : <><GpuFact live={live} metric="powerWatts" gpm={false} /><GpuFact live={live} metric="memoryControllerBusyPercent" gpm={false} /></>}
        <Latency measure="ttftMsP95" value={live.ttftMsP95} />
        <Latency measure="tpotMsP95" value={live.tpotMsP95} />
      </dl>
      <Ticks blocks={live.blocks} rounds={blocks.rounds} />
    </div>
  )
}

function GpuFact({ live, metric, gpm = true }: { live: ArmNow; metric: Extract<MetricKey, keyof NonNullable<ArmNow['gpu']>>; gpm?: boolean }) {
  const { label, unit, meaning, trap, source } = METRICS[metric]
  const value = live.gpu?.[metric] ?? null
  const missing = live.gpu === null ? 'Nothing has been measured on this arm yet.' : MISSING.noSample
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd><Value text={fixed(value)} unit={unit} explain={<><strong>{label}</strong>{value === null && <div>{UNKNOWN} {missing}</div>}<div>{meaning} Mean of the frames of the measuring window.</div><div>{trap}</div>{!gpm && <div>Shown because this GPU tells no SM activity and no DRAM bandwidth (GPM).</div>}<div className="small">Source: {source}</div></>} /></dd>
    </div>
  )
}

function Latency({ measure, value }: { measure: 'ttftMsP95' | 'tpotMsP95'; value: number | null }) {
  const { label, meaning } = MEASURES[measure]
  const seconds = value !== null && value >= 10_000
  return <div className="fact"><dt>{label}</dt><dd><Value text={seconds ? fixed(value / 1000, 1) : fixed(value, value !== null && value < 100 ? 1 : 0)} unit={seconds ? 's' : 'ms'} explain={<><div>{meaning}</div><div>95th percentile; mean over the arm's valid blocks.</div></>} /></dd></div>
}

/** From here on marks are too small to count: numbers say it. */
const MANY = 20

function Ticks({ blocks, rounds }: { blocks: ArmNow['blocks']; rounds: number }) {
  const left = Math.max(0, rounds - blocks.valid - blocks.invalid - blocks.failed)
  const kinds: [number, string, Shape, Tone][] = [[blocks.valid, 'valid', 'full', 'good'], [blocks.invalid, 'invalid', 'diamond', 'busy'], [blocks.failed, 'failed', 'triangle', 'bad'], [left, 'to come', 'ring', 'idle']]
  const said = left === rounds ? 'none yet' : kinds.filter(([count, word]) => count > 0 && word !== 'to come').map(([count, word]) => `${count} ${word}`).join(' · ')
  return (
    <div className="ticks" role="img" aria-label={`Blocks: ${said}`} title={`Blocks: ${said}`}>
      {rounds <= MANY && <span className="tickMarks">{kinds.flatMap(([count, word, shape, tone]) => Array.from({ length: count }, (_, at) => <span key={`${word} ${at}`} className="tick" style={toneStyle(tone)}><ShapeMark shape={shape} /></span>))}</span>}
      <span className="dim">{rounds > MANY || blocks.invalid + blocks.failed > 0 ? said : `${blocks.valid} of ${rounds} blocks`}</span>
    </div>
  )
}
