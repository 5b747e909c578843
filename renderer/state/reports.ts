// The kept reports in short, newest first. feed.ts writes it; a whole report is asked for where it is shown.
import { create } from 'zustand'
import type { ReportSummary } from '../../shared/experiment.ts'

/** null: not heard yet. */
export const useReports = create<{ reports: ReportSummary[] | null }>(() => ({ reports: null }))

/** The newest that may be shown on a stage: its result is valid, and it has a headline. */
export function lastGood(reports: ReportSummary[] | null): ReportSummary | null {
  return reports?.find((report) => report.outcome === 'valid' && report.headline !== null && report.headline.change !== null) ?? null
}
