// A report as CSV after RFC 4180: one row per block and engine, for a spreadsheet or a data frame. Numbers as they are, no thousands separators.
import { belowPlateau } from '../../../../shared/counted.ts'
import type { Block, Report } from '../../../../shared/experiment.ts'
import type { LoadResult, Percentiles } from '../../../../shared/load.ts'

type Value = string | number | boolean | null

/** Text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers. */
function field(value: Value): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const safe = /^[\t\r\n ]*[=+\-@|%]/.test(value) || /^[\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const latency = (name: string, of: Percentiles | null): [string, Value][] => (['mean', 'p50', 'p90', 'p95', 'p99', 'max'] as const).map((key) => [`${name}Ms_${key}`, of?.[key] ?? null])

function resultColumns(result: LoadResult | null): [string, Value][] {
  return [
    ['windowSeconds', result?.windowSeconds ?? null], ['requestsSent', result?.requests.sent ?? null], ['requestsFinished', result?.requests.finished ?? null], ['requestsFailed', result?.requests.failed ?? null],
    ['requestsCutOff', result?.requests.cutOff ?? null], ['promptTokens', result?.promptTokens ?? null], ['outputTokens', result?.outputTokens ?? null], ['outputTokensPerSecond', result?.outputTokensPerSecond ?? null],
    ['requestsPerSecond', result?.requestsPerSecond ?? null], ['goodputPerSecond', result?.goodputPerSecond ?? null],
    ...latency('ttft', result?.ttftMs ?? null), ...latency('itl', result?.itlMs ?? null), ...latency('tpot', result?.tpotMs ?? null), ...latency('endToEnd', result?.endToEndMs ?? null),
    ['shortOutputs', result?.shortOutputs ?? null], ['countedByUsage', result?.countedByUsage ?? null], ['clientCpuPercent', result?.client.cpuPercent ?? null], ['clientLateMs_p99', result?.client.lateMsP99 ?? null],
  ]
}

function columnsOf(report: Report, block: Block, engine: Block['engines'][number] | null): [string, Value][] {
  const point = report.plan.cells[block.cell]?.point ?? {}
  const arm = report.plan.file.arms.find((one) => one.id === block.armId)
  return [
    ['reportId', report.id], ['simulated', report.simulated], ['gpu', report.workstation.gpuName], ['cell', block.cell],
    ['model', point.model ?? null], ['promptTokensAsked', point.promptTokens ?? null], ['outputTokensAsked', point.outputTokens ?? null], ['concurrency', point.concurrency ?? null], ['requestsPerSecondAsked', point.perSecond ?? null],
    ['block', block.index], ['round', block.round], ['purpose', block.purpose], ['startedAt', new Date(block.startedAtMs).toISOString()], ['arm', block.armId], ['armKind', arm?.kind ?? null], ['armBelowPlateau', report.checks.some(({ name, result }) => name === `plateau/${block.armId}` && result !== 'notChecked') ? belowPlateau(report, [block.armId]).length > 0 : null], ['validity', block.validity], ['reasons', block.reasons.join(' ')],
    ['armOutputTokensPerSecond', block.total?.outputTokensPerSecond ?? null], ['armTtftMs_p95', block.total?.ttftMs?.p95 ?? null], ['armTpotMs_p95', block.total?.tpotMs?.p95 ?? null],
    ['smActivityPercent', block.gpu.smActivityPercent], ['dramBandwidthPercent', block.gpu.dramBandwidthPercent], ['kernelBusyPercent', block.gpu.kernelBusyPercent],
    ['powerWatts', block.gpu.powerWatts], ['temperatureCelsius', block.gpu.temperatureCelsius], ['smClockMHz', block.gpu.smClockMHz], ['memoryClockMHz', block.gpu.memoryClockMHz],
    ['engine', engine?.engineName ?? null], ...resultColumns(engine?.result ?? null),
  ]
}

/** A block without engines, because it failed, still has its row. */
export function csvText(report: Report): string {
  const rows = report.blocks.flatMap((block) => (block.engines.length === 0 ? [null] : block.engines).map((engine) => columnsOf(report, block, engine)))
  const head = (rows[0] ?? [['reportId'], ['simulated']]).map(([name]) => name)
  return [head, ...rows.map((row) => row.map(([, value]) => value))].map((values) => `${values.map(field).join(',')}\r\n`).join('')
}
