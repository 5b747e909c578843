// StageBefore: what would be compared, what is to be expected, what will be done and for how long. Nothing runs yet.
import { Loader, Select } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { ExperimentChoice, Plan, Prediction, Preset } from '../../shared/experiment.ts'
import { duration } from '../../shared/units.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { addEngine } from '../actions/engineActions.ts'
import { rehearse, replayReport, startExperiment } from '../actions/experimentActions.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { armColour, armStyle } from '../parts/armColour.ts'
import { Empty } from '../parts/Empty.tsx'
import { EngineDot } from '../parts/EngineDot.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { expectation, planMemory, planSteps, planTimes } from '../parts/planWords.ts'
import { useConnection } from '../state/connection.ts'
import { enginesOn, useEngines } from '../state/engines.ts'
import { useFound } from '../state/found.ts'
import { useGpus } from '../state/gpus.ts'
import { useLink } from '../state/link.ts'
import { lastGood, useReports } from '../state/reports.ts'
import { planStage, useStagePlan } from '../state/stagePlan.ts'
import { useAnswer } from '../state/useAnswer.ts'
import { useView } from '../state/view.ts'
import { EveryCommand } from './EveryCommand.tsx'
import { RehearsedChecks, RehearsedNote } from './Rehearsed.tsx'
import { StageFill } from './StageFill.tsx'
import { FailedAttempts } from './FailedAttempts.tsx'
import { gainDomain, stagePercent } from './stageWords.ts'

/** The value of the engine select that stands for the engine a preset brings. */
const OWN = 'the preset\'s own'

export function StageBefore() {
  const { presets, preset, engines, engineId, choice, setOwn } = useChoice()
  const { plan, asking, rehearsedAtMs, fault } = useStagePlan()
  const good = useReports(({ reports }) => lastGood(reports, preset?.file.title))
  const known = presets.answer ?? []
  return (
    <div className="stage stageBefore">
      <header className="stageHead">
        <div className="stageTitleRow">
          <h1 tabIndex={-1} className="stageTitle cut" title={preset?.file.title}>{preset?.file.title ?? 'MPS gain'}</h1>
          <Simulated />
          <span className="spring" />
          <span className="stageActions">
            {good !== null && <ActionButton action={replayReport(good.id)} />}
            <ActionButton action={rehearse(choice)} />
            <ActionButton action={startExperiment(choice, plan)} label="Start" variant="filled" />
            <StageFill />
          </span>
        </div>
        <div className="stageQuestion">{preset?.file.question ?? ''}</div>
        <div className="stageChoice">
          <Select label="What is compared" w={300} allowDeselect={false} data={known.map((one) => ({ value: one.name, label: one.file.title }))} value={preset?.name ?? null} onChange={(name) => useView.setState({ stagePreset: name })} placeholder={presets.fault === null ? 'Asking' : 'None can be read'} />
          <Select label="Engine that is copied" w={300} allowDeselect={false} value={engineId ?? (preset?.file.engine == null ? null : OWN)} placeholder="No engine on this GPU"
            data={[...(preset?.file.engine == null ? [] : [{ value: OWN, label: `${preset.file.engine.name} (${OWN})` }]), ...engines.map((engine) => ({ value: engine.id, label: `${engine.spec.name} (${engine.state})` }))]}
            onChange={(id) => { setOwn(id === OWN); if (id !== OWN) useView.setState({ engineId: id }) }} />
          {preset !== null && <span className="dim stageTime">{preset.seconds === null ? preset.sentence : `Takes about ${duration(1000 * Math.round(preset.seconds))} here.`}</span>}
        </div>
      </header>
      <FailedAttempts about="experiment.start" />
      {presets.fault !== null && <FaultCard fault={presets.fault} />}
      {presets.answer === null && presets.fault === null && <section className="panel stageWaiting"><Loader size="sm" aria-label="Asking what can be compared" /><span className="dim">Asking what can be compared.</span></section>}
      {preset?.file.waitsFor != null && <FaultCard calm fault={{ code: 'PREFLIGHT', sentence: 'It cannot be run yet.', hint: preset.file.waitsFor, detail: null }} />}
      {fault !== null && <FaultCard fault={fault} />}
      {choice === null && preset !== null
        ? <section className="panel"><Empty title="Which engine?" action={<ActionButton action={addEngine} variant="filled" />}>The Stage copies one engine: alone with all of the resources, twice time-sliced, twice under MPS. Add one on this GPU, or choose a preset that brings its own.</Empty></section>
        : plan === null ? asking !== null && <section className="panel stageWaiting"><Loader size="sm" aria-label="Asking for the plan" /><span className="dim">Asking what would be done.</span></section>
          : <Planned plan={plan} choice={choice} asking={asking} rehearsedAtMs={rehearsedAtMs} />}
    </div>
  )
}

/** Preset, engine, and the choice they make; asks for its plan whenever it, or what it would find, changes. */
function useChoice() {
  const { client } = useConnection()
  const open = useLink((link) => link.state.name === 'open')
  const gpuUuid = useGpuUuid()
  const found = useFound(gpuUuid)
  const presets = useAnswer('presets', (client) => client.experiment.presets(), found)
  const asked = useView((view) => view.stagePreset) ?? 'demo'
  const preset: Preset | null = presets.answer?.find((one) => one.name === asked) ?? presets.answer?.[0] ?? null
  const all = useEngines((store) => store.settled)
  const engines = enginesOn(all, gpuUuid).filter((engine) => !engine.temporary)
  const looked = useView((view) => view.engineId)
  const [own, setOwn] = useState(true)
  const brings = preset?.file.engine != null && own
  const engineId = brings ? null : ((engines.find((engine) => engine.id === looked) ?? engines.find((engine) => engine.state === 'ready') ?? engines[0])?.id ?? null)
  const name = preset?.name ?? null
  const choice: ExperimentChoice | null = name === null || (engineId === null && !brings) ? null : { preset: name, file: null, gpuUuid, engineId, resumes: null }
  const key = choice === null ? null : JSON.stringify({ choice, found })
  const known = presets.answer !== null
  useEffect(() => {
    // while presets are being asked for there is no choice yet, and what is known stands
    if (key === null && !known) return
    if (key === null) useStagePlan.setState({ choice: null, key: null, plan: null, asking: null, rehearsedAtMs: null, fault: null })
    else if (open) void planStage(client, (JSON.parse(key) as { choice: ExperimentChoice }).choice, key)
  }, [key, known, open, client])
  return { presets, preset, engines, engineId, choice, setOwn }
}

function Simulated() {
  const simulated = useLink((link) => link.greeting?.simulated ?? false)
  return simulated ? <span className="stageStamp">SIMULATED</span> : null
}

function Planned({ plan, choice, asking, rehearsedAtMs }: { plan: Plan; choice: ExperimentChoice | null; asking: 'plan' | 'rehearse' | null; rehearsedAtMs: number | null }) {
  const totalMiB = useGpus(({ identities }) => identities?.find((gpu) => gpu.uuid === plan.gpuUuid)?.memoryTotalMiB ?? null)
  return (
    <div className="stagePlan">
      <Expected plan={plan} />
      <div className="stackGap">
        <Panel title="What will be done" aside={<span className="dim small">{planTimes(plan)}</span>}>
          <ol className="planSteps">{planSteps(plan).map(({ sentence }) => <li key={sentence}>{sentence}</li>)}</ol>
          <dl className="pairs planFacts"><dt>GPU memory</dt><dd>{planMemory(plan, totalMiB)}</dd></dl>
        </Panel>
        <Panel title="Checks" aside={asking === 'rehearse' ? <Loader size={14} aria-label="Rehearsing" /> : plan.checks.length > 0 ? <RehearsedNote checks={plan.checks} rehearsedAtMs={rehearsedAtMs} /> : null}>
          {plan.checks.length > 0 ? <RehearsedChecks checks={plan.checks} rehearsedAtMs={rehearsedAtMs} />
            : <div className="dim">{asking === 'rehearse' ? 'Looking.' : 'Rehearse looks at everything that must be right before the start: who uses the GPU, memory, compute mode, tools, cores. It starts no engine.'}</div>}
        </Panel>
        {choice !== null && plan.file.waitsFor === null && <section className="panel"><div className="panelBody"><EveryCommand choice={choice} /></div></section>}
      </div>
    </div>
  )
}

function Expected({ plan }: { plan: Plan }) {
  const { arms } = plan.file
  const predictions = plan.cells[0]?.predictions ?? []
  const of = (armId: string): Prediction | null => predictions.find((one) => one.armId === armId) ?? null
  const domain = gainDomain(predictions.flatMap(({ gain }) => (gain === null ? [] : [gain.low, gain.high])))
  const at = (value: number): number => (100 * (Math.min(domain[1], Math.max(domain[0], value)) - domain[0])) / (domain[1] - domain[0])
  return (
    <Panel title="What is to be expected, against the single engine" aside={plan.cells.length > 1 ? <span className="dim small">first of {plan.cells.length} cells</span> : null} className="expected">
      {arms.map((arm) => {
        const prediction = of(arm.id)
        const single = arm.kind === 'single'
        const { text, hopeless } = expectation(prediction)
        const gain = single ? null : (prediction?.gain ?? null)
        return (
          <div key={arm.id} className="expectedArm" style={armStyle(arms, arm.id)}>
            <div className="cardRow"><EngineDot colour={armColour(arms, arm.id)} /><span className="expectedName cut">{arm.name}</span></div>
            <div className="expectedBand" data-quiet={single || gain === null || hopeless || undefined}>{single ? 'what the others are compared with' : text}</div>
            {gain !== null && <div className="gainBar expectedBar" aria-hidden="true"><i className="gainBand" style={{ left: `${at(gain.low)}%`, width: `${at(gain.high) - at(gain.low)}%` }} /><i className="gainLikely" style={{ left: `${at(gain.likely)}%` }} /><i className="gainZero" style={{ left: `${at(0)}%` }} /><span className="gainEnd" style={{ left: `${at(0)}%` }}>0</span><span className="gainEnd" data-last style={{ left: '100%' }}>{stagePercent(domain[1])}</span></div>}
            {!single && <div className="dim">{(prediction?.sentence ?? 'There is no prediction for it.').replaceAll(' %', '\u00a0%')}{gain !== null && prediction?.confidence === 'low' ? ' Low confidence.' : ''}</div>}
          </div>
        )
      })}
      <div className="dim small">A model's band, from perfect overlap to none; it is shown again beside what is measured.</div>
    </Panel>
  )
}
