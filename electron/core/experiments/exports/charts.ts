// The charts of a report, as SVG text: gains with intervals, blocks in time, curves, a heat map. Each stands above a table with the same numbers.
import { intervalText, signedPercent } from '../../../../shared/headline.ts'
import type { Comparison, Verdict } from '../../../../shared/experiment.ts'
import type { Grid } from '../../../../shared/sweep.ts'
import { fixed, rate } from '../../../../shared/units.ts'
import { drawing, label, legend, linear, logarithmic, mark, short, symbol, type Scale } from './svg.ts'

/** Of the page's column, so that text keeps its size. */
const WIDTH = 1090

export interface GainBar {
  who: string
  against: string
  index: number
  comparison: Comparison
  /** What the model expected; null: nothing. */
  expected: { low: number; high: number } | null
}

/** Change with its interval around a line at no change; the expected band behind. */
export function gainChart(title: string, bars: readonly GainBar[]): string {
  const [left, right, row, top] = [270, 130, 42, 8]
  const bottom = top + row * bars.length
  const ends = bars.flatMap(({ comparison: { change, low, high }, expected }) => [change, low, high, expected?.low, expected?.high]).filter((value) => typeof value === 'number').map((value) => Math.max(-1, Math.min(4, value)))
  const scale = linear(100 * Math.min(-0.05, ...ends), 100 * Math.max(0.05, ...ends), left, WIDTH - right, 8)
  const place = (ratio: number) => Math.max(left, Math.min(WIDTH - right, scale.at(100 * ratio)))
  const drawn = bars.flatMap(({ who, against, index, comparison, expected }, i) => {
    const y = top + row * (i + 0.5)
    const { change, low, high, verdict } = comparison
    const zero = place(0)
    return [
      label(left - 12, y - 1, short(who, 40), { 'text-anchor': 'end', class: 'strong' }), label(left - 12, y + 13, short(`against ${against}`, 46), { 'text-anchor': 'end', class: 'small' }),
      expected === null ? '' : mark('rect', { x: place(expected.low), y: y - 13, width: Math.max(1, place(expected.high) - place(expected.low)), height: 26, class: 'expected' }),
      change === null ? '' : mark('rect', { x: Math.min(zero, place(change)), y: y - 7, width: Math.abs(place(change) - zero), height: 14, fill: `var(--arm-${index % 8})`, 'fill-opacity': verdict === 'higher' || verdict === 'lower' ? '0.9' : '0.35' }),
      low === null || high === null ? '' : `${mark('line', { x1: place(low), x2: place(high), y1: y, y2: y, class: 'whisker' })}${[low, high].map((end) => mark('line', { x1: place(end), x2: place(end), y1: y - 5, y2: y + 5, class: 'whisker' })).join('')}`,
      label(WIDTH - right + 12, y - 1, signedPercent(change), { class: 'strong' }), label(WIDTH - right + 12, y + 13, low === null ? 'too few blocks' : intervalText(comparison), { class: 'small' }),
    ]
  })
  const grid = scale.ticks.flatMap((tick) => [
    mark('line', { x1: scale.at(tick), x2: scale.at(tick), y1: top, y2: bottom, class: tick === 0 ? 'axis' : 'grid' }), label(scale.at(tick), bottom + 16, `${tick > 0 ? '+' : tick < 0 ? '−' : ''}${Math.abs(tick)} %`, { 'text-anchor': 'middle' }),
  ])
  return drawing({ width: WIDTH, height: bottom + 24, title }, [...grid, ...drawn])
}

export interface BlockMark {
  block: number
  index: number
  /** Output tokens/s; null: failed. */
  value: number | null
  counts: boolean
}

/** Every compared block in the order in which it ran. Hollow: does not count; a cross at the foot: failed. */
export function blockChart(title: string, names: readonly string[], blocks: readonly BlockMark[]): string {
  const [left, right] = [70, 20]
  const key = legend(names.map((name, index) => ({ name, index })), left, 14, WIDTH - left - right)
  const [top, bottom] = [key.height + 8, key.height + 208]
  const values = blocks.flatMap(({ value }) => value ?? [])
  const scale = linear(0, Math.max(1, ...values), bottom, top)
  const numbers = blocks.map(({ block }) => block)
  const across = linear(Math.min(...numbers), Math.max(...numbers, Math.min(...numbers) + 1), left + 10, WIDTH - right - 10, 12)
  const marks = blocks.map(({ block, index, value, counts }) => {
    const x = across.at(block)
    if (value === null) return mark('path', { d: `M${x - 4},${bottom - 10}l8,8m0,-8l-8,8`, class: 'failed' })
    return symbol(index, x, scale.at(value), counts ? {} : { fill: 'none', stroke: `var(--arm-${index % 8})`, 'stroke-width': 1.5 })
  })
  return drawing({ width: WIDTH, height: bottom + 40, title }, [
    ...key.marks, ...upright(scale, left, WIDTH - right, rate), ...across.ticks.filter(Number.isInteger).map((tick) => label(across.at(tick), bottom + 16, String(tick), { 'text-anchor': 'middle' })),
    label((left + WIDTH - right) / 2, bottom + 34, 'Block, in the order in which they ran', { 'text-anchor': 'middle' }), ...marks,
  ])
}

export interface Line {
  name: string
  index: number
  points: readonly { x: number; y: number; low: number | null; high: number | null }[]
}

/** Lines through measured points with bands of their 95 % intervals. `limit`: an upright line at this x. */
export function lineChart(words: { title: string; x: string; y: string; doubling: boolean; limit?: number | null }, lines: readonly Line[]): string {
  const [left, right] = [70, 20]
  const key = legend(lines, left, 14, WIDTH - left - right)
  const [top, bottom] = [key.height + 20, key.height + 290]
  const points = lines.flatMap((line) => line.points)
  const xs = [...points.map(({ x }) => x), ...(words.limit == null ? [] : [words.limit])]
  const across = words.doubling ? logarithmic(xs, left + 14, WIDTH - right - 14) : linear(0, Math.max(...xs), left, WIDTH - right, 10)
  const scale = linear(0, Math.max(1, ...points.map(({ y, high }) => high ?? y)), bottom, top)
  const path = (places: readonly (readonly [number, number])[]) => places.map(([x, y]) => `${across.at(x).toFixed(1)},${scale.at(Math.max(0, y)).toFixed(1)}`).join(' ')
  const drawn = lines.flatMap(({ index, points }) => {
    const banded = points.filter(({ low, high }) => low !== null && high !== null)
    return [
      mark('polygon', { points: path([...banded.map(({ x, high }) => [x, high!] as const), ...banded.toReversed().map(({ x, low }) => [x, low!] as const)]), fill: `var(--arm-${index % 8})`, 'fill-opacity': '0.16' }),
      mark('polyline', { points: path(points.map(({ x, y }) => [x, y] as const)), fill: 'none', stroke: `var(--arm-${index % 8})`, 'stroke-width': 2 }),
      ...points.map(({ x, y }) => symbol(index, across.at(x), scale.at(y))),
    ]
  })
  const limit = words.limit == null ? [] : [mark('line', { x1: across.at(words.limit), x2: across.at(words.limit), y1: top, y2: bottom, class: 'limit' })]
  return drawing({ width: WIDTH, height: bottom + 42, title: words.title }, [
    ...key.marks, label(left - 60, top - 12, words.y, { class: 'small' }), ...upright(scale, left, WIDTH - right, rate), ...limit,
    ...across.ticks.map((tick) => label(across.at(tick), bottom + 16, tick >= 10_000 ? `${fixed(tick / 1000)}k` : String(tick), { 'text-anchor': 'middle' })),
    label((left + WIDTH - right) / 2, bottom + 34, words.x, { 'text-anchor': 'middle' }), ...drawn,
  ])
}

function upright(scale: Scale, left: number, right: number, text: (value: number) => string): string[] {
  return scale.ticks.flatMap((tick) => [
    mark('line', { x1: left, x2: right, y1: scale.at(tick), y2: scale.at(tick), class: tick === 0 ? 'axis' : 'grid' }), label(left - 8, scale.at(tick) + 4, tick === 0 ? '0' : text(tick), { 'text-anchor': 'end' }),
  ])
}

const VERDICT_NOTES: Record<Verdict, string> = { higher: '', lower: '', noDifference: 'no difference', unfinished: 'not all rounds', tooFewBlocks: 'too few' }

/** Changes in cells, the numbers in them; paler where no difference is shown. */
export function heatMap(title: string, words: { x: string; y: string }, grid: Grid): string {
  const [left, top, high] = [190, 42, 44]
  const wide = Math.min(130, (WIDTH - left - 10) / grid.x.values.length)
  const largest = Math.max(0.1, ...grid.rows.flat().map((cell) => Math.min(1, Math.abs(cell?.change ?? 0))))
  const cells = grid.rows.flatMap((row, down) => row.flatMap((cell, across) => {
    const [x, y] = [left + across * wide, top + down * high]
    const middle = { 'text-anchor': 'middle' }
    if (cell === null || cell.change === null) return [mark('rect', { x: x + 1, y: y + 1, width: wide - 2, height: high - 2, class: 'empty' }), label(x + wide / 2, y + 26, '—', middle)]
    const depth = cell.verdict === 'higher' || cell.verdict === 'lower' ? 0.15 + (0.6 * Math.min(largest, Math.abs(cell.change))) / largest : 0.05
    return [
      mark('rect', { x: x + 1, y: y + 1, width: wide - 2, height: high - 2, rx: 2, fill: cell.change >= 0 ? 'var(--up)' : 'var(--down)', 'fill-opacity': depth.toFixed(2) }),
      label(x + wide / 2, y + 21, signedPercent(cell.change), { ...middle, class: 'strong' }),
      label(x + wide / 2, y + 35, VERDICT_NOTES[cell.verdict] || (cell.low === null || cell.high === null ? '' : `± ${fixed(50 * (cell.high - cell.low), 1)}`), { ...middle, class: 'small' }),
    ]
  }))
  return drawing({ width: WIDTH, height: top + high * grid.rows.length + 8, title }, [
    label(left, 14, `${words.x} →`), label(8, 34, `${words.y} ↓`),
    ...grid.x.values.map((value, across) => label(left + (across + 0.5) * wide, 34, short(String(value), 14), { 'text-anchor': 'middle' })),
    ...grid.y.values.map((value, down) => label(left - 12, top + (down + 0.5) * high + 4, short(String(value), 26), { 'text-anchor': 'end' })), ...cells,
  ])
}
