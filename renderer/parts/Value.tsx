// Value: one number with its unit, where it comes from, and its age when it is no longer fresh. Unknown reads "—" and says why.
import { Tooltip } from '@mantine/core'
import { duration, fixed, UNKNOWN } from '../../shared/units.ts'
import { METRICS, MISSING, type GpuRow, type MetricKey } from '../../shared/gpu.ts'
import { useNowMs } from './now.ts'

/** A reading older than this is shown greyed, with its age. */
export const FRESH_MS = 4000

interface ValueProps {
  text: string
  unit?: string
  /** What it means or why it is unknown; shown on hover and on keyboard focus. */
  explain?: React.ReactNode
  /** When it was read, epoch ms on the core's clock; left out for what does not age. */
  readAtMs?: number | null
  className?: string
}

export function Value({ text, unit, explain, readAtMs, className = '' }: ValueProps) {
  const body = (
    <span className={`value ${explain ? 'explained' : ''} ${className}`} tabIndex={explain ? 0 : undefined}>
      {text}
      {unit !== undefined && text !== UNKNOWN && <span className="unit">{unit}</span>}
    </span>
  )
  const shown = readAtMs == null || text === UNKNOWN ? body : <Aged readAtMs={readAtMs}>{body}</Aged>
  return explain ? <Tooltip label={explain}>{shown}</Tooltip> : shown
}

function Aged({ readAtMs, children }: { readAtMs: number; children: React.ReactNode }) {
  const ageMs = useNowMs() - readAtMs
  if (ageMs < FRESH_MS) return <span>{children}</span>
  return <span><span className="stale">{children}</span> <span className="dim small nowrap">{duration(ageMs)} old</span></span>
}

/** One metric of one GPU, with all that is to know about it. */
export function MetricValue({ row, metric }: { row: GpuRow | null; metric: MetricKey }) {
  const { unit, digits } = METRICS[metric]
  const value = row?.metrics[metric] ?? null
  return <Value text={fixed(value, digits)} unit={unit} readAtMs={readAtOf(row, metric)} explain={<MetricExplained metric={metric} row={row} />} />
}

function readAtOf(row: GpuRow | null, metric: MetricKey): number | null {
  if (row === null) return null
  return metric === 'smActivityPercent' || metric === 'dramBandwidthPercent' ? row.readAtMs.gpm : row.readAtMs.query
}

export function missingSentence(row: GpuRow | null, metric: MetricKey): string | null {
  if (row === null) return MISSING.starting
  if (row.metrics[metric] !== null) return null
  return MISSING[row.missing[metric] ?? 'noSample']
}

/** The age of what is missing. */
function LastRow({ readAtMs }: { readAtMs: number | null }) {
  const ageMs = useNowMs() - (readAtMs ?? 0)
  return readAtMs === null || ageMs < FRESH_MS ? null : <>Last row {duration(ageMs)} ago.</>
}

export function MetricExplained({ metric, row }: { metric: MetricKey; row: GpuRow | null }) {
  const { label, meaning, trap, source } = METRICS[metric]
  const missing = missingSentence(row, metric)
  return (
    <>
      <strong>{label}</strong>
      {missing !== null && <div>{UNKNOWN} {missing} <LastRow readAtMs={readAtOf(row, metric)} /></div>}
      <div>{meaning}</div>
      <div>{trap}</div>
      <div className="small">Source: {source}</div>
    </>
  )
}
