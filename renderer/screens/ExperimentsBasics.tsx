// ExperimentsBasics: the form of what is changed by hand before a start. Errors stand at their fields, also those that the core finds.
import { Checkbox, Input, NumberInput, SegmentedControl, TextInput } from '@mantine/core'
import type { Arm, ExperimentFile } from '../../shared/experiment.ts'
import { percent } from '../../shared/units.ts'
import { armStyle } from '../parts/armColour.ts'
import { arrivalsCount, type Basics, type BasicsErrors } from './experimentBasics.ts'

interface Props {
  file: ExperimentFile
  basics: Basics
  setBasics: (basics: Basics) => void
  errors: BasicsErrors
  /** The field of the engine: it belongs to the choice, not to the file. */
  engine: React.ReactNode
}

export function ExperimentsBasics({ file, basics, setBasics, errors, engine }: Props) {
  const swept = file.axes.some((axis) => axis.vary === arrivalsCount(file))
  const concurrent = arrivalsCount(file) === 'concurrency'
  const number = (field: 'rounds' | 'seconds' | 'warmUpSeconds' | 'coolDownSeconds' | 'seed') => ({
    value: basics[field], error: errors[field], onChange: (value: number | string) => setBasics({ ...basics, [field]: typeof value === 'number' ? value : '' }),
  })
  return (
    <div className="stackGap">
      <div className="basicsGrid">
        {engine}
        <TextInput className={swept ? 'wide' : undefined} label={concurrent ? 'Concurrency' : 'Requests/s'} description={swept ? 'Swept: numbers with commas between' : concurrent ? 'Requests at a time' : 'Open loop'} value={basics.arrivals} error={errors.arrivals} onChange={(event) => setBasics({ ...basics, arrivals: event.currentTarget.value })} />
        <NumberInput label="Rounds" description="Each: one block of every arm" min={1} allowDecimal={false} {...number('rounds')} />
        <NumberInput label="Seconds per block" description="That are counted" suffix=" s" min={1} {...number('seconds')} />
        <NumberInput label="Warm-up" description="Load, not counted" suffix=" s" min={0} {...number('warmUpSeconds')} />
        <NumberInput label="Pause" description="Before the next block" suffix=" s" min={0} {...number('coolDownSeconds')} />
        <NumberInput label="Seed" description="Of prompts and arrivals" min={0} allowDecimal={false} {...number('seed')} />
      </div>
      <Input.Wrapper label="Regime" size="xs" description="They answer different questions: split one load, or add load with every engine." error={errors.regime}>
        <div><SegmentedControl mt={4} aria-label="Regime" data={[{ value: 'equalTotal', label: 'equal in total' }, { value: 'equalPerEngine', label: 'equal per engine' }]} value={basics.regime} onChange={(value) => setBasics({ ...basics, regime: value as Basics['regime'] })} /></div>
      </Input.Wrapper>
      <Checkbox.Group label="Arms" size="xs" value={basics.arms} onChange={(arms) => setBasics({ ...basics, arms })} error={errors.arms}>
        <div className="armChoices">
          {file.arms.map((arm) => <Checkbox key={arm.id} value={arm.id} label={<span className="cardRow" style={armStyle(file.arms, arm.id)}><span className="dot" /><span>{arm.name}</span><span className="dim small">{armNote(arm)}</span></span>} />)}
        </div>
      </Checkbox.Group>
      {basics.rounds !== '' && basics.rounds < 6 && <div className="dim small">Fewer than six rounds: every gain will be called “too few blocks”.</div>}
    </div>
  )
}

function armNote(arm: Arm): string {
  const kind = { single: 'with the resources of all replicas', timeSliced: 'proven not on MPS', mps: 'proven on MPS' }[arm.kind]
  const parts = [
    kind, arm.sharePercent === null ? null : `SM share ${arm.sharePercent.map((share) => percent(share)).join(' + ')}`, arm.clientPriority === null ? null : `client priority ${arm.clientPriority.join(' + ')}`,
    arm.asyncScheduling === null ? null : `asynchronous scheduling ${arm.asyncScheduling ? 'on' : 'off'}`, arm.extraArguments.length === 0 ? null : arm.extraArguments.join(' '),
  ]
  return parts.filter((part) => part !== null).join(', ')
}
