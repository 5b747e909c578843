// Colours of a heat map of changes: blue where there is a gain, orange where there is a loss, told apart by people with any common colour blindness. Pure.
import type { Scheme } from '../../theme/palette.ts'

const ENDS: Record<Scheme, { none: Rgb; gain: Rgb; loss: Rgb }> = {
  dark: { none: [36, 43, 52], gain: [64, 140, 214], loss: [205, 107, 30] },
  light: { none: [240, 242, 245], gain: [52, 122, 196], loss: [201, 101, 22] },
}
type Rgb = [number, number, number]

/** Opaque fill of a change and the ink that can be read on it; `most`: the change of full colour. */
export function heatColour(change: number, most: number, scheme: Scheme): { fill: string; ink: string } {
  const { none, gain, loss } = ENDS[scheme]
  const part = most <= 0 ? 0 : Math.min(1, Math.abs(change) / most)
  const end = change < 0 ? loss : gain
  const shade = none.map((from, at) => Math.round(from + (end[at]! - from) * part)) as Rgb
  return { fill: `rgb(${shade.join(', ')})`, ink: contrast(shade, [255, 255, 255]) >= contrast(shade, [0, 0, 0]) ? '#ffffff' : '#000000' }
}

/** As WCAG counts it, 1 … 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(shade: Rgb): number {
  const [red, green, blue] = shade.map((channel) => { const part = channel / 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4 }) as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
