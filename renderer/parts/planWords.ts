// A plan in words: what is done in which order and how long it takes; what is expected of an arm. Pure.
import { BINDING, LIKELY_GAIN, type Arm, type Plan, type Prediction } from '../../shared/experiment.ts'
import { duration, gibibytes } from '../../shared/units.ts'
import { signedPercent } from '../../shared/headline.ts'

export interface PlanStep { sentence: string; seconds: number | null }

const names = (list: readonly string[]): string => (list.length < 2 ? (list[0] ?? '') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`)
const about = (seconds: number): string => `about ${duration(1000 * Math.round(seconds))}`

export function planSteps(plan: Plan): PlanStep[] {
  const { file, setsAside, startsMps, residency, estimate, cells } = plan
  const needsMps = file.arms.some((arm) => arm.kind === 'mps')
  const engines = file.arms.reduce((sum, arm) => sum + arm.engines, 0)
  const { rounds, seconds } = file.blocks
  const step = (sentence: string, seconds: number | null = null): PlanStep => ({ sentence, seconds })
  return [
    step('Checks that it can work here; refuses before anything is touched.'),
    step(setsAside.length === 0 ? 'Sets nothing aside: no engine runs on this GPU.' : `Stops ${names(setsAside)}; ${setsAside.length === 1 ? 'it is' : 'they are'} started again at the end.`),
    ...(!needsMps ? [] : [step(startsMps ? 'Starts MPS on this GPU, and stops it at the end.' : 'Uses the MPS daemon that runs on this GPU.')]),
    step(residency === 'hot' ? `Loads ${engines} engines one after another; all stay loaded, only the load moves: ${about(estimate.loadingSeconds)}.${copied(plan)}`
      : `Loads the engines of one arm at a time, ${engines} in all${cells.length > 1 ? ' per cell' : ''}: ${about(estimate.loadingSeconds)}.${copied(plan)}`, estimate.loadingSeconds),
    step('Proves which engines are MPS clients and which are not; compares their KV caches.'),
    step(`Measures ${cells.length > 1 ? `${cells.length} cells, each ` : ''}${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${file.arms.length} arms in turn, ${seconds} s each: ${about(estimate.measuringSeconds)}.`, estimate.measuringSeconds),
    step(setsAside.length === 0 ? 'Takes everything down, last in first out.' : `Takes everything down, last in first out, and starts ${names(setsAside)} again.`),
  ]
}

/** What is started: an experiment may come from somebody else's file. Ports, cores and MPS are set for every copy. */
function copied({ file: { engine, arms } }: Plan): string {
  if (engine === null) return ''
  const command = engine.recipe === 'custom' ? engine.argv : [engine.executable, ...(engine.recipe === 'vllm' ? ['serve', engine.model] : ['--model', engine.modelPath]), ...engine.extraArguments]
  const env = Object.entries(engine.env).map(([name, value]) => `${name}=${value}`)
  const added = arms.flatMap(({ name, extraArguments }) => (extraArguments.length === 0 ? [] : ` ${name} adds ${extraArguments.join(' ')}.`))
  return ` Each is a copy of ${engine.name}: ${[...env, ...command].join(' ')}.${added.join('')}`
}

export const planTimes = ({ estimate }: Plan): string => `${duration(1000 * Math.round(estimate.loadingSeconds))} loading + ${duration(1000 * Math.round(estimate.measuringSeconds))} measuring`

export function planMemory({ estimate, residency }: Plan, totalMiB: number | null): string {
  if (estimate.gpuMemoryMiB === null) return 'Not known: the size of the model is not.'
  return `${gibibytes(estimate.gpuMemoryMiB)}${totalMiB === null ? '' : ` of ${gibibytes(totalMiB)}`}, ${residency === 'hot' ? 'all arms loaded side by side' : 'for the largest arm'}`
}

/** `+18 … +41 %`; one number where both ends read the same. */
export function bandText({ low, high }: { low: number; high: number }): string {
  const [from, to] = [signedPercent(low, 0), signedPercent(high, 0)]
  return from === to ? `about ${to}` : `${from.replace(' %', '')} … ${to}`
}

/** An expectation in a few words; `hopeless` when nothing is to be expected. */
export function expectation(prediction: Pick<Prediction, 'gain' | 'binding' | 'sentence' | 'confidence'> | null): { text: string; note: string; hopeless: boolean } {
  if (prediction === null || prediction.gain === null) return { text: 'not predicted', note: prediction?.sentence ?? 'There is no prediction for it.', hopeless: false }
  const { low, likely, high } = prediction.gain
  const bound = prediction.binding === null ? '' : `bound by ${BINDING[prediction.binding]}`
  const sure = prediction.confidence === 'low' ? 'low confidence' : ''
  const note = [bound, sure].filter((part) => part !== '').join('; ')
  const hopeless = high < 0 || (low <= 0 && likely < LIKELY_GAIN)
  const doubt = hopeless ? 'expect no gain here' : low <= 0 ? 'expect no gain here unless kernels overlap' : ''
  return { text: bandText(prediction.gain), note: [doubt, note].filter((part) => part !== '').join('; '), hopeless }
}

/** The arm that the demo is about: the MPS arm of which most is expected. */
export function headlineArm(arms: readonly Arm[], predictions: readonly Prediction[]): Arm | null {
  const likely = (arm: Arm): number => predictions.find((one) => one.armId === arm.id)?.gain?.likely ?? -Infinity
  return arms.filter((arm) => arm.kind === 'mps').sort((a, b) => likely(b) - likely(a))[0] ?? null
}
