// A report as JSON, and back. What comes back was written by somebody: it is believed only where it fits the schema and itself.
import { Report } from '../../../../shared/experiment.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { MOST_CELLS } from '../plan.ts'

/** Characters; the call of the contract has the same limit. */
export const REPORT_TEXT_MAX = 32 * 1024 * 1024

/** More than any experiment that Overlap plans can make. Pages are built from them while nothing else is answered. */
const MOST: Record<'blocks' | 'comparisons' | 'checks' | 'engines', number> = { blocks: 20_000, comparisons: 40_000, checks: 20_000, engines: 5_000 }

/** Overrides and isolates of Unicode's bidirectional algorithm: `+47.3` after one of them is shown as `3.74+`. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/

export const jsonText = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`

/** Throws BAD_INPUT with the place that does not fit as `field`: `report.blocks.3.total`; TOO_LARGE. */
export function parseReport(text: string): Report {
  if (text.length > REPORT_TEXT_MAX) throw new FaultError('TOO_LARGE', 'The report is larger than 32 MiB.', 'Choose a report.json that Overlap wrote.')
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw refusal([], `not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  const parsed = Report.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw refusal(issue?.path ?? [], issue?.message ?? 'not a report', parsed.error.issues.length - 1)
  }
  if (TURNS.test(JSON.stringify(parsed.data))) throw refusal([], 'it holds characters that turn the direction of what follows, so that numbers would read backwards')
  checkSizes(parsed.data)
  checkReferences(parsed.data)
  return parsed.data
}

function checkSizes(report: Report): void {
  const check = (path: string[], count: number, most: number) => {
    if (count > most) throw refusal(path, `there are ${count} of them; ${most} are the most`)
  }
  check(['plan', 'cells'], report.plan.cells.length, MOST_CELLS)
  report.plan.cells.forEach(({ predictions }, cell) => check(['plan', 'cells', String(cell), 'predictions'], predictions.length, report.plan.file.arms.length))
  for (const [name, most] of Object.entries(MOST)) check([name], report[name as keyof typeof MOST].length, most)
  const compared = new Set(report.comparisons.map(({ cell, name, armId, baselineId, measure }) => [cell, name, armId, baselineId, measure].join(' ')))
  if (compared.size < report.comparisons.length) throw refusal(['comparisons'], 'one of them is there twice')
}

/** What a schema cannot say: every arm and cell that is spoken of is there. */
function checkReferences(report: Report): void {
  const arms = new Set(report.plan.file.arms.map((arm) => arm.id))
  const cells = report.plan.cells.length
  const check = (path: (string | number)[], cell: number | null, ...armIds: string[]) => {
    if (cell !== null && (cell < 0 || cell >= cells)) throw refusal([...path, 'cell'], `there is no cell ${cell}; the plan has ${cells}`)
    const stranger = armIds.find((id) => !arms.has(id))
    if (stranger !== undefined) throw refusal(path, `the plan has no arm "${stranger}"`)
  }
  if (arms.size < report.plan.file.arms.length) throw refusal(['plan', 'file', 'arms'], 'two arms have the same id')
  for (const [path, ms] of [[['startedAtMs'], report.startedAtMs], [['endedAtMs'], report.endedAtMs], ...report.blocks.map((block, index) => [['blocks', index, 'startedAtMs'], block.startedAtMs] as const)] as const) {
    if (Number.isNaN(new Date(ms).getTime())) throw refusal(path, 'no point in time')
  }
  if (report.endedAtMs < report.startedAtMs) throw refusal(['endedAtMs'], 'lies before the start')
  report.blocks.forEach((block, index) => check(['blocks', index], block.cell, block.armId))
  report.comparisons.forEach((one, index) => check(['comparisons', index], one.cell, one.armId, one.baselineId))
  report.engines.forEach((engine, index) => check(['engines', index], null, engine.armId))
  report.cellsDone.forEach((cell, index) => check(['cellsDone', index], cell))
}

function refusal(path: readonly PropertyKey[], message: string, others = 0): FaultError {
  const field = ['report', ...path.map(String)].join('.')
  return new FaultError('BAD_INPUT', `This is not a report that this Overlap can read: ${field}: ${message}${others > 0 ? `, and ${others} more` : ''}.`, 'Choose a report.json that Overlap exported, of the same version.', { field })
}
