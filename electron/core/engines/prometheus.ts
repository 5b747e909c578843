// Prometheus text format, as much of it as rates need: names and values; labels are read over. Help and type lines are skipped, a line that
// cannot be read is skipped and counted.

export interface Sample {
  name: string
  value: number
}

export interface MetricsPage {
  samples: Sample[]
  badLines: number
}

const EVERY_LINE = /^[^#\r\n].*$/gm
/** One way to share out spaces: two runs of them side by side would be tried in all ways on a line without sense. */
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\s*\{.*\})?\s+(\S+)(?:\s+-?\d+)?$/

/** Matches the lines of these series. Pages have hundreds of lines and rates need six. */
export const linesOf = (names: readonly string[]): RegExp => new RegExp(`^[ \\t]*(?:${names.join('|')})(?=[ \\t{]).*$`, 'gm')

export function parseMetrics(text: string, lines = EVERY_LINE): MetricsPage {
  const page: MetricsPage = { samples: [], badLines: 0 }
  for (const raw of text.match(lines) ?? []) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, name, written] = LINE.exec(line) ?? []
    const value = numberOf(written)
    if (name === undefined || value === null) page.badLines += 1
    else page.samples.push({ name, value })
  }
  return page
}

/** NaN and the infinities are values of the format; null is not a number at all. */
function numberOf(written: string | undefined): number | null {
  if (written === undefined) return null
  if (/^[+-]?inf$/i.test(written)) return written.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(written)) return Number.NaN
  const value = Number(written)
  return Number.isNaN(value) ? null : value
}

/** Sum over all series of the first of `names` that the page has; null: none of them, or not finite. */
export function total(page: MetricsPage, names: readonly string[]): { name: string; value: number } | null {
  for (const name of names) {
    const series = page.samples.filter((sample) => sample.name === name)
    const value = series.reduce((sum, sample) => sum + sample.value, 0)
    if (series.length > 0) return Number.isFinite(value) ? { name, value } : null
  }
  return null
}
