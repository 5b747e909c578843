// ExperimentsChosen: one experiment before it is started: what it asks, its basics, what would be done, what is to be expected.
import { Button, Loader, Select } from '@mantine/core'
import { useState } from 'react'
import type { ExperimentFile, Plan } from '../../shared/experiment.ts'
import { ActionButton } from '../actions/ActionButton.tsx'
import { startExperiment } from '../actions/experimentActions.ts'
import { useGpuUuid } from '../actions/useActions.ts'
import { ExpectedActual } from '../parts/charts/ExpectedActual.tsx'
import { HeatMap } from '../parts/charts/HeatMap.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { Panel } from '../parts/Panel.tsx'
import { planMemory, planSteps, planTimes } from '../parts/planWords.ts'
import { StateBadge } from '../parts/StateBadge.tsx'
import { enginesOn, useEngines } from '../state/engines.ts'
import { useGpus } from '../state/gpus.ts'
import { useRunning } from '../state/experiment.ts'
import { basicsField, basicsOf, cellCount, fileWith, isChanged } from './experimentBasics.ts'
import { choiceOf, usePlan, type Planned } from './experimentPlan.ts'
import { ExperimentsBasics } from './ExperimentsBasics.tsx'
import { EveryCommand } from './EveryCommand.tsx'
import { RehearsedChecks, RehearsedNote } from './Rehearsed.tsx'
import { arrivalsText, lengthsText } from './loadWords.ts'
import { expectedRows, heatOf, isConfident } from './reportCharts.ts'

/** `preset`: its name; null: an own file. */
export function ExperimentsChosen({ preset, file }: { preset: string | null; file: ExperimentFile }) {
  const gpuUuid = useGpuUuid()
  const all = useEngines((store) => store.settled)
  const engines = enginesOn(all, gpuUuid).filter((engine) => !engine.temporary)
  const [picked, setPicked] = useState<string | null>(null)
  const engineId = engines.find((engine) => engine.id === picked)?.id ?? (file.engine === null ? engines[0]?.id ?? null : null)
  const [basics, setBasics] = useState(() => basicsOf(file))
  const made = fileWith(file, basics)
  const waits = file.waitsFor !== null
  const lacksEngine = file.engine === null && engineId === null
  const choice = waits || lacksEngine || 'errors' in made ? null : choiceOf({ preset, file: made.file, changed: isChanged(file, basics), gpuUuid, engineId })
  const planned = usePlan(choice)
  const field = basicsField(planned.fault?.field ?? null)
  const errors = { ...(field === null ? {} : { [field]: `${planned.fault!.sentence} ${planned.fault!.hint}` }), ...('errors' in made ? made.errors : {}) }
  return (
    <>
      <Panel title={file.title}>
        <div className="stackGap">
          <div className="question">{file.question}</div>
          <div className="dim">{lengthsText(file.load.prompt)} in, {lengthsText(file.load.output)} out; {arrivalsText(file.load)}{cellCount(file) > 1 ? `; ${cellCount(file)} cells` : ''}.</div>
          {file.source !== null && <div className="dim small">Source: {file.source}</div>}
          {file.needs.length > 0 && <div className="small"><strong>Needs</strong><ul className="dim needs">{file.needs.map((need) => <li key={need}>{need}</li>)}</ul></div>}
          {waits && <div className="faultCard calm" role="note"><strong>It cannot be run yet.</strong><div>{file.waitsFor}</div></div>}
        </div>
      </Panel>
      {!waits && (
        <Panel title="What is run">
          <ExperimentsBasics file={file} basics={basics} setBasics={setBasics} errors={errors} engine={
            <Select label="Engine" className="wide" description="Copied for every arm; the original is set aside" placeholder={file.engine === null ? 'none on this GPU' : `the preset's own: ${file.engine.name}`} clearable={file.engine !== null} allowDeselect={false}
              data={engines.map((engine) => ({ value: engine.id, label: engine.spec.name }))} value={engineId} onChange={setPicked} error={lacksEngine ? 'This experiment copies an engine of yours. Add one on the Engines screen first.' : undefined} />
          } />
        </Panel>
      )}
      {!waits && <PlanPanel planned={planned} fieldShown={field !== null} choice={choice} />}
      {planned.plan !== null && <Expected plan={planned.plan} />}
    </>
  )
}

function PlanPanel({ planned, fieldShown, choice }: { planned: Planned; fieldShown: boolean; choice: Parameters<typeof startExperiment>[0] }) {
  const { plan, fault, asking, rehearsedAtMs, rehearse } = planned
  const totalMiB = useGpus((store) => store.identities?.find((gpu) => gpu.uuid === plan?.gpuUuid)?.memoryTotalMiB ?? null)
  const running = useRunning()
  const action = startExperiment(choice, plan)
  return (
    <Panel title="Plan" aside={<>
      {asking !== null && <Loader size={14} aria-label="Asking for the plan" />}
      <Button onClick={rehearse} disabled={plan === null || asking !== null || running !== null} title="Runs every check. Starts no engine.">Rehearse</Button>
      <ActionButton action={running === null ? action : { ...action, blocked: 'An experiment runs already.' }} variant="filled" />
    </>}>
      <div className="stackGap">
        {fault !== null && !fieldShown && <FaultCard fault={fault} />}
        {plan === null && fault === null && <div className="dim">{choice === null ? 'The plan comes once the fields above are right.' : 'Asking what would be done.'}</div>}
        {plan !== null && <>
          <div className="cardRow" style={{ flexWrap: 'wrap' }}><strong>{planTimes(plan)}</strong><span className="dim">{planMemory(plan, totalMiB)}</span></div>
          <ol className="planSteps" aria-label="What will be done">{planSteps(plan).map(({ sentence }) => <li key={sentence}>{sentence}</li>)}</ol>
          {plan.checks.length > 0 ? <><RehearsedNote checks={plan.checks} rehearsedAtMs={rehearsedAtMs} /><RehearsedChecks checks={plan.checks} rehearsedAtMs={rehearsedAtMs} /></> : <div className="dim small"><StateBadge look={{ word: 'not rehearsed', tone: 'idle', shape: 'ring' }} /> Rehearse looks at everything that must be right, and starts no engine. The start does it in any case.</div>}
          {choice !== null && <EveryCommand choice={choice} />}
        </>}
      </div>
    </Panel>
  )
}

/** What the model expects: a map where two quantities are varied, else bands. */
function Expected({ plan }: { plan: Plan }) {
  const arms = plan.file.arms.filter((arm) => arm.kind !== 'single')
  const [armId, setArmId] = useState<string | null>(null)
  const shown = arms.find((arm) => arm.id === armId) ?? arms.find((arm) => arm.kind === 'mps') ?? arms[0]
  const report = { plan, comparisons: [] }
  const heat = shown === undefined ? null : heatOf(report, 'againstSingle', shown.id)
  if (shown === undefined) return null
  if (heat === null) return <ExpectedActual rows={expectedRows(report, plan.cells.map((_, at) => at).slice(0, 12))} confident={isConfident(plan)} />
  return (
    <HeatMap title="Expected gain" unit="change of output tokens/s against the best single engine" {...heat} meaning="From a model of host time, kernel time and overlap; not fitted to this workstation. The band runs from no overlap to ideal overlap."
      aside={arms.length > 1 ? <Select aria-label="Arm" w={220} allowDeselect={false} data={arms.map((arm) => ({ value: arm.id, label: arm.name }))} value={shown.id} onChange={setArmId} /> : null} />
  )
}
