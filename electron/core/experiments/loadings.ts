// Whether the two loadings of cold arms agree. Blocks of one loading share whatever that loading came to (where its memory lies, which clocks it
// met): an interval over blocks holds little of it. Pure.
import type { Arm, Block, Check } from '../../../shared/experiment.ts'
import { signedPercent } from '../../../shared/headline.ts'
import { tQuantile } from '../../../shared/interval.ts'
import { halvesOf } from './order.ts'

/** Of one cell: every arm against the first single engine, else against the first arm. By a t test on the log ratios of the two halves. */
export function loadingsChecks(arms: readonly Arm[], compared: readonly Block[], rounds: number): Check[] {
  const baseline = arms.find(({ kind }) => kind === 'single') ?? arms[0]
  if (!baseline) return []
  const rate = (armId: string, round: number) => compared.findLast((block) => block.armId === armId && block.round === round && block.validity === 'valid')?.total?.outputTokensPerSecond ?? 0
  return arms.filter((arm) => arm !== baseline).map((arm) => {
    const halves = halvesOf(rounds).map((half) => half.map((round) => Math.log(rate(arm.id, round) / rate(baseline.id, round))).filter(Number.isFinite))
    const told = (result: Check['result'], sentence: string, evidence: string[]): Check => ({ name: `loadings/${arm.id}`, weight: 'warns', result, sentence: `${arm.name} against ${baseline.name}: ${sentence}`, evidence })
    const [first, second] = halves
    if (!first || !second || first.length < 2 || second.length < 2) return told('notChecked', 'whether their first and second loading agree cannot be told from so few rounds.', [])
    const [one, other] = [meanOf(first), meanOf(second)]
    const degrees = first.length + second.length - 2
    const squares = [...first.map((value) => (value - one) ** 2), ...second.map((value) => (value - other) ** 2)].reduce((sum, value) => sum + value, 0)
    const most = tQuantile(0.975, degrees) * Math.sqrt((squares / degrees) * (1 / first.length + 1 / second.length))
    const evidence = [`first loading ${signedPercent(Math.expm1(one))}, second ${signedPercent(Math.expm1(other))}, in ${first.length} and ${second.length} rounds`]
    return Math.abs(one - other) <= most
      ? told('passed', 'their first and second loading agree within what their blocks differ.', evidence)
      : told('failed', 'their first and second loading differ by more than their blocks do. The interval holds what changes from block to block, and too little of what changes from one loading to the next: run it again, or hot.', evidence)
  })
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
