// From columns of readings to what a strip draws: stacking, middle of a range, the top of the axis. Pure.
import type { Columns } from './columns.ts'

type Values = (number | null)[]

/** Middle of minimum and maximum of each bucket; single readings stay what they are. */
export function middle(series: Columns['series'][number]): Values {
  const { min, max } = series
  if (min === null) return max
  return max.map((high, at) => {
    const low = min[at] ?? null
    return high === null || low === null ? high ?? low : (high + low) / 2
  })
}

/** Running sums, first layer at the bottom. An unknown adds nothing and is itself unknown. */
export function stack(layers: Values[]): Values[] {
  const moments = layers[0]?.length ?? 0
  const sums = Array.from({ length: moments }, () => 0)
  return layers.map((layer) => layer.map((value, at) => (value === null ? null : (sums[at]! += value))))
}

/** `used` less the sum of the parts that are known, never below 0: what belongs to none of them. */
export function rest(used: Values, parts: Values[]): Values {
  return used.map((total, at) => {
    if (total === null) return null
    return Math.max(0, total - parts.reduce((sum, part) => sum + (part[at] ?? 0), 0))
  })
}

/** A round number at or above `value`, so that the axis moves seldom. */
export function axisTop(value: number | null): number {
  if (value === null || !Number.isFinite(value) || value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10]
  return (steps.find((step) => step * power >= value * 1.0001) ?? 10) * power
}

/** Last known value of a column, if it is among the last `reach` moments. */
export function newest(values: Values, reach = 1): number | null {
  for (let at = values.length - 1; at >= Math.max(0, values.length - reach); at--) {
    const value = values[at] ?? null
    if (value !== null) return value
  }
  return null
}

/** Points of an SVG polyline in a box; unknown moments break the line. Empty when nothing is known. */
export function sparkPath(values: Values, width: number, height: number, top: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  let path = ''
  let pen = 'M'
  for (const [at, value] of values.entries()) {
    if (value === null) {
      pen = 'M'
      continue
    }
    const y = height - Math.min(1, Math.max(0, value / top)) * height
    path += `${pen}${(at * step).toFixed(1)} ${y.toFixed(1)}`
    pen = 'L'
  }
  return path
}
