// What a stream's state means for the values that should come from it. Pure.
import type { Missing, SampleStream } from '../../../shared/gpu.ts'

/** Why values are missing while a stream is in this state. */
export function reasonOf({ state, fault }: SampleStream): Missing {
  if (state !== 'refused') return REASONS[state]
  return REFUSALS[fault?.code ?? ''] ?? 'refused'
}
/** COMMAND_FAILED: it ended in a way that says nothing of the driver. */
const REFUSALS: Readonly<Record<string, Missing>> = { GPU_LOST: 'gpuLost', NO_PERMISSION: 'noPermission', COMMAND_FAILED: 'stopped' }
const REASONS = {
  starting: 'starting', live: 'silent', silent: 'silent', unreadable: 'badLine', unsupported: 'notSupported', toolMissing: 'toolMissing', restarting: 'stopped', gaveUp: 'stopped',
} as const satisfies Partial<Record<SampleStream['state'], Missing>>

const WORST: readonly SampleStream['state'][] = ['live', 'unsupported', 'starting', 'restarting', 'gaveUp', 'silent', 'unreadable', 'refused', 'toolMissing']

/** Several processes that together are one stream of the frame: the worst of them speaks. `idle` when there are none. */
export function worstOf(reports: readonly SampleStream[], idle: SampleStream): SampleStream {
  const worst = [...reports].sort((a, b) => WORST.indexOf(b.state) - WORST.indexOf(a.state))[0]
  if (worst === undefined) return idle
  const times = reports.map((report) => report.lastRowAtMs)
  const oldest = times.some((time) => time === null) ? null : Math.min(...times.filter((time) => time !== null))
  return { ...worst, lastRowAtMs: oldest, badLines: reports.reduce((sum, report) => sum + report.badLines, 0) }
}
