// Strip: one live chart on canvas. With its axes (stripAxes.ts) the only place that knows uPlot. It draws from columns it is handed and never causes a render.
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useLayoutEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { UNKNOWN } from '../../shared/units.ts'
import { engineColour, STRIP_COLOURS, type Scheme } from '../theme/palette.ts'
import type { Columns } from './columns.ts'
import { onReadings, writeText } from './readings.ts'
import { AXIS_PX, CLOCK, stripAxes } from './stripAxes.ts'
import { axisTop, middle, nearest, newest, stack, sumAt } from './stripColumns.ts'

export interface StripLine {
  label: string
  colour: string
  /** The colour also fills down to zero; a stacked line always fills. */
  area?: boolean
  /** Its colour stands for another line too: told apart by dashes. */
  dashed?: boolean
  format: (value: number | null) => string
  /** The total is told without it where it is unknown: it adds nothing then, or another line holds it. */
  optional?: boolean
  /** Has nothing to say while it is unknown: the legend leaves it out then. */
  resting?: boolean
}

/** A moment marked across the strip; `colour` is an engine's index, null for none. */
export interface StripMark { atMs: number; label: string; colour: number | null }

export interface StripProps {
  title: React.ReactNode
  label: string
  lines: StripLine[]
  stacked?: boolean
  /** Fixed top of the axis; null: a round number over what is drawn. */
  top: number | null
  axisFormat: (value: number) => string
  /** Steps the axis may be divided by, ascending; left out: round decimal numbers. */
  axisSteps?: number[]
  /** One series per line, same order. */
  read: () => Columns
  /** Whether `read` gives minimum and maximum per bucket rather than single readings. */
  ranged: boolean
  marks: () => StripMark[]
  /** Width of the time axis. */
  spanMs: number
  /** Whether the time axis is labelled; and whether marks are: there the crosshair, which all strips share, can be moved with the keyboard. */
  timeAxis?: boolean
  markLabels?: boolean
  /** Calls back whenever there is something new to draw. */
  subscribe: (redraw: () => void) => () => void
  /** A stacked strip whose sum means something: its word and how it reads. */
  total?: { label: string; format: (value: number | null) => string }
  /** Said beside the title, in small. */
  aside?: React.ReactNode
  /** Said over the plot when there is nothing to draw. */
  note?: string | null
}

/** Of a long name in a stack the legend shows so much; all of it on hover. */
const NAME_LETTERS = 14

export function Strip(props: StripProps) {
  const scheme = useComputedColorScheme('dark')
  const shape = JSON.stringify([scheme, props.stacked, props.ranged, props.timeAxis, props.top, props.lines.map((line) => [line.label, line.colour, line.area, line.resting])])
  return <Drawing key={shape} {...props} scheme={scheme} />
}

/** One uPlot, made anew only when lines, axes or colours are others. */
function Drawing({ scheme, ...props }: StripProps & { scheme: Scheme }) {
  const shortened = props.lines.map(({ label }) => (props.stacked && label.length > NAME_LETTERS ? `${label.slice(0, NAME_LETTERS - 1)}…` : label))
  const plotBox = useRef<HTMLDivElement>(null)
  const legendBox = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  useLayoutEffect(() => { latest.current = props })
  const { subscribe } = props
  useEffect(() => {
    const box = plotBox.current
    if (box === null) return
    const drawing = draw(box, legendBox.current, latest, scheme)
    const stop = subscribe(drawing.redraw)
    const sizes = new ResizeObserver(() => drawing.resize())
    sizes.observe(box)
    return () => { stop(); sizes.disconnect(); drawing.end() }
  }, [scheme, subscribe])
  return (
    <section className="strip" aria-label={props.label}>
      <div className="stripHead">
        <h2 className="panelTitle">{props.title}</h2>
        {props.aside != null && <span className="dim small cut">{props.aside}</span>}
        <div className="legend" ref={legendBox}>
          {props.lines.map((line, at) => (
            <span key={at} title={line.label}><i className="key" style={{ background: line.colour }} /><span className="name">{shortened[at]} </span><b className="reading" /></span>
          ))}
          {props.total !== undefined && props.lines.length > 1 && <span className="total">{props.total.label} <b className="reading" /></span>}
        </div>
      </div>
      <div className="stripPlot" ref={plotBox} {...(props.markLabels ? CROSSHAIR : {})}>{props.note ? <div className="stripNote"><span>{props.note}</span></div> : null}</div>
    </section>
  )
}

type Latest = { current: StripProps }

/** Readings per press of an arrow key; with Shift held. */
const STEPS = { one: 1, many: 10 }
const CROSSHAIR = { tabIndex: 0, role: 'group', 'aria-label': 'Crosshair: moved with the left and right arrow keys' } as const

function draw(box: HTMLElement, legend: HTMLElement | null, latest: Latest, scheme: Scheme) {
  let columns: Columns = { atMs: [], series: [], bucketMs: null }
  const readings = [...(legend?.querySelectorAll<HTMLElement>('.reading') ?? [])]
  let cursorAt: number | null = null
  /** Where not every line has room, the legend shows single lines only under the crosshair: their present values are on the cards. */
  const fit = () => {
    if (legend === null) return
    legend.classList.remove('crowded')
    const { scrollWidth, clientWidth } = legend.parentElement!
    legend.classList.toggle('crowded', scrollWidth > clientWidth)
  }
  const showReadings = () => {
    const { lines, total } = latest.current
    const texts = lines.map((line, index) => (columns.series[index] === undefined ? '' : readingText(line, columns.series[index], cursorAt)))
    if (total !== undefined) texts.push(total.format(sumAt(columns, lines, cursorAt)))
    let other = false
    for (const [index, text] of texts.entries()) {
      const box = readings[index]
      if (box === undefined) continue
      const before = box.textContent.length
      if (!writeText(box, text)) continue
      if (before !== text.length) other = true
      box.parentElement!.hidden = lines[index]?.resting === true && text === UNKNOWN
    }
    if (other) fit()
  }
  const onCursor = (at: number | null) => {
    showMoment(at)
    if (at === cursorAt) return
    cursorAt = at
    legend?.toggleAttribute('data-cursor', at !== null)
    showReadings()
  }
  const plot = new uPlot(options(box, latest, scheme, onCursor), [[]], box)
  const moment = latest.current.timeAxis ? plot.over.appendChild(Object.assign(document.createElement('div'), { className: 'stripMoment' })) : null
  /** The time under the crosshair, with the mark that it stands on. */
  function showMoment(at: number | null): void {
    const atMs = at === null ? undefined : columns.atMs[at]
    if (moment == null) return
    if (atMs === undefined) return moment.replaceChildren()
    const x = plot.valToPos(atMs, 'x')
    const mark = nearest(latest.current.marks(), ({ atMs: markMs }) => Math.abs(plot.valToPos(markMs, 'x') - x), MARK_REACH_PX)
    moment.textContent = `${CLOCK.format(atMs)}${mark === null ? '' : `  ${mark.label}`}`
    const half = moment.offsetWidth / 2
    moment.style.left = `${Math.min(Math.max(x, half - AXIS_PX), plot.over.clientWidth - half)}px`
  }
  // the third, missing from its types: told to the other strips, as the mouse's moves are
  const place = (left: number, top: number) => (plot.setCursor as (at: { left: number; top: number }, fire: boolean, publish: boolean) => void)({ left, top }, true, true)
  const redraw = () => {
    if (document.hidden) return
    columns = latest.current.read()
    plot.setData(plotData(columns, latest.current), false)
    const end = columns.atMs.at(-1) ?? Date.now()
    plot.setScale('x', { min: end - latest.current.spanMs, max: end })
  }
  redraw()
  const listening = new AbortController()
  const leave = () => place(-10, -10)
  const onKey = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1, Escape: 0 }[event.key]
    if (way === undefined) return
    event.preventDefault()
    const last = columns.atMs.length - 1
    // from the newest when it stands nowhere
    const at = columns.atMs[Math.min(last, Math.max(0, (cursorAt ?? last + 1) + way * (event.shiftKey ? STEPS.many : STEPS.one)))]
    if (way === 0) leave()
    else if (at !== undefined) place(plot.valToPos(at, 'x'), 1)
  }
  if (latest.current.markLabels) {
    box.addEventListener('keydown', onKey, { signal: listening.signal })
    box.addEventListener('blur', leave, { signal: listening.signal })
  }
  const stopReadings = onReadings(showReadings)
  return {
    redraw: () => { redraw(); if (latest.current.ranged) showReadings() },
    resize: () => { plot.setSize({ width: box.clientWidth, height: box.clientHeight }); fit() },
    end: () => { listening.abort(); stopReadings(); plot.destroy() },
  }
}

function readingText(line: StripLine, series: Columns['series'][number], at: number | null): string {
  if (at === null) return line.format(newest(middle(series)))
  const high = series.max[at] ?? null
  const low = series.min?.[at] ?? high
  return low === high || low === null ? line.format(high) : `${line.format(low)} – ${line.format(high)}`
}

/** Stacked: one running sum per line, tallest first, so that each is painted over the one behind it. Ranged: two per line, maximum and minimum, with a band between. */
function plotData({ atMs, series }: Columns, { stacked, ranged }: StripProps): uPlot.AlignedData {
  if (stacked) return [atMs, ...stack(series.map(middle)).reverse()]
  return [atMs, ...(ranged ? series.flatMap(({ min, max }) => [max, min ?? max]) : series.map(({ max }) => max))]
}

/** So near to a mark the crosshair stands on it. */
const MARK_REACH_PX = 7

function options(box: HTMLElement, latest: Latest, scheme: Scheme, onCursor: (at: number | null) => void): uPlot.Options {
  const { stacked, ranged, lines, timeAxis, top } = latest.current
  const ink = STRIP_COLOURS[scheme]
  return {
    ms: 1, width: box.clientWidth, height: box.clientHeight, padding: [7, 10, timeAxis ? 0 : 7, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: 'live', scales: ['x', null] } },
    scales: { x: { time: true, auto: false }, y: top === null ? { auto: true, range: (_plot, _low, high) => [0, axisTop(high)] } : { auto: false, range: [0, top] } },
    axes: stripAxes(latest, ink),
    series: [{}, ...seriesOf(latest.current, ink.surface)],
    bands: stacked || !ranged ? [] : lines.map((line, at) => ({ series: [2 * at + 1, 2 * at + 2] as [number, number], fill: `${line.colour}40` })),
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)], draw: [(plot) => drawMarks(plot, latest.current, scheme)] },
  }
}

function seriesOf({ lines, stacked, ranged }: StripProps, surface: string): uPlot.Series[] {
  const lineOf = (line: StripLine, fill: boolean): uPlot.Series => ({
    stroke: line.colour, width: 1.3, points: { show: false }, ...(line.dashed ? { dash: [5, 3] } : {}), ...(fill ? { fill: stacked ? mixed(line.colour, surface, 0.32) : `${line.colour}24` } : {}),
  })
  if (stacked) return lines.map((line) => lineOf(line, true)).reverse()
  if (ranged) return lines.flatMap((line) => [lineOf(line, false), { ...lineOf(line, line.area ?? false), width: 0.6 }])
  return lines.map((line) => lineOf(line, line.area ?? false))
}

/** Two `#rrggbb` as one opaque colour: a canvas parses colours on every stroke, and color-mix() costs it dearly. */
function mixed(over: string, under: string, part: number): string {
  const channel = (colour: string, at: number): number => Number.parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16)
  return `rgb(${[0, 1, 2].map((at) => Math.round(channel(over, at) * part + channel(under, at) * (1 - part))).join(',')})`
}

function drawMarks(plot: uPlot, { marks, markLabels, spanMs }: StripProps, scheme: Scheme): void {
  const shown = marks().filter(({ atMs }) => atMs >= plot.scales['x']!.min! && atMs <= plot.scales['x']!.max!)
  if (shown.length === 0) return
  const { ctx, bbox } = plot
  const ratio = uPlot.pxRatio
  let freeUntil = Infinity
  ctx.save()
  ctx.font = `${10.5 * ratio}px system-ui, sans-serif`
  ctx.textBaseline = 'top'
  ctx.textAlign = 'left'
  // newest first: of several close together the last one, which says how it ended, has the label
  for (const mark of shown.toReversed()) {
    const x = plot.valToPos(mark.atMs, 'x', true)
    const colour = mark.colour === null ? STRIP_COLOURS[scheme].mark : engineColour(mark.colour, scheme)
    ctx.strokeStyle = colour
    ctx.setLineDash([2 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    if (!markLabels || spanMs > 600_000) continue
    const width = ctx.measureText(mark.label).width
    const left = Math.min(x + 3 * ratio, bbox.left + bbox.width - width)
    if (left + width > freeUntil) continue
    ctx.fillStyle = STRIP_COLOURS[scheme].surface
    ctx.fillRect(left - ratio, bbox.top, width + 2 * ratio, 13 * ratio)
    ctx.fillStyle = colour
    ctx.fillText(mark.label, left, bbox.top + ratio)
    freeUntil = left - 6 * ratio
  }
  ctx.restore()
}
