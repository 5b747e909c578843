// The mean of a few values with its 95 % interval after Student. Not a test of anything: statistics.ts says what an interval means.

export interface Interval {
  mean: number
  /** Null: fewer than two values. */
  low: number | null
  high: number | null
}

/** Null: no value. */
export function intervalOf(values: readonly number[]): Interval | null {
  const count = values.length
  if (count === 0) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  if (count === 1) return { mean, low: null, high: null }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const half = tQuantile(0.975, count - 1) * Math.sqrt(squares / (count - 1) / count)
  return { mean, low: mean - half, high: mean + half }
}

/** Where an interval lies against an expected band; one without ends stands at its mean. */
export function placeIn(band: { low: number; high: number }, { mean, low, high }: Interval): 'below' | 'above' | 'within' | 'partly within' {
  const [from, to] = [low ?? mean, high ?? mean]
  return to < band.low ? 'below' : from > band.high ? 'above' : from >= band.low && to <= band.high ? 'within' : 'partly within'
}

/** Share of Student's t with so many degrees of freedom (a whole number) that lies between −t and t. Abramowitz and Stegun 26.7.3 and 26.7.4: finite sums, exact. */
function tWithin(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees))
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const odd = degrees % 2 === 1
  let term = odd ? cos : 1
  let sum = degrees === 1 ? 0 : term
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= ((k - 1) / k) * cos * cos
    sum += term
  }
  return odd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum
}

const quantiles = new Map<string, number>()

/** The value below which `probability` (0.5 to 1) of Student's t lies; `degrees` is a whole number of at least 1. */
export function tQuantile(probability: number, degrees: number): number {
  const key = `${probability}/${degrees}`
  const known = quantiles.get(key)
  if (known !== undefined) return known
  const within = 2 * probability - 1
  let [low, high] = [0, 1]
  while (tWithin(high, degrees) < within) high *= 2
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2
    if (tWithin(middle, degrees) < within) low = middle
    else high = middle
  }
  if (quantiles.size < 1000) quantiles.set(key, high)
  return high
}
