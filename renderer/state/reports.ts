// The kept reports in short, newest first. feed.ts writes it; a whole report is asked for where it is shown.
import { create } from 'zustand'
import type { ReportSummary } from '../../shared/experiment.ts'

/** null: not heard yet. */
export const useReports = create<{ reports: ReportSummary[] | null }>(() => ({ reports: null }))

/** The newest of one's own that may be shown on a stage: its result is valid, and it has a headline. One of this experiment, by its title, if there is any. */
export function lastGood(reports: ReportSummary[] | null, title: string | null = null): ReportSummary | null {
  const good = reports?.filter((report) => !report.imported && report.outcome === 'valid' && report.headline !== null && report.headline.change !== null) ?? []
  return good.find((report) => report.title === title) ?? good[0] ?? null
}
