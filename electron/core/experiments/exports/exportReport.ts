// A report as a file to hand on: which format is written by whom, and what the file is called. PNG is the page's.
import { EXPORTS, type ExportFormat, type Report } from '../../../../shared/experiment.ts'
import { csvText } from './csv.ts'
import { htmlText } from './html.ts'
import { jsonText } from './json.ts'
import { markdownText } from './markdown.ts'
import { masked } from './masked.ts'
import { outlineOf } from './outline.ts'

const FORMATS: Record<ExportFormat, { ending: string; write(report: Report): string }> = {
  html: { ending: 'html', write: (report) => htmlText(outlineOf(report)) },
  markdown: { ending: 'md', write: (report) => markdownText(outlineOf(report)) },
  csv: { ending: 'csv', write: csvText },
  json: { ending: 'json', write: jsonText },
}

/** Secrets are masked in every format. The file name is safe on any file system. */
export function exportReport(report: Report, format: ExportFormat): { fileName: string; mediaType: string; text: string } {
  const { ending, write } = FORMATS[format]
  const title = report.plan.file.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'experiment'
  const day = new Date(report.startedAtMs).toISOString().slice(0, 16).replace(/[T:]/g, '-')
  return { fileName: `${title}-${day}${report.simulated ? '-simulated' : ''}.${ending}`, mediaType: EXPORTS[format], text: write(masked(report)) }
}
