// StageShow: one moment of an experiment, live or recorded: head, arms, gains; at the end the verdict.
import { Progress } from '@mantine/core'
import type { ExperimentNow } from '../../shared/experiment.ts'
import { countedText, holdsText } from '../../shared/counted.ts'
import { METRICS } from '../../shared/gpu.ts'
import { LATENCIES } from '../../shared/load.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { cancelExperiment, openReport, replayReport, runAgain } from '../actions/experimentActions.ts'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useNowMs } from '../parts/now.ts'
import { ShapeMark, toneStyle, type Shape, type Tone } from '../parts/StateBadge.tsx'
import { isOver } from '../state/experiment.ts'
import { lastGood, useReports } from '../state/reports.ts'
import { blockReasons, reasonText } from './blockReasons.ts'
import { CheckList } from './CheckList.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { StageArms } from './StageArms.tsx'
import { StageFill } from './StageFill.tsx'
import { StageGains } from './StageGains.tsx'
import { PHASE_STEPS, PHASE_WORDS, timeLeft, toldByGpm, verdictOf } from './stageWords.ts'
import { useReport } from './useReport.ts'

/** What makes a recording a recording; its controls stand where those of a run stand. */
export interface Recording { controls: React.ReactNode; measuredAt: string | null; progress: number }

export function StageShow({ now, simulated, recording }: { now: ExperimentNow; simulated: boolean; recording: Recording | null }) {
  const over = isOver(now)
  const { file } = now.plan
  return (
    <div className="stage" data-recorded={recording === null ? undefined : true}>
      <header className="stageHead">
        <div className="stageTitleRow">
          <h1 tabIndex={-1} className="stageTitle cut" title={file.title}>{file.title}</h1>
          {recording !== null && <span className="stageStamp" data-kind="recorded">RECORDED</span>}
          {simulated && <span className="stageStamp">SIMULATED</span>}
          <span className="spring" />
          {recording !== null ? recording.controls : over ? <AfterButtons now={now} /> : <span className="stageActions"><ActionButton action={cancelExperiment(now.id)} label="Cancel" /></span>}
          <StageFill />
        </div>
        {over ? <Verdict now={now} /> : recording === null ? <PhaseLine now={now} /> : <PlayedBack now={now} recording={recording} />}
      </header>
      <FailedAttempts about={now.id} />
      {now.fault !== null && !over && <FaultCard fault={now.fault} />}
      <StageArms now={now} recorded={recording !== null} />
      <StageGains now={now} />
      <div className="stageFoot" data-folded={now.arms.length > 3 || undefined}><Warnings now={now} /><Definitions now={now} /></div>
    </div>
  )
}

function PhaseLine({ now }: { now: ExperimentNow }) {
  const nowMs = useNowMs()
  const at = PHASE_STEPS.findIndex((phase) => phase === now.phase)
  const whole = now.endsAtMs === null ? null : Math.max(0, Math.min(100, (100 * (nowMs - now.startedAtMs)) / Math.max(1, now.endsAtMs - now.startedAtMs)))
  return (
    <>
      <div className="phaseLine">
        <ol className="phaseSteps" aria-label="Phases">
          {PHASE_STEPS.map((phase, step) => <li key={phase} data-done={step < at || undefined} aria-current={step === at ? 'step' : undefined}><ShapeMark shape={step < at ? 'full' : step === at ? 'half' : 'ring'} />{PHASE_WORDS[phase]}</li>)}
        </ol>
        <span className="spring" />
        <span className="timeLeft">{timeLeft(now.endsAtMs, nowMs)}</span>
      </div>
      <Progress value={whole ?? 0} size={4} radius={0} aria-label="Of the whole" className="stageProgress" />
      <div className="phaseSentence cut" role="status">{now.sentence}{now.plan.cells.length > 1 && <span className="dim"> Cell {now.cell + 1} of {now.plan.cells.length}.</span>}</div>
    </>
  )
}

function PlayedBack({ now, recording }: { now: ExperimentNow; recording: Recording }) {
  return (
    <>
      <Progress value={100 * recording.progress} size={4} radius={0} color="var(--tone-other)" aria-label="Of the recording" className="stageProgress" />
      <div className="phaseSentence cut">{now.sentence}{recording.measuredAt !== null && <span className="dim"> Measured {recording.measuredAt}.</span>}</div>
    </>
  )
}

/** What the numbers are and where they come from, for whoever stands close enough to ask. */
function Definitions({ now }: { now: ExperimentNow }) {
  const gpu = toldByGpm(now) ? `SM activity and DRAM bandwidth: ${METRICS.smActivityPercent.source.replace(/ metric \d+/, '')}, mean of the measuring windows.`
    : 'This GPU tells no SM activity and no DRAM bandwidth (GPM): power and memory controller stand in their own name.'
  const counts = { valid: sum(now.arms.map(({ blocks }) => blocks.valid)), all: sum(now.arms.map(({ blocks }) => blocks.valid + blocks.invalid + blocks.failed)) }
  const counted = counts.all === 0 ? '' : ` ${sentenceOf(countedText(counts))} Probes and control blocks are in neither number.`
  const text = `${gpu} TTFT: ${LATENCIES.ttftMs.meaning.replace(/^Time to first token: /, '')} TPOT: ${LATENCIES.tpotMs.meaning.replace(/^Time per output token, /, '')} Gains: mean of log ratios of paired blocks, 95 % t interval.${counted}`
  // four arms leave no room for it at 1280 × 800; each number has its own on hover too
  return now.arms.length > 3 ? <details className="stageNote"><summary>What the numbers are</summary>{text}</details> : <div className="stageNote">{text}</div>
}

/** What was looked at and is not as it should be, for whoever asks; it does not stop the run. */
function Warnings({ now }: { now: ExperimentNow }) {
  const failed = now.checks.filter(({ result }) => result === 'failed')
  if (failed.length === 0) return null
  return <details className="stageNote stageWarnings"><summary>{failed.length === 1 ? '1 check warns' : `${failed.length} checks warn`}: {failed.map(({ sentence }) => sentence).join(' ')}</summary><CheckList checks={failed} /></details>
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
const sentenceOf = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

const SHAPE_OF: Record<Tone, Shape> = { good: 'full', bad: 'triangle', idle: 'ring', busy: 'half', other: 'question' }

/** The others are in the report. */
const MOST_REASONS = 2

function Verdict({ now }: { now: ExperimentNow }) {
  const { sentence, tone, holds, second } = verdictOf(now)
  const lacking = now.arms.some(({ blocks }) => blocks.invalid + blocks.failed > 0)
  const { report } = useReport(now.fault !== null || now.cancelled || lacking ? now.reportId : null)
  const reasons = report === null ? [] : blockReasons(report.blocks)
  return (
    <div className="verdict" style={toneStyle(tone)} role="status" aria-label="Verdict">
      <span className="verdictMark"><ShapeMark shape={SHAPE_OF[tone]} /></span>
      <div>
        <div className="verdictSentence">{sentence}{holds === null ? '' : `, ${holdsText(holds)}`}.</div>
        {second !== null && <div className="verdictSecond">{second}{second.endsWith('.') ? '' : '.'}</div>}
        {now.fault !== null && <div className="verdictSecond">{now.fault.sentence} {now.fault.hint}</div>}
        {now.cancelled || now.fault !== null ? <div className="verdictSecond">{now.sentence}</div> : null}
        {reasons.slice(0, MOST_REASONS).map((reason) => <div key={reason.sentence} className="verdictReason">{reasonText(reason)}</div>)}
        {reasons.length > MOST_REASONS && <div className="verdictReason">The report has {reasons.length - MOST_REASONS} more reasons.</div>}
      </div>
    </div>
  )
}

function AfterButtons({ now }: { now: ExperimentNow }) {
  const good = useReports(({ reports }) => lastGood(reports, now.plan.file.title))
  const wentWrong = now.fault !== null || now.cancelled
  return (
    <span className="stageActions">
      {wentWrong && good !== null && good.id !== now.reportId && <ActionButton action={replayReport(good.id)} />}
      {now.reportId !== null && <ActionButton action={openReport(now.reportId)} />}
      {now.reportId !== null && !wentWrong && <ActionButton action={replayReport(now.reportId, 'Replay')} />}
      <ActionButton action={runAgain(now)} variant="filled" />
    </span>
  )
}
