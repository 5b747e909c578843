// Colours that carry meaning: one per engine, one per tone of state, and those of the strips. Tuned for both schemes after Okabe and Ito.
export type Scheme = 'dark' | 'light'

/** Told apart by people with any common colour blindness, also in neighbouring order. */
export const ENGINE_COLOURS: Record<Scheme, readonly string[]> = {
  dark: ['#e69f00', '#56b4e9', '#12b886', '#e377c2', '#f0e442', '#e8683a', '#6f8ff7', '#b8b8b8'],
  light: ['#b87a00', '#1f7fbd', '#00795a', '#b0437f', '#857b00', '#c24e12', '#3556c9', '#6b6b6b'],
}

/** More engines than colours: from the ninth on a colour stands for two, and the later one is hollow or dashed. */
export function isRepeated(index: number): boolean {
  return Math.floor(index / ENGINE_COLOURS.dark.length) % 2 === 1
}

export function engineColour(index: number, scheme: Scheme): string {
  const colours = ENGINE_COLOURS[scheme]
  return colours[((index % colours.length) + colours.length) % colours.length]!
}

/** The same colour as a CSS variable that follows the scheme. */
export function engineVar(index: number): string {
  return `var(--engine-${((index % 8) + 8) % 8})`
}

export const STRIP_COLOURS: Record<Scheme, { strong: string; faint: string; other: string; grid: string; text: string; mark: string; surface: string }> = {
  dark: { strong: '#7dd3c0', faint: '#6b7685', other: '#5b6472', grid: '#1e242d', text: '#8b95a3', mark: '#9aa4b2', surface: '#11151b' },
  light: { strong: '#0b7c6b', faint: '#8a94a1', other: '#9aa3ae', grid: '#e8ebef', text: '#5b6673', mark: '#5b6673', surface: '#ffffff' },
}
