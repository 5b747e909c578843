// What a sceptical reader asks for: blocks that do not count, checks, and every block.
import type { Block, Check, Report } from '../../../../shared/experiment.ts'
import { besideText, blockCounts, countedText } from '../../../../shared/counted.ts'
import { checksNote } from '../../../../shared/headline.ts'
import { pointText } from '../../../../shared/sweep.ts'
import { fixed, rate, UNKNOWN, watts } from '../../../../shared/units.ts'
import type { Part, Section } from './outline.ts'
import { milliseconds } from './words.ts'

/** Rows of a table that a person still scrolls through; the CSV has all. */
const ROWS_MAX = 1000

/** As they are counted above the table: one that only warns has failed nothing. Worst first. */
const RESULTS = ['FAILED', 'warns', 'not checked', 'passed'] as const
const resultOf = ({ result, weight }: Check): (typeof RESULTS)[number] => (result === 'failed' ? (weight === 'warns' ? 'warns' : 'FAILED') : result === 'passed' ? 'passed' : 'not checked')
const WEIGHTS: Record<Check['weight'], string> = { refuses: 'nothing is started', invalidates: 'what it concerns does not count', warns: 'only a warning' }
const rank = (check: Check): number => RESULTS.indexOf(resultOf(check))

/** What does not count, and what was checked. */
export function doubtSections(report: Report): Section[] {
  const spoilt = report.blocks.filter((block) => block.validity !== 'valid')
  // All of the report's, also where a second look at the same found something else; of the plan's, what was not looked at again.
  const later = new Set(report.checks.map(({ name }) => name))
  const checks = [...report.plan.checks.filter(({ name }) => !later.has(name)), ...report.checks].sort((a, b) => rank(a) - rank(b))
  return [
    { title: 'What counts, and what does not', parts: [{ kind: 'text', text: countsText(report) }, ...(spoilt.length === 0 ? [] : [
      { kind: 'text' as const, text: 'Invalid: measured, and does not count. Failed: no measurement.' },
      ...limited(['Block', ...whereColumn(report), 'Purpose', 'Round', 'Arm', 'State', 'Output tokens/s', 'Reasons'], spoilt.map((block) => [
        String(block.index), ...where(report, block), block.purpose, String(block.round), armName(report, block), block.validity, rate(block.total?.outputTokensPerSecond ?? null), block.reasons.join(' ') || 'No reason was given.',
      ]), null),
    ])] },
    { title: 'Checks', parts: checks.length === 0 ? [{ kind: 'warning', text: 'Nothing was checked.' }] : [
      { kind: 'text', text: `${checksNote(checks)}.` },
      ...limited(['Result', 'Check', 'What was found', 'If it fails', 'Evidence'], checks.map((check) => [resultOf(check), check.name, check.sentence, WEIGHTS[check.weight], check.evidence.join('; ') || UNKNOWN]), null),
    ] },
  ]
}

/** Two kinds of blocks, never added up: what the gains rest on, and what was only looked at beside them. */
function countsText({ blocks }: Report): string {
  if (blocks.length === 0) return 'No block was run.'
  const counts = blockCounts(blocks)
  const [counted, beside] = [countedText(counts.compared), besideText(counts)]
  return `${counted.charAt(0).toUpperCase()}${counted.slice(1)}.${beside === null ? '' : ` Beside them: ${beside}; they count towards nothing.`}`
}

export function blockSections(report: Report): Section[] {
  if (report.blocks.length === 0) return []
  return [{ title: 'Every block', parts: limited(
    ['Block', ...whereColumn(report), 'Purpose', 'Round', 'Arm', 'State', 'Output tokens/s', 'TTFT p95', 'TPOT p95', 'Requests ended · failed', 'SM activity', 'Clock SM · memory, MHz', 'Power', 'GPU, °C', 'Generator CPU', 'Late p99'],
    report.blocks.map((block) => [
      String(block.index), ...where(report, block), block.purpose, String(block.round), armName(report, block), block.validity,
      ...(block.total === null ? [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN] : [rate(block.total.outputTokensPerSecond), milliseconds(block.total.ttftMs?.p95 ?? null), milliseconds(block.total.tpotMs?.p95 ?? null), `${fixed(block.total.requests.finished)} · ${fixed(block.total.requests.failed)}`]),
      block.gpu.smActivityPercent === null ? UNKNOWN : `${fixed(block.gpu.smActivityPercent)} %`, `${whole(block.gpu.smClockMHz)} · ${whole(block.gpu.memoryClockMHz)}`, watts(block.gpu.powerWatts), whole(block.gpu.temperatureCelsius),
      block.total === null ? UNKNOWN : `${fixed(block.total.client.cpuPercent)} %`, milliseconds(block.total?.client.lateMsP99 ?? null),
    ]), 5 + whereColumn(report).length) }]
}

const whole = (value: number | null): string => (value === null ? UNKNOWN : fixed(value))

const armName = (report: Report, block: Block): string => report.plan.file.arms.find((arm) => arm.id === block.armId)?.name ?? block.armId

/** Without a sweep there is no where. */
const whereColumn = (report: Report): string[] => (report.plan.cells.length > 1 ? ['Where'] : [])
const where = (report: Report, block: Block): string[] => (report.plan.cells.length > 1 ? [pointText(report.plan.cells[block.cell]?.point ?? {})] : [])

function limited(head: string[], rows: string[][], numbersFrom: number | null): Part[] {
  const more = rows.length - ROWS_MAX
  return [{ kind: 'table', head, rows: rows.slice(0, ROWS_MAX), numbersFrom }, ...(more > 0 ? [{ kind: 'text' as const, text: `${more} more rows are in the CSV and the JSON of this report.` }] : [])]
}
