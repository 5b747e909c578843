// Marks, scales and text of a drawing as SVG text. Colours are CSS variables of html.ts, so that a drawing follows the scheme; knows no report.

export const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')

const number = (value: number): string => String(Math.round(value * 10) / 10)

type Attributes = Record<string, string | number>
const attributesText = (attributes: Attributes): string => Object.entries(attributes).map(([name, value]) => ` ${name}="${typeof value === 'number' ? number(value) : escape(value)}"`).join('')

export const mark = (name: 'line' | 'rect' | 'circle' | 'polyline' | 'polygon' | 'path', attributes: Attributes): string => `<${name}${attributesText(attributes)}/>`

export const label = (x: number, y: number, text: string, attributes: Attributes = {}): string => `<text${attributesText({ x, y, ...attributes })}>${escape(text)}</text>`

/** Cut in the middle: model names differ at both ends. */
export const short = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, Math.ceil(length / 2) - 1)}…${text.slice(-Math.floor(length / 2))}`)

export function drawing(size: { width: number; height: number; title: string }, marks: readonly string[]): string {
  return `<svg viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-label="${escape(size.title)}" xmlns="http://www.w3.org/2000/svg">${marks.join('')}</svg>`
}

export interface Scale {
  at(value: number): number
  ticks: number[]
}

/** From values to places; `from` may lie right of or below `to`. Ends on round numbers, a few ticks between. */
export function linear(low: number, high: number, from: number, to: number, wanted = 5): Scale {
  const span = high - low > 0 ? high - low : Math.max(Math.abs(high), 1)
  const power = 10 ** Math.floor(Math.log10(span / wanted))
  const step = power * ([1, 2, 5, 10].find((factor) => span / (power * factor) <= wanted) ?? 10)
  const [first, last] = [Math.floor(low / step + 1e-9) * step, Math.ceil((high > low ? high : low + span) / step - 1e-9) * step]
  const ticks = Array.from({ length: Math.round((last - first) / step) + 1 }, (_, i) => Number((first + i * step).toPrecision(12)))
  return { at: (value) => from + ((value - first) / (last - first)) * (to - from), ticks }
}

/** For values that double: a tick on each, of those that lie too close only the first. */
export function logarithmic(values: readonly number[], from: number, to: number, apart = 38): Scale {
  const known = [...new Set(values)].sort((a, b) => a - b)
  const [low, high] = [Math.log(known[0] ?? 1), Math.log(known.at(-1) ?? 2)]
  const at = (value: number) => (high > low ? from + ((Math.log(value) - low) / (high - low)) * (to - from) : (from + to) / 2)
  const ticks = known.reduce<number[]>((kept, value) => (kept.length === 0 || Math.abs(at(value) - at(kept.at(-1)!)) >= apart ? [...kept, value] : kept), [])
  return { at, ticks }
}

/** Arms are told apart by shape as well as by colour. */
export function symbol(index: number, x: number, y: number, more: Attributes = {}): string {
  const fill = { fill: `var(--arm-${index % 8})`, ...more }
  const r = 4
  if (index % 4 === 0) return mark('circle', { cx: x, cy: y, r, ...fill })
  if (index % 4 === 1) return mark('rect', { x: x - r + 0.5, y: y - r + 0.5, width: 2 * r - 1, height: 2 * r - 1, ...fill })
  const points = index % 4 === 2 ? [[0, -r - 1], [r + 1, r - 0.5], [-r - 1, r - 0.5]] : [[0, -r - 1.5], [r + 1.5, 0], [0, r + 1.5], [-r - 1.5, 0]]
  return mark('polygon', { points: points.map(([dx, dy]) => `${number(x + dx!)},${number(y + dy!)}`).join(' '), ...fill })
}

/** Names with their symbols above a chart, in rows no wider than `width`. */
export function legend(names: readonly { name: string; index: number }[], x: number, y: number, width: number): { marks: string[]; height: number } {
  let [left, top] = [x, y]
  const marks = names.flatMap(({ name, index }) => {
    const text = short(name, 60)
    const wide = 6.6 * text.length + 30
    if (left > x && left + wide > x + width) [left, top] = [x, top + 18]
    const drawn = [symbol(index, left + 5, top - 4), label(left + 15, top, text)]
    left += wide
    return drawn
  })
  return { marks, height: top - y + 18 }
}
