// How fast a number grows: a straight line through samples, with the low end of the interval of its slope.

export interface Growth {
  /** Per second. */
  slope: number
  /** Low end of its 95 % t interval, as if samples were independent. */
  low: number
}

/** Null: too few samples for an interval. */
export function growthOf(samples: readonly { seconds: number; value: number }[]): Growth | null {
  const n = samples.length
  if (n < 5) return null
  const meanX = samples.reduce((sum, { seconds }) => sum + seconds, 0) / n
  const meanY = samples.reduce((sum, { value }) => sum + value, 0) / n
  let xx = 0
  let xy = 0
  for (const { seconds, value } of samples) {
    xx += (seconds - meanX) ** 2
    xy += (seconds - meanX) * (value - meanY)
  }
  if (xx === 0) return null
  const slope = xy / xx
  const residual = samples.reduce((sum, { seconds, value }) => sum + (value - meanY - slope * (seconds - meanX)) ** 2, 0)
  return { slope, low: slope - t975(n - 2) * Math.sqrt(residual / (n - 2) / xx) }
}

/** Student's t at 97.5 % by Fisher's expansion: within 1 % from three degrees of freedom on. */
function t975(degrees: number): number {
  const z = 1.959964
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
}
