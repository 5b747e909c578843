// ChartTable: the numbers behind a chart as text, in the order they are read. What the chart shows, the table shows.

export interface ChartTable {
  heads: string[]
  rows: string[][]
}

/** RFC 4180, CRLF. Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers. */
export function csvOf({ heads, rows }: ChartTable): string {
  return [heads, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('')
}

function csvCell(text: string): string {
  const guarded = /^[=@\t\r]/.test(text) || (/^[+-]/.test(text) && !/^[+-][\d.]/.test(text)) ? `'${text}` : text
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
}

/** A title as a file name: letters, digits and hyphens. */
export function fileNameOf(title: string, ending: string): string {
  const name = title.normalize('NFKD').replace(/[^\w]+/g, '-').replace(/^-+|-+$/g, '').toLowerCase()
  return `${name.slice(0, 80) || 'chart'}.${ending}`
}
