// Strip: one live chart on canvas. The only place that knows uPlot. It draws from columns it is handed and never causes a render.
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useLayoutEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { engineColour, STRIP_COLOURS, type Scheme } from '../theme/palette.ts'
import type { Columns } from './columns.ts'
import { axisTop, middle, newest, stack } from './stripColumns.ts'

export interface StripLine {
  label: string
  colour: string
  /** The colour also fills down to zero; a stacked line always fills. */
  area?: boolean
  format: (value: number | null) => string
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
  marks: () => StripMark[]
  /** Width of the time axis. */
  spanMs: number
  /** Whether the time axis is labelled; and whether marks are. */
  timeAxis?: boolean
  markLabels?: boolean
  /** Calls back whenever there is something new to draw. */
  subscribe: (redraw: () => void) => () => void
  /** A stacked strip whose sum means something: how the sum reads. */
  total?: (value: number | null) => string
  /** Said beside the title, in small. */
  aside?: React.ReactNode
  /** Said over the plot when there is nothing to draw. */
  note?: string | null
}

/** With more lines than this the legend leaves out the names: the colours are on the cards. */
const CROWDED = 5

export function Strip(props: StripProps) {
  const scheme = useComputedColorScheme('dark')
  const shape = JSON.stringify([scheme, props.stacked, props.timeAxis, props.top, props.lines.map((line) => [line.label, line.colour, line.area])])
  return <Drawing key={shape} {...props} scheme={scheme} />
}

/** One uPlot, made anew only when lines, axes or colours are others. */
function Drawing({ scheme, ...props }: StripProps & { scheme: Scheme }) {
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
        <h3 className="panelTitle">{props.title}</h3>
        {props.aside != null && <span className="dim small cut">{props.aside}</span>}
        <div className="legend" ref={legendBox}>
          {props.lines.map((line, at) => (
            <span key={at} title={line.label}><i className="key" style={{ background: line.colour }} />{props.lines.length <= CROWDED && line.label}<b className="reading" /></span>
          ))}
          {props.total !== undefined && props.lines.length > 1 && <span>total<b className="reading" /></span>}
        </div>
      </div>
      <div className="stripPlot" ref={plotBox}>{props.note ? <div className="stripNote">{props.note}</div> : null}</div>
    </section>
  )
}

type Latest = { current: StripProps }

function draw(box: HTMLElement, legend: HTMLElement | null, latest: Latest, scheme: Scheme) {
  let columns: Columns = { atMs: [], series: [], bucketMs: null }
  const readings = [...(legend?.querySelectorAll<HTMLElement>('.reading') ?? [])]
  const showReadings = (at: number | null) => {
    const { lines, total } = latest.current
    const texts = lines.map((line, index) => (columns.series[index] === undefined ? '' : readingText(line, columns.series[index], at)))
    if (total !== undefined) texts.push(total(sumAt(columns, at)))
    for (const [index, text] of texts.entries()) if (readings[index] !== undefined && readings[index].textContent !== text) readings[index].textContent = text
  }
  const plot = new uPlot(options(box, latest, scheme, (at) => showReadings(at)), [[]], box)
  const redraw = () => {
    if (document.hidden) return
    columns = latest.current.read()
    plot.setData(plotData(columns, latest.current.stacked ?? false), false)
    const end = columns.atMs.at(-1) ?? Date.now()
    plot.setScale('x', { min: (end - latest.current.spanMs) / 1000, max: end / 1000 })
    showReadings(plot.cursor.idx ?? null)
  }
  redraw()
  return {
    redraw,
    resize: () => plot.setSize({ width: box.clientWidth, height: box.clientHeight }),
    end: () => plot.destroy(),
  }
}

/** Sum of what is known at a moment, or now; null when nothing is. */
function sumAt(columns: Columns, at: number | null): number | null {
  const known = columns.series.map((series) => (at === null ? newest(middle(series)) : middle(series)[at] ?? null)).filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}

function readingText(line: StripLine, series: Columns['series'][number], at: number | null): string {
  if (at === null) return line.format(newest(middle(series)))
  const high = series.max[at] ?? null
  const low = series.min?.[at] ?? high
  return low === high || low === null ? line.format(high) : `${line.format(low)} – ${line.format(high)}`
}

/** Stacked: one running sum per line, tallest first, so that each is painted over the one behind it. Else two per line, maximum and minimum, with a band between. */
function plotData(columns: Columns, stacked: boolean): uPlot.AlignedData {
  const seconds = columns.atMs.map((atMs) => atMs / 1000)
  const values = stacked ? stack(columns.series.map(middle)).reverse() : columns.series.flatMap(({ min, max }) => [max, min ?? max])
  return [seconds, ...values]
}

function options(box: HTMLElement, latest: Latest, scheme: Scheme, onCursor: (at: number | null) => void): uPlot.Options {
  const { lines, stacked, timeAxis, top, axisSteps } = latest.current
  const ink = STRIP_COLOURS[scheme]
  const font = '10.5px system-ui, sans-serif'
  const lineOf = (line: StripLine, fill: boolean): uPlot.Series => ({
    stroke: line.colour, width: 1.3, points: { show: false }, ...(fill ? { fill: stacked ? `color-mix(in srgb, ${line.colour} 32%, ${ink.surface})` : `${line.colour}24` } : {}),
  })
  return {
    width: box.clientWidth, height: box.clientHeight, padding: [6, 10, timeAxis ? 0 : 4, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: 'live', scales: ['x', null] } },
    scales: { x: { time: true, auto: false }, y: { auto: true, range: (_plot, _low, high) => [0, top ?? axisTop(high)] } },
    axes: [
      { show: true, stroke: ink.text, font, size: timeAxis ? 22 : 0, gap: 4, space: 90, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false }, values: (_plot, splits) => (timeAxis ? splits.map((at) => timeLabel(at, latest.current.spanMs)) : splits.map(() => '')) },
      { stroke: ink.text, font, size: 52, gap: 6, space: 26, ...(axisSteps === undefined ? {} : { incrs: axisSteps }), grid: { stroke: ink.grid, width: 1 }, ticks: { show: false }, values: (_plot, splits) => splits.map((value) => latest.current.axisFormat(value)) },
    ],
    series: [{}, ...(stacked ? lines.map((line) => lineOf(line, true)).reverse() : lines.flatMap((line) => [lineOf(line, false), { ...lineOf(line, line.area ?? false), width: 0.6 }]))],
    bands: stacked ? [] : lines.map((line, at) => ({ series: [2 * at + 1, 2 * at + 2] as [number, number], fill: `${line.colour}40` })),
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)], draw: [(plot) => drawMarks(plot, latest.current, scheme)] },
  }
}

function timeLabel(atSeconds: number, spanMs: number): string {
  const text = new Date(atSeconds * 1000).toLocaleTimeString('en-GB')
  return spanMs > 600_000 ? text.slice(0, 5) : text
}

function drawMarks(plot: uPlot, { marks, markLabels, spanMs }: StripProps, scheme: Scheme): void {
  const { ctx, bbox } = plot
  const ratio = uPlot.pxRatio
  let freeFrom = -Infinity
  ctx.save()
  ctx.font = `${10.5 * ratio}px system-ui, sans-serif`
  ctx.textBaseline = 'top'
  ctx.textAlign = 'left'
  for (const mark of marks()) {
    const x = plot.valToPos(mark.atMs / 1000, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    const colour = mark.colour === null ? STRIP_COLOURS[scheme].mark : engineColour(mark.colour, scheme)
    ctx.strokeStyle = colour
    ctx.setLineDash([2 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    if (!markLabels || spanMs > 600_000 || x < freeFrom) continue
    const width = ctx.measureText(mark.label).width
    const left = Math.min(x + 3 * ratio, bbox.left + bbox.width - width)
    ctx.fillStyle = STRIP_COLOURS[scheme].surface
    ctx.fillRect(left - ratio, bbox.top, width + 2 * ratio, 13 * ratio)
    ctx.fillStyle = colour
    ctx.fillText(mark.label, left, bbox.top + ratio)
    freeFrom = left + width + 6 * ratio
  }
  ctx.restore()
}
