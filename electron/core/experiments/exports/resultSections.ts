// The results: both named gains with their latencies, what was expected, and what each arm did. Sweeps have their own sections.
import type { Arm, Comparison, Report } from '../../../../shared/experiment.ts'
import { BINDING, VERDICTS } from '../../../../shared/experiment.ts'
import { holdsOnlyFor } from '../../../../shared/counted.ts'
import { armPhrase, baselinePhrase, intervalText, signedPercent } from '../../../../shared/headline.ts'
import { intervalOf, placeIn } from '../../../../shared/interval.ts'
import { LATENCIES, THROUGHPUTS } from '../../../../shared/load.ts'
import { canBeEven, fairness, pointText, validBlocks } from '../../../../shared/sweep.ts'
import { fixed, rate, UNKNOWN } from '../../../../shared/units.ts'
import { blockChart, gainChart, type GainBar } from './charts.ts'
import type { Part, Section, Table } from './outline.ts'
import { milliseconds, settingsText, withInterval } from './words.ts'

/** Cells that get charts of their own; more are shown in the sweep, which then comes first. */
export const CHARTED_CELLS = 4

/** From so many comparisons on, chance is spoken of. */
const MANY = 10

const REGIMES = {
  equalTotal: 'Every arm gets the same load in total, split evenly over its engines.',
  equalPerEngine: 'Every engine gets the same load, so an arm of two engines gets twice that of one.',
} as const

/** The interval on a line of its own, where the format has lines in cells. */
const changeText = (comparison: Comparison | undefined): string =>
  comparison === undefined || comparison.change === null ? UNKNOWN : `${signedPercent(comparison.change)}\n(${intervalText(comparison)})`

const cellTitle = (report: Report, cell: number): string => pointText(report.plan.cells[cell]?.point ?? {}) || 'All'

/** Cells with more than one to name get a column that says which. */
const cellColumn = (report: Report): string[] => (report.plan.cells.length > 1 ? ['Where'] : [])

export function gainSections(report: Report): Section[] {
  const { arms, load } = report.plan.file
  const headlines = report.comparisons.filter((comparison) => comparison.measure === 'outputTokensPerSecond')
  if (headlines.length === 0) return []
  const cells = [...new Set(headlines.map((comparison) => comparison.cell))]
  const figures = cells.length > CHARTED_CELLS ? [] : cells.map((cell): Part => ({
    kind: 'figure', caption: `Change of output tokens/s with its 95 % interval${cells.length > 1 ? `, ${cellTitle(report, cell)}` : ''}. The shaded band is what was expected before the start; pale bars show no difference.`,
    svg: gainChart('Gains', headlines.filter((comparison) => comparison.cell === cell).map((comparison) => barOf(report, arms, comparison))),
  }))
  return [{
    title: 'Gains', parts: [
      ...figures, gainTable(report, headlines),
      { kind: 'text', text: `A change is the ratio to the baseline less one: the mean of the log ratios of blocks paired within a round, with the 95 % t interval of that mean. Below six pairs nothing is claimed; where the interval holds zero no difference is shown. The interval holds what changes from block to block, and not what changes from one loading of the engines to the next: run it again to see that. For TTFT and TPOT more is worse. ${REGIMES[load.regime]}${headlines.length >= MANY ? ` These are ${headlines.length} comparisons: about one in twenty shows a difference by chance alone.` : ''}` },
      ...expectedParts(report, headlines),
    ],
  }]
}

const versus = (comparison: Comparison, arms: readonly Arm[]): [string, string] => {
  const arm = arms.find((one) => one.id === comparison.armId)
  return [arm === undefined ? comparison.armId : armPhrase(arm), baselinePhrase(comparison, arms)]
}

function barOf(report: Report, arms: readonly Arm[], comparison: Comparison): GainBar {
  const [who, against] = versus(comparison, arms)
  return { who, against, index: arms.findIndex((arm) => arm.id === comparison.armId), comparison, expected: expectedOf(report, comparison) }
}

function expectedOf(report: Report, comparison: Comparison): { low: number; likely: number; high: number } | null {
  const prediction = report.plan.cells[comparison.cell]?.predictions.find((one) => one.armId === comparison.armId)
  if (prediction === undefined || comparison.name === 'other') return null
  return comparison.name === 'againstSingle' ? prediction.gain : prediction.gainOverTimeSlicing
}

function gainTable(report: Report, headlines: readonly Comparison[]): Table {
  const { arms } = report.plan.file
  const beside = (one: Comparison, measure: Comparison['measure']) =>
    report.comparisons.find((other) => other.cell === one.cell && other.name === one.name && other.armId === one.armId && other.baselineId === one.baselineId && other.measure === measure)
  const goodput = report.comparisons.some((one) => one.measure === 'goodputPerSecond')
  return {
    kind: 'table', numbersFrom: cellColumn(report).length + 3,
    head: [...cellColumn(report), 'Arm', 'Against', 'Verdict on tokens/s', THROUGHPUTS.outputTokensPerSecond.label, ...(goodput ? [THROUGHPUTS.goodputPerSecond.label] : []), `${LATENCIES.ttftMs.label} p95`, `${LATENCIES.tpotMs.label} p95`, 'Pairs'],
    rows: headlines.map((one) => {
      const [who, against] = versus(one, arms)
      // Which one it was is said where the file has several.
      const baseline = arms.find((arm) => arm.id === one.baselineId)
      const named = one.name !== 'other' && baseline !== undefined && arms.filter((arm) => arm.kind === baseline.kind).length > 1 ? `${against}\n(${baseline.name})` : against
      return [
        ...(cellColumn(report).length > 0 ? [cellTitle(report, one.cell)] : []), who, named, verdictText(report, one), changeText(one), ...(goodput ? [changeText(beside(one, 'goodputPerSecond'))] : []),
        changeText(beside(one, 'ttftMsP95')), changeText(beside(one, 'tpotMsP95')), String(one.pairs),
      ]
    }),
  }
}

/** The gain holds for a load: where that is below a plateau, it stands beside the number. */
function verdictText(report: Report, comparison: Comparison): string {
  const only = holdsOnlyFor(report, comparison)
  return only === null ? VERDICTS[comparison.verdict] : `${VERDICTS[comparison.verdict]}\n${only.where}`
}

function expectedParts(report: Report, headlines: readonly Comparison[]): Part[] {
  const rows = headlines.flatMap((one) => {
    const expected = expectedOf(report, one)
    const prediction = report.plan.cells[one.cell]?.predictions.find((other) => other.armId === one.armId)
    if (expected === null || prediction === undefined) return []
    const [who, against] = versus(one, report.plan.file.arms)
    // a band of no width is one guess, and nothing lies within it
    const single = expected.low === expected.high
    const where = one.change === null || single ? UNKNOWN : placeIn(expected, { mean: one.change, low: one.low, high: one.high })
    const confidence = one.name === 'againstTimeSliced' ? 'low' : prediction.confidence
    return [[
      ...(cellColumn(report).length > 0 ? [cellTitle(report, one.cell)] : []), `${who} against ${against}`, prediction.binding === null ? UNKNOWN : BINDING[prediction.binding], confidence,
      single ? 'none' : `${signedPercent(expected.low)} … ${signedPercent(expected.high)}`, signedPercent(expected.likely), signedPercent(one.change), where,
    ]]
  })
  const unexpected = unexpectedParts(report, headlines)
  if (rows.length === 0) return unexpected
  const head = [...cellColumn(report), 'Gain', 'What binds', 'Confidence', 'Expected band', 'Likely', 'Measured', 'Against the band']
  return [
    { kind: 'text', text: 'Expected before the start, from a model of the engine and the GPU, and what was measured. The band runs from kernels of several engines that never overlap to kernels that always do; what a time slice costs is a guess without a band, so whatever is held against time-slicing has low confidence. Its interval lies within the band, partly within, above or below:' },
    { kind: 'table', head, rows, numbersFrom: head.length - 4 },
    ...unexpected,
  ]
}

/** Where nothing was expected, why: it may say that the load is another than was meant. */
function unexpectedParts(report: Report, headlines: readonly Comparison[]): Part[] {
  const compared = new Set(headlines.map(({ cell }) => cell))
  const said = report.plan.cells.flatMap(({ point, predictions }, cell) => (compared.has(cell) ? predictions.flatMap(({ armId, gain, sentence }) => (gain === null ? [{ where: pointText(point) || (report.plan.file.arms.find(({ id }) => id === armId)?.name ?? armId), sentence }] : [])) : []))
  return [...Map.groupBy(said, ({ sentence }) => sentence)].slice(0, CHARTED_CELLS * 4).map(([sentence, of]): Part => ({ kind: 'text', text: `${[...new Set(of.map(({ where }) => where))].join('; ')}: ${sentence}` }))
}

export function armSections(report: Report): Section[] {
  const { arms } = report.plan.file
  const cells = [...new Set(report.blocks.filter((block) => block.purpose === 'compared').map((block) => block.cell))]
  if (cells.length === 0) return []
  const figures = cells.length > CHARTED_CELLS ? [] : cells.map((cell): Part => ({
    kind: 'figure', caption: `Output tokens/s of every compared block${cells.length > 1 ? `, ${cellTitle(report, cell)}` : ''}. Hollow: measured and does not count. Cross: no measurement.`,
    svg: blockChart('Blocks', arms.map((arm) => arm.name), report.blocks.filter((block) => block.cell === cell && block.purpose === 'compared').map((block) => ({
      block: block.index, index: arms.findIndex((arm) => arm.id === block.armId), value: block.total?.outputTokensPerSecond ?? null, counts: block.validity === 'valid',
    }))),
  }))
  const head = [...cellColumn(report), 'Arm', 'Settings', 'Blocks valid · invalid · failed', 'Output tokens/s', 'Goodput', 'TTFT p50', 'TTFT p95', 'TPOT p50', 'TPOT p95', 'End to end p95', 'SM activity', 'DRAM bandwidth', 'Fairness']
  const uncounted = report.blocks.some((block) => block.total !== null && !block.total.countedByUsage)
  return [{
    title: 'Arms', parts: [
      ...figures,
      { kind: 'table', head, numbersFrom: cellColumn(report).length + 2, rows: cells.flatMap((cell) => arms.map((arm) => [...(cellColumn(report).length > 0 ? [cellTitle(report, cell)] : []), ...armRow(report, arm, cell)])) },
      { kind: 'text', text: `Means over valid blocks; tokens/s with the 95 % interval of that mean, which is not the interval of a gain. Percentiles are taken per block. Fairness is Jain's index over the engines of an arm: 1 is even; not told where there are fewer requests at a time than engines. GPU readings: ${report.workstation.gpuMetricsSource}.` },
      ...engineParts(report, cells),
      ...(uncounted ? [{ kind: 'warning' as const, text: 'Some blocks had no usage from the engine: chunks were counted as tokens there, and a chunk may hold several.' }] : []),
    ],
  }]
}

/** Who yields to whom: of arms with several engines, while the cells are few. */
function engineParts(report: Report, cells: readonly number[]): Part[] {
  if (cells.length > CHARTED_CELLS) return []
  const rows = cells.flatMap((cell) => report.plan.file.arms.filter(({ engines }) => engines > 1).flatMap((arm) => {
    const blocks = validBlocks(report.blocks, arm.id, cell)
    return Array.from({ length: arm.engines }, (_, at) => {
      const of = blocks.flatMap(({ engines }) => (engines[at] === undefined ? [] : [engines[at].result]))
      const sums = blocks.map(({ engines }) => engines.reduce((sum, { result }) => sum + result.outputTokensPerSecond, 0))
      const mean = (values: readonly number[]) => intervalOf(values)?.mean ?? null
      const share = mean(of.flatMap(({ outputTokensPerSecond }, block) => (sums[block]! > 0 ? outputTokensPerSecond / sums[block]! : [])))
      return [
        ...(cellColumn(report).length > 0 ? [cellTitle(report, cell)] : []), arm.name, `${at + 1} of ${arm.engines}`, ...engineSettings(arm, at), withInterval(intervalOf(of.map(({ outputTokensPerSecond }) => outputTokensPerSecond))),
        share === null ? UNKNOWN : `${fixed(100 * share, 1)} %`, milliseconds(mean(of.flatMap(({ ttftMs }) => ttftMs?.p95 ?? []))), milliseconds(mean(of.flatMap(({ tpotMs }) => tpotMs?.p95 ?? []))),
      ]
    })
  }))
  if (rows.length === 0) return []
  const head = [...cellColumn(report), 'Arm', 'Engine', 'SM share', 'Priority', 'Output tokens/s', 'Share of the arm', 'TTFT p95', 'TPOT p95']
  return [{ kind: 'text', text: 'Each engine of them by itself:' }, { kind: 'table', head, rows, numbersFrom: cellColumn(report).length + 4 }]
}

/** One value is of all engines. */
function engineSettings({ sharePercent, clientPriority }: Arm, at: number): string[] {
  const of = (values: readonly number[] | null) => (values === null ? undefined : values[values.length === 1 ? 0 : at])
  const [share, priority] = [of(sharePercent), of(clientPriority)]
  return [share === undefined ? UNKNOWN : `${share} %`, priority === undefined ? UNKNOWN : priority === 0 ? 'normal' : 'below normal']
}

function armRow(report: Report, arm: Arm, cell: number): string[] {
  const all = report.blocks.filter((block) => block.cell === cell && block.armId === arm.id && block.purpose === 'compared')
  const valid = validBlocks(report.blocks, arm.id, cell)
  const mean = (read: (block: (typeof valid)[number]) => number | null | undefined) => intervalOf(valid.flatMap((block) => read(block) ?? []))?.mean ?? null
  const percentText = (value: number | null) => (value === null ? UNKNOWN : `${fixed(value)} %`)
  const index = canBeEven(report.plan.file, report.plan.cells[cell]?.point ?? {}, arm) ? mean((block) => fairness(block)?.jain) : null
  return [
    arm.name, settingsText(arm), (['valid', 'invalid', 'failed'] as const).map((validity) => all.filter((block) => block.validity === validity).length).join(' · '),
    withInterval(intervalOf(valid.flatMap((block) => block.total?.outputTokensPerSecond ?? []))), rate(mean((block) => block.total?.goodputPerSecond)),
    ...[mean((block) => block.total?.ttftMs?.p50), mean((block) => block.total?.ttftMs?.p95), mean((block) => block.total?.tpotMs?.p50), mean((block) => block.total?.tpotMs?.p95), mean((block) => block.total?.endToEndMs?.p95)].map(milliseconds),
    percentText(mean((block) => block.gpu.smActivityPercent)), percentText(mean((block) => block.gpu.dramBandwidthPercent)), index === null ? UNKNOWN : fixed(index, 3),
  ]
}
