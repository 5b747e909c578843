// A comparison in words: the sentence that a result is known by, and the parts of it that tables show. Judges nothing; the verdict is the comparison's own.
import { VERDICTS, type Arm, type Check, type Comparison, type Report } from './experiment.ts'
import { LATENCIES, THROUGHPUTS } from './load.ts'
import { UNKNOWN, fixed } from './units.ts'

export const MEASURES: Record<Comparison['measure'], { label: string; better: 'higher' | 'lower' }> = {
  outputTokensPerSecond: { label: THROUGHPUTS.outputTokensPerSecond.label, better: 'higher' },
  goodputPerSecond: { label: THROUGHPUTS.goodputPerSecond.label, better: 'higher' },
  ttftMsP95: { label: `${LATENCIES.ttftMs.label} p95`, better: 'lower' },
  tpotMsP95: { label: `${LATENCIES.tpotMs.label} p95`, better: 'lower' },
}

/** A ratio − 1 as `+23.1 %`, `−4.0 %`, `0.0 %`. */
export function signedPercent(ratio: number | null, digits = 1): string {
  if (ratio === null || !Number.isFinite(ratio)) return UNKNOWN
  const text = fixed(Math.abs(100 * ratio), digits)
  return `${Number(text.replaceAll(',', '')) === 0 ? '' : ratio > 0 ? '+' : '−'}${text} %`
}

/** `1 failed, 4 warn, 2 not checked, 30 passed`: a check that only warns has not failed a report. */
export function checksNote(checks: readonly Check[]): string {
  const count = (isSo: (check: Check) => boolean) => checks.filter(isSo).length
  const parts: [number, string][] = [
    [count(({ result, weight }) => result === 'failed' && weight !== 'warns'), 'failed'], [count(({ result, weight }) => result === 'failed' && weight === 'warns'), 'warn'],
    [count(({ result }) => result === 'notChecked'), 'not checked'], [count(({ result }) => result === 'passed'), 'passed'],
  ]
  return parts.map(([number, word]) => `${number} ${word}`).join(', ')
}

/** An end beyond this says nothing but that there are too few blocks. Ratio − 1. */
const FAR = 9.99

/** `+21.0 … +25.3 %`; `−88.0 … > +999 %`; "—" where there is none. */
export function intervalText({ low, high }: Pick<Comparison, 'low' | 'high'>, digits = 1): string {
  if (low === null || high === null) return UNKNOWN
  return `${signedPercent(low, digits).replace(' %', '')} … ${high > FAR ? `> ${signedPercent(FAR, 0)}` : signedPercent(high, digits)}`
}

/** What one arm is: `2 engines under MPS`. One with limits or arguments of its own is called by its name: it may stand beside one without. */
export function armPhrase(arm: Arm): string {
  const plain = [arm.sharePercent, arm.pinnedMemoryLimitMiB, arm.clientPriority, arm.asyncScheduling].every((own) => own === null) && arm.extraArguments.length === 0
  if (!plain) return arm.name
  const engines = `${arm.engines} engine${arm.engines === 1 ? '' : 's'}`
  return arm.kind === 'mps' ? `${engines} under MPS` : arm.kind === 'timeSliced' ? `${engines} time-sliced` : arm.name
}

/** What the arm was held against, as a noun. */
export function baselinePhrase(comparison: Pick<Comparison, 'name' | 'baselineId'>, arms: readonly Arm[]): string {
  if (comparison.name === 'againstSingle') return 'the best single engine'
  if (comparison.name === 'againstTimeSliced') return 'the same engines time-sliced'
  return arms.find((arm) => arm.id === comparison.baselineId)?.name ?? comparison.baselineId
}

/** The gain that a cell is known by: the first MPS arm of the file against the best single engine, not the best of several arms, which would flatter. */
export function headlineOf(report: Pick<Report, 'plan' | 'comparisons'>, cell = 0): Comparison | null {
  const { arms } = report.plan.file
  const here = report.comparisons.filter((comparison) => comparison.cell === cell && comparison.measure === 'outputTokensPerSecond')
  const mps = arms.find((arm) => arm.kind === 'mps')?.id
  const ofMps = here.filter((comparison) => comparison.armId === mps)
  return ofMps.find((comparison) => comparison.name === 'againstSingle') ?? ofMps[0] ?? here[0] ?? null
}

/** The whole sentence, without a full stop. */
export function headlineSentence(comparison: Comparison, arms: readonly Arm[]): string {
  const arm = arms.find((one) => one.id === comparison.armId)
  const who = `${arm === undefined ? comparison.armId : armPhrase(arm)} against ${baselinePhrase(comparison, arms)}`
  const label = MEASURES[comparison.measure].label
  const what = MEASURES[comparison.measure].better === 'higher' ? label.toLowerCase() : label
  const blocks = `${comparison.pairs} paired block${comparison.pairs === 1 ? '' : 's'}`
  const figures = `${signedPercent(comparison.change)} ${what} (95 % interval ${intervalText(comparison)}, ${blocks})`
  if (comparison.change === null) return `${who}: ${VERDICTS.tooFewBlocks} (${blocks})`
  if (comparison.verdict === 'tooFewBlocks' || comparison.verdict === 'unfinished') return `${who}: ${VERDICTS[comparison.verdict]}; so far ${figures}`
  if (comparison.verdict === 'noDifference') return `${who}: ${VERDICTS.noDifference}; ${figures}`
  return `${who}: ${figures}`
}
