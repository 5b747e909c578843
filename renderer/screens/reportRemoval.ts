// The action that removes a report, after it was asked.
import type { ReportSummary } from '../../shared/experiment.ts'
import type { Action } from '../actions/action.ts'
import { useReports } from '../state/reports.ts'
import { dateText } from './reportWords.ts'

export function removeReport(report: ReportSummary): Action {
  return {
    id: `experiment.removeReport/${report.id}`, label: 'Remove report', group: 'Experiments', danger: true, blocked: null, whileHeld: true, leave: 'Keep it',
    about: `“${report.title}” of ${dateText(report.startedAtMs)} is deleted for good. Export it first, if it may be asked for.`,
    run: (client) => client.experiment.removeReport({ id: report.id }),
    watch: () => () => useReports.getState().reports?.every((one) => one.id !== report.id) ?? false,
  }
}
