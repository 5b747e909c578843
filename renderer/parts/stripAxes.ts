// The axes of a strip: where they are labelled and how. A strip asks with every frame, so what is the same as before is kept.
import uPlot from 'uplot'
import type { STRIP_COLOURS, Scheme } from '../theme/palette.ts'
import type { StripProps } from './Strip.tsx'
import { splitsTo } from './stripColumns.ts'

const FONT = '10.5px system-ui, sans-serif'
/** Width of the value axis: "79.6 GiB" has to fit. */
export const AXIS_PX = 62
/** Room that a label of an axis takes along it. */
const LABEL_PX = { time: 60, value: 26 }

/** Sizes are the plot's own: one that the document is asked for makes it lay itself out, with every frame. */
export function stripAxes(latest: { current: StripProps }, ink: (typeof STRIP_COLOURS)[Scheme]): uPlot.Axis[] {
  const { timeAxis, axisSteps, top } = latest.current
  let known: { high: number; height: number; splits: number[]; labels: string[] } | null = null
  const look: uPlot.Axis = { stroke: ink.text, font: FONT, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false } }
  return [
    {
      ...look, size: timeAxis ? 22 : 0, gap: 4, space: 90,
      values: (plot, splits) => splits.map((at) => {
        if (!timeAxis) return null
        const x = plot.valToPos(at, 'x')
        const whole = x > LABEL_PX.time / 2 - 50 && x < plot.bbox.width / uPlot.pxRatio + 10 - LABEL_PX.time / 2
        return whole ? timeLabel(at, latest.current.spanMs) : null
      }),
    },
    {
      ...look, size: AXIS_PX, gap: 6,
      splits: ({ height }, _axis, _low, high) => {
        if (known?.high !== high || known.height !== height) {
          const splits = splitsTo(high, Math.max(1, Math.floor((height - 30) / LABEL_PX.value)), axisSteps)
          known = { high, height, splits, labels: splits.map(latest.current.axisFormat) }
        }
        return known.splits
      },
      values: (plot) => (latest.current.note || (top === null && !anyKnown(plot)) ? [] : known?.labels ?? []),
    },
  ]
}

/** A top that follows the readings means nothing before the first. */
const anyKnown = ({ data }: uPlot): boolean => data.slice(1).some((series) => series.some((value) => value != null))

/** Kept: making one for each label costs more than drawing the strip. */
export const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

function timeLabel(atMs: number, spanMs: number): string {
  const text = CLOCK.format(atMs)
  return spanMs > 600_000 ? text.slice(0, 5) : text
}
