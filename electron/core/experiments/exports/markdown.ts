// An outline as GitHub-flavoured Markdown. Figures are left out: each has a table.
import type { Outline, Part, Table } from './outline.ts'

/** Nothing of a name or an argument may become markup. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]<>|#~]/g, '\\$&').replace(/\s*[\r\n]+\s*/g, ' ').replace(/^(\s*)([-+]|\d+\.)(\s)/, '$1\\$2$3')

function tableText({ head, rows, numbersFrom }: Table): string {
  const row = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`
  return [row(head), `| ${head.map((_, column) => (numbersFrom !== null && column >= numbersFrom ? '--:' : ':--')).join(' | ')} |`, ...rows.map(row)].join('\n')
}

function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`
}

function partText(part: Part): string | null {
  switch (part.kind) {
    case 'text': return plain(part.text)
    case 'warning': return `> **${plain(part.text)}**`
    case 'code': return fenced(part.language, part.text)
    case 'table': return tableText(part)
    case 'figure': return null
  }
}

export function markdownText(outline: Outline): string {
  const stamps = outline.stamps.map((stamp) => `> **${plain(stamp)}**`)
  const parts = [
    `# ${plain(outline.title)}`, ...stamps, ...outline.headlines.map((headline) => `**${plain(headline)}**`), plain(outline.question), plain(outline.origin),
    ...outline.sections.flatMap((section) => [`## ${plain(section.title)}`, ...section.parts.map(partText)]), ...stamps,
  ]
  return `${parts.filter((part) => part !== null && part !== '').join('\n\n')}\n`
}
