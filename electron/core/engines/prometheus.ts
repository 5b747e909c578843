// Prometheus text format, as much of it as rates need: samples with labels. Help and type lines are skipped, a line that
// cannot be read is skipped and counted.

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface MetricsPage {
  samples: Sample[]
  badLines: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"/g
const ESCAPES: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

/** `wanted`: other series are skipped unread; pages have hundreds of lines and rates need six. */
export function parseMetrics(text: string, wanted?: ReadonlySet<string>): MetricsPage {
  const page: MetricsPage = { samples: [], badLines: 0 }
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (wanted && !wanted.has(/^[^\s{]*/.exec(line)?.[0] ?? '')) continue
    const [, name, labels, written] = LINE.exec(line) ?? []
    const value = numberOf(written)
    if (name === undefined || value === null) page.badLines += 1
    else page.samples.push({ name, labels: labelsOf(labels ?? ''), value })
  }
  return page
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) labels[name] = value.replace(/\\[n"\\]/g, (escape) => ESCAPES[escape] ?? escape)
  return labels
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
