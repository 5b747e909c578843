// What a whole report is known by: its headline, one per cell while they are few, else the count and both ends.
import type { Comparison, Report, Verdict } from '../../../../shared/experiment.ts'
import { holdsOnlyFor } from '../../../../shared/counted.ts'
import { headlineOf as headlineOfCell, headlineSentence } from '../../../../shared/headline.ts'
import { pointText } from '../../../../shared/sweep.ts'

/** More cells than this are summed up. */
const HEADLINES_MAX = 6

const REGIME = { equalTotal: 'at the same load in total', equalPerEngine: 'at the same load per engine' } as const

/** The other named gain of the same arm: there is never only one. */
const besides = ({ comparisons }: Report, { armId, name, measure }: Comparison, cell: number): Comparison[] =>
  comparisons.filter((one) => one.cell === cell && one.armId === armId && one.measure === measure && one.name !== name && one.name !== 'other')

/** All of it as one text, for a terminal. */
export const headlineOf = (report: Report): string => headlinesOf(report).join('\n')

/** At least one sentence, without full stops. Below a plateau, each says so: a number that travels alone must not say more than was measured. */
export function headlinesOf(report: Report): string[] {
  const { arms } = report.plan.file
  const bound = (comparison: Comparison): string => {
    const only = holdsOnlyFor(report, comparison)
    return only === null ? '' : `; ${only.clause}`
  }
  const found = report.plan.cells.flatMap(({ point }, cell) => {
    const headline = headlineOfCell(report, cell)
    return headline === null ? [] : [{ point, headline, cell }]
  })
  if (found.length === 0) return ['No two arms could be compared']
  if (found.length === 1) return found.flatMap(({ headline, cell }) => [headline, ...besides(report, headline, cell)].map((one) => `${headlineSentence(one, arms)}, ${REGIME[report.plan.file.load.regime]}${bound(one)}`))
  if (found.length <= HEADLINES_MAX) return found.map(({ point, headline }) => `${pointText(point)}: ${headlineSentence(headline, arms)}${bound(headline)}`)
  const count = (verdict: Verdict) => found.filter(({ headline }) => headline.verdict === verdict).length
  // a cell of which nothing is claimed is no extreme, as long as there are others
  const claimed = found.filter(({ headline: { verdict } }) => verdict !== 'tooFewBlocks' && verdict !== 'unfinished')
  const extreme = (sign: 1 | -1) => (claimed.length > 0 ? claimed : found).reduce((best, one) => (sign * (one.headline.change ?? -sign * Infinity) > sign * (best.headline.change ?? -sign * Infinity) ? one : best))
  const at = (one: (typeof found)[number]) => `${pointText(one.point)}: ${headlineSentence(one.headline, arms)}${bound(one.headline)}`
  return [
    `Of ${found.length} compared cells ${count('higher')} are higher, ${count('lower')} lower, ${count('noDifference')} show no difference, ${count('tooFewBlocks')} have too few blocks and ${count('unfinished')} were not run to the last round`,
    `Highest: ${at(extreme(1))}`, `Lowest: ${at(extreme(-1))}`,
  ]
}
