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

/** Running sums, first layer at the bottom. An unknown adds nothing and is itself unknown. Written over copies, which have their length at once: arrays that grow are copied again and again. */
export function stack(layers: Values[]): Values[] {
  const sums = new Float64Array(layers[0]?.length ?? 0)
  return layers.map((layer) => {
    const shown = layer.slice()
    for (let at = 0; at < shown.length; at++) {
      const value = shown[at] ?? null
      shown[at] = value === null ? null : (sums[at]! += value)
    }
    return shown
  })
}

/** `used` less the sum of the parts that are known, never below 0: what belongs to none of them. */
export function rest(used: Values, parts: Values[]): Values {
  const sums = new Float64Array(used.length)
  for (const part of parts) for (let at = 0; at < sums.length; at++) sums[at]! += part[at] ?? 0
  return used.map((value, at) => (value === null ? null : Math.max(0, value - sums[at]!)))
}

export function highest(values: Values): number | null {
  let most: number | null = null
  for (const value of values) if (value !== null && (most === null || value > most)) most = value
  return most
}

/** At most about `most` values: means of neighbours, unknown where all of them are. Short columns stay as they are. */
export function thinned(values: Values, most: number): Values {
  const each = Math.ceil(values.length / most)
  if (each <= 1) return values
  const means: Values = []
  for (let from = 0; from < values.length; from += each) {
    const known = values.slice(from, from + each).filter((value) => value !== null)
    means.push(known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length)
  }
  return means
}

/** A round number at or above `value`, so that the axis moves seldom. */
export function axisTop(value: number | null): number {
  if (value === null || !Number.isFinite(value) || value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10]
  return (steps.find((step) => step * power >= value * 1.0001) ?? 10) * power
}

const ROUND_STEPS = [-2, -1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 2.5, 5].map((step) => step * 10 ** power))

/** Where an axis from 0 to `top` is labelled: `most` steps at most, such that end at the top where there are, and always at the top itself. */
export function splitsTo(top: number, most: number, steps: readonly number[] = ROUND_STEPS): number[] {
  const few = steps.filter((one) => one <= top && top / one <= most + 0.001)
  const step = few.find((one) => Number.isInteger(top / one)) ?? few[0] ?? top
  const splits: number[] = []
  for (let at = 0; at * step < top - step * 0.6; at++) splits.push(at * step)
  return [...splits, top]
}

/** Last known value of a column, if it is among the last `reach` moments. */
export function newest(values: Values, reach = 1): number | null {
  for (let at = values.length - 1; at >= Math.max(0, values.length - reach); at--) {
    const value = values[at] ?? null
    if (value !== null) return value
  }
  return null
}

/** The one that is nearest, if one is within reach. */
export function nearest<One>(all: readonly One[], distance: (one: One) => number, reach: number): One | null {
  let found: One | null = null
  let least = reach
  for (const one of all) {
    const away = distance(one)
    if (away <= least) [found, least] = [one, away]
  }
  return found
}

/** Sum of all lines at a moment, or now (`at` null); null when one is unknown that is not optional, or when all are. */
export function sumAt({ series }: Columns, lines: { optional?: boolean }[], at: number | null): number | null {
  let sum: number | null = null
  for (const [index, line] of lines.entries()) {
    const values = series[index] === undefined ? [] : middle(series[index])
    const value = at === null ? newest(values) : values[at] ?? null
    if (value !== null) sum = (sum ?? 0) + value
    else if (!line.optional) return null
  }
  return sum
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
