// Which strips a GPU gets and what each draws. Pure: series names, colours, formats.
import { METRICS, MISSING, type GpuIdentity, type GpuRow, type MetricKey } from '../../shared/gpu.ts'
import { fixed, gibibytes, percent, rate, UNKNOWN, watts } from '../../shared/units.ts'
import type { StripLine } from '../parts/Strip.tsx'
import { middle, rest } from '../parts/stripColumns.ts'
import type { Columns } from '../parts/columns.ts'
import { engineSeries, gpuSeries } from '../state/track.ts'
import { engineColour, isRepeated, STRIP_COLOURS, type Scheme } from '../theme/palette.ts'

export interface StripPlan {
  label: string
  /** Explained behind the title. */
  metrics: MetricKey[]
  names: string[]
  lines: StripLine[]
  stacked: boolean
  top: number | null
  axisFormat: (value: number) => string
  axisSteps?: number[]
  /** The sum of the stack, where it means something: its word and how it reads. */
  total?: { label: string; format: (value: number | null) => string }
  /** From the named series to one per line, where these differ. */
  shape?: (columns: Columns) => Columns
  note: string | null
}

export interface StripEngine {
  id: string
  colour: number
  name: string
  /** null: bound to no GPU, so that its memory is not known by GPU. */
  gpuUuid: string | null
  /** Whether it has a process: until it serves, that takes memory already. */
  runs: boolean
  /** Whether it serves: one that is still loading makes no tokens yet. */
  serves: boolean
}

interface Subject {
  gpuUuid: string
  engines: StripEngine[]
  gpmAbsent: boolean
  totalMiB: number | null
  limitWatts: number | null
  scheme: Scheme
}

/** Why GPM cannot be had on this GPU, in one sentence; null where it can, or where that is not known yet. */
export function gpmAbsent(identity: GpuIdentity | null, row: GpuRow | null): string | null {
  const missing = row?.metrics.smActivityPercent === null ? row.missing.smActivityPercent : undefined
  const lasting = missing === 'notSupported' || missing === 'noPermission'
  if (identity?.gpm !== false && !lasting) return null
  const why = missing === 'noPermission' ? MISSING.noPermission : 'It needs Hopper or newer, or GeForce 50, and a driver that gives it.'
  return `No SM activity or DRAM bandwidth here (GPM). ${why} Power and memory-controller busy are shown instead.`
}

export function stripPlans(subject: Subject): StripPlan[] {
  const [first, second] = subject.gpmAbsent ? [powerPlan(subject), metricPlan(subject, 'memoryControllerBusyPercent')] : [activityPlan(subject), metricPlan(subject, 'dramBandwidthPercent')]
  return [first, second, tokensPlan(subject), memoryPlan(subject)]
}

const asPercent = (digits: number) => (value: number | null) => (value === null ? UNKNOWN : `${fixed(value, digits)} %`)

function metricLine(metric: MetricKey, colour: string, area: boolean): StripLine {
  return { label: METRICS[metric].label, colour, area, format: asPercent(METRICS[metric].digits) }
}

function activityPlan({ gpuUuid, scheme }: Subject): StripPlan {
  const ink = STRIP_COLOURS[scheme]
  return {
    label: 'SM activity over kernel busy', metrics: ['smActivityPercent', 'kernelBusyPercent'], stacked: false, top: 100, axisFormat: percent, note: null,
    names: [gpuSeries(gpuUuid, 'kernelBusyPercent'), gpuSeries(gpuUuid, 'smActivityPercent')],
    lines: [metricLine('kernelBusyPercent', ink.faint, false), metricLine('smActivityPercent', ink.strong, true)],
  }
}

function metricPlan({ gpuUuid, scheme }: Subject, metric: MetricKey): StripPlan {
  return {
    label: METRICS[metric].label, metrics: [metric], stacked: false, top: 100, axisFormat: percent, note: null,
    names: [gpuSeries(gpuUuid, metric)], lines: [metricLine(metric, STRIP_COLOURS[scheme].strong, true)],
  }
}

/** Watts under their own name: not a stand-in for SM activity. */
function powerPlan({ gpuUuid, scheme, limitWatts }: Subject): StripPlan {
  return {
    label: limitWatts === null ? 'Power' : `Power of ${watts(limitWatts)} limit`, metrics: ['powerWatts', 'powerLimitWatts'], stacked: false, top: limitWatts, axisFormat: watts, note: null,
    names: [gpuSeries(gpuUuid, 'powerWatts')], lines: [{ label: METRICS.powerWatts.label, colour: STRIP_COLOURS[scheme].strong, area: true, format: watts }],
  }
}

/** Whole GiB, in MiB. */
const GIB_STEPS = [1, 2, 4, 5, 8, 10, 20, 40, 50, 100].map((gibibyte) => gibibyte * 1024)

/** With as many digits as the step needs, so that no two labels read the same. */
const axisRate = (value: number): string => fixed(value, Number.isInteger(value) ? 0 : Number.isInteger(value * 10) ? 1 : 2)

function tokensPlan({ engines, scheme }: Subject): StripPlan {
  return {
    label: 'Tokens per second', metrics: [], stacked: true, top: null, axisFormat: axisRate, total: { label: 'total', format: rate },
    names: engines.map(({ id }) => engineSeries(id, 'generatedTokensPerSecond')),
    lines: engines.map(({ name, colour, serves }) => ({ label: name, colour: engineColour(colour, scheme), dashed: isRepeated(colour), format: rate, optional: !serves, resting: !serves })),
    note: engines.length === 0 ? 'Each engine gets a layer here once it runs.' : null,
  }
}

function memoryPlan({ gpuUuid, engines: all, scheme, totalMiB }: Subject): StripPlan {
  const engines = all.filter((engine) => engine.gpuUuid === gpuUuid)
  return {
    label: totalMiB === null ? 'Memory' : `Memory of ${gibibytes(totalMiB)}`, metrics: ['memoryUsedMiB', 'memoryTotalMiB'], stacked: true, top: totalMiB, note: null,
    axisFormat: (value) => `${fixed(value / 1024, value === totalMiB && value % 1024 !== 0 ? 1 : 0)} GiB`, axisSteps: GIB_STEPS, total: { label: 'in use', format: gibibytes },
    names: [...engines.map(({ id }) => engineSeries(id, 'gpuMemoryMiB')), gpuSeries(gpuUuid, 'memoryUsedMiB')],
    lines: [
      ...engines.map(({ name, colour, runs }) => ({ label: name, colour: engineColour(colour, scheme), dashed: isRepeated(colour), format: gibibytes, optional: true, resting: !runs })),
      { label: 'other', colour: STRIP_COLOURS[scheme].other, format: gibibytes },
    ],
    shape: othersLast,
  }
}

/** The last series, memory in use, becomes what belongs to none of the engines before it. */
export function othersLast(columns: Columns): Columns {
  const engines = columns.series.slice(0, -1)
  const used = columns.series.at(-1)
  if (used === undefined) return columns
  return { ...columns, series: [...engines, { min: null, max: rest(middle(used), engines.map(middle)) }] }
}
