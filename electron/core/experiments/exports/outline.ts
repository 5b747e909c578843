// What a report says, in order, before it has a format: markdown.ts and html.ts both write this down.
import type { Report } from '../../../../shared/experiment.ts'
import { claimSections } from './claimSections.ts'
import { blockSections, doubtSections } from './evidenceSections.ts'
import { headlinesOf } from './headline.ts'
import { armSections, CHARTED_CELLS, gainSections } from './resultSections.ts'
import { definitionSections, setupSections } from './setupSections.ts'
import { sweepSections } from './sweepSections.ts'
import { dayAndTime, tookText } from './words.ts'

export interface Table {
  kind: 'table'
  head: readonly string[]
  rows: readonly (readonly string[])[]
  /** Columns from this one on are numbers, set to the right; null: none. */
  numbersFrom: number | null
}
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'warning'; text: string }
  | { kind: 'code'; language: string; text: string }
  /** Drawn where the format can draw; a table with the same numbers follows. */
  | { kind: 'figure'; caption: string; svg: string }
  | Table
export interface Section {
  title: string
  parts: readonly Part[]
}
export interface Outline {
  title: string
  /** Where and when. */
  origin: string
  /** What must be known before any number is read: simulated, invalid, partial. */
  stamps: readonly string[]
  headlines: readonly string[]
  question: string
  sections: readonly Section[]
}

export const SIMULATED = 'SIMULATED: no number here comes from a GPU'

/** `report` has its secrets masked. */
export function outlineOf(report: Report): Outline {
  const { file } = report.plan
  const { workstation } = report
  return {
    title: file.title,
    origin: `${workstation.gpuName} · ${workstation.hostName} · ${dayAndTime(report.startedAtMs)} · ${lengthText(report)} · report ${report.id}`,
    stamps: stampsOf(report),
    headlines: headlinesOf(report),
    question: file.question,
    sections: [
      ...(report.plan.cells.length > CHARTED_CELLS ? [...sweepSections(report), ...gainSections(report)] : [...gainSections(report), ...sweepSections(report)]),
      ...claimSections(report), ...armSections(report), ...doubtSections(report), ...definitionSections(report), ...setupSections(report), ...blockSections(report),
    ].filter((section) => section.parts.length > 0),
  }
}

/** What was interrupted and gone on with took as long as its sittings, which nobody added up. */
function lengthText({ checks, startedAtMs, endedAtMs }: Report): string {
  const sittings = 1 + checks.filter(({ name }) => name.startsWith('resumed/')).length
  return sittings === 1 ? tookText(endedAtMs - startedAtMs) : `in ${sittings} sittings until ${dayAndTime(endedAtMs)}`
}

function stampsOf(report: Report): string[] {
  const reasons = report.reasons.length === 0 ? '' : `: ${report.reasons.join(' ')}`
  const done = `${report.cellsDone.length} of ${report.plan.cells.length} cells are done`
  return [
    ...(report.simulated ? [SIMULATED + (report.scene === null ? '' : ` (scene ${report.scene})`)] : []),
    ...(report.outcome === 'invalid' ? [`INVALID, nothing here counts${reasons}`] : []),
    // the first reason of one that was interrupted is how far it came
    ...(report.outcome === 'partial' ? [reasons === '' ? `PARTIAL, ${done}` : `PARTIAL${reasons}`] : []),
  ]
}
