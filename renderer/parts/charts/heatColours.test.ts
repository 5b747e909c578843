import { expect, it } from 'vitest'
import { contrast, heatColour } from './heatColours.ts'

const rgb = (text: string): [number, number, number] => (text.startsWith('#') ? [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)) : text.match(/\d+/g)!.map(Number)) as [number, number, number]

it('can be read at every change, in both schemes', () => {
  for (const scheme of ['dark', 'light'] as const) {
    for (let change = -1; change <= 1; change += 0.05) {
      const { fill, ink } = heatColour(change, 1, scheme)
      expect(contrast(rgb(fill), rgb(ink)), `${scheme} ${change}`).toBeGreaterThanOrEqual(4.5)
    }
  }
})
it('is blue for a gain, orange for a loss, and goes no further than full colour', () => {
  const [red, , blue] = rgb(heatColour(0.5, 0.5, 'dark').fill)
  expect(blue).toBeGreaterThan(red)
  expect(rgb(heatColour(-0.5, 0.5, 'dark').fill)[0]).toBeGreaterThan(rgb(heatColour(-0.5, 0.5, 'dark').fill)[2])
  expect(heatColour(9, 0.5, 'dark')).toEqual(heatColour(0.5, 0.5, 'dark'))
  expect(heatColour(0, 0, 'light')).toEqual(heatColour(0, 1, 'light'))
})
