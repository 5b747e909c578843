// StageReplay: a kept run played back on the Stage at a chosen speed. Stamped and framed, so that nobody takes it for live.
import { Button, SegmentedControl } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { Report } from '../../shared/experiment.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { leaveRecording, openReport } from '../actions/experimentActions.ts'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useAnswer } from '../state/useAnswer.ts'
import { blockAt, replayAt, replayLengthMs } from './replay.ts'
import { StageShow } from './StageShow.tsx'

const SPEEDS = ['1', '4', '16'] as const
const STEP_MS = 250

export function StageReplay({ id }: { id: string }) {
  const { answer, fault } = useAnswer(id, (client) => client.experiment.report({ id }))
  if (fault !== null) return <div className="stackGap"><FaultCard fault={fault} action={<ActionButton action={leaveRecording} />} /></div>
  if (answer === null) return <section className="panel" aria-label="Recording"><Empty title="Fetching the recording" action={<ActionButton action={leaveRecording} />}>The blocks of a kept report are played back here. Nothing is started.</Empty></section>
  return <Player report={answer} />
}

function Player({ report }: { report: Report }) {
  const [speed, setSpeed] = useState<string>('4')
  const [playing, setPlaying] = useState(true)
  const [elapsedMs, setElapsedMs] = useState(0)
  const length = replayLengthMs(report)
  const over = elapsedMs >= length
  useEffect(() => {
    if (!playing || over) return
    const timer = setInterval(() => setElapsedMs((was) => was + STEP_MS * Number(speed)), STEP_MS)
    return () => clearInterval(timer)
  }, [playing, over, speed])
  const block = blockAt(report, elapsedMs)
  const press = () => {
    if (over) setElapsedMs(0)
    setPlaying(over || !playing)
  }
  return (
    <div className="recorded">
      <div className="recordedRibbon" role="note" aria-label="Recorded run">
        <strong>RECORDED</strong> {day(report.startedAtMs)} on {report.workstation.hostName}, {report.workstation.gpuName} <span>This is not live: kept blocks are played back{speed === '1' ? '' : `, ${speed} times as fast`}.</span>
      </div>
      <StageShow now={replayAt(report, elapsedMs)} simulated={report.simulated} recording={{
        measuredAt: block === null ? null : day(block.startedAtMs), progress: Math.min(1, elapsedMs / Math.max(1, length)),
        controls: (
          <span className="stageActions">
            <SegmentedControl aria-label="Speed" data={SPEEDS.map((value) => ({ value, label: `${value} ×` }))} value={speed} onChange={setSpeed} />
            <Button onClick={press}>{over ? 'Play again' : playing ? 'Pause' : 'Play'}</Button>
            <ActionButton action={openReport(report.id)} label="Report" />
            <ActionButton action={leaveRecording} variant="filled" />
          </span>
        ),
      }} />
    </div>
  )
}

/** `3 Feb 2026, 14:02:11`, of this page's time zone. */
const day = (atMs: number): string => new Date(atMs).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
