// Every figure of two reports side by side. Reports are held against each other by what a cell and an arm are called, not by their place.
import type { Comparison, Report } from '../../../../shared/experiment.ts'
import { besideText, blockCounts, holdsOnlyFor } from '../../../../shared/counted.ts'
import { armPhrase, baselinePhrase, intervalText, MEASURES, signedPercent } from '../../../../shared/headline.ts'
import { intervalOf } from '../../../../shared/interval.ts'
import { LATENCIES, limitsText, THROUGHPUTS, type LoadResult } from '../../../../shared/load.ts'
import { pointText, validBlocks } from '../../../../shared/sweep.ts'
import { duration, fixed, gibibytes, rate, UNKNOWN, watts } from '../../../../shared/units.ts'
import { arrivalsText, commandText, dayAndTime, lengthsText, milliseconds, settingsText } from './words.ts'

export interface ComparedRow {
  group: string
  what: string
  /** Null: this report has none. */
  a: string | null
  b: string | null
  /** b / a − 1; null where it is not a figure, or one is missing or zero. */
  change: number | null
  differs: boolean
}

interface Entry {
  text: string
  figure: number | null
}
/** `group\0what` → entry, in the order in which it is shown. */
type Entries = Map<string, Entry>

export function compareReports(a: Report, b: Report): { rows: ComparedRow[] } {
  const [left, right] = [entriesOf(a), entriesOf(b)]
  const rows = [...new Set([...left.keys(), ...right.keys()])].map((key): ComparedRow => {
    const [group = '', what = ''] = key.split('\0')
    const [one, other] = [left.get(key), right.get(key)]
    const change = one?.figure == null || other?.figure == null || one.figure === 0 ? null : other.figure / one.figure - 1
    return { group, what, a: one?.text ?? null, b: other?.text ?? null, change, differs: one?.text !== other?.text }
  })
  // A group that only one of the two has comes after those of both.
  const groups = [...new Set(rows.map((row) => row.group))]
  return { rows: groups.flatMap((group) => rows.filter((row) => row.group === group)) }
}

function entriesOf(report: Report): Entries {
  const entries: Entries = new Map()
  const add = (group: string, what: string, text: string | null, figure: number | null = null) => void entries.set(`${group}\0${what}`, { text: text ?? UNKNOWN, figure })
  addReport(report, add)
  for (const comparison of report.comparisons) addGain(report, comparison, add)
  report.plan.cells.forEach((_, cell) => report.plan.file.arms.forEach((arm) => addArm(report, arm.id, cell, add)))
  addSetup(report, add)
  return entries
}

type Add = (group: string, what: string, text: string | null, figure?: number | null) => void

function addReport(report: Report, add: Add): void {
  const compared = report.blocks.filter(({ purpose }) => purpose === 'compared')
  const count = (validity: string) => compared.filter((block) => block.validity === validity).length
  add('Report', 'Title', report.plan.file.title)
  add('Report', 'Numbers', report.simulated ? 'SIMULATED' : 'measured')
  add('Report', 'Outcome', report.reasons.length === 0 ? report.outcome : `${report.outcome}: ${report.reasons.join(' ')}`)
  add('Report', 'Time', dayAndTime(report.startedAtMs))
  add('Report', 'Blocks for the gains, valid · invalid · failed', ['valid', 'invalid', 'failed'].map(count).join(' · '))
  add('Report', 'Probes and control blocks', besideText(blockCounts(report.blocks)))
  add('Report', 'Checks that failed or warn', report.checks.filter((check) => check.result === 'failed').map((check) => check.name).join(', ') || 'none')
}

const inCell = (report: Report, cell: number, text: string): string => [text, pointText(report.plan.cells[cell]?.point ?? {})].filter((part) => part !== '').join(', ')

/** The change column stays empty: a gain is a change already, and the change of one would be read as the other. */
function addGain(report: Report, comparison: Comparison, add: Add): void {
  const { arms } = report.plan.file
  const arm = arms.find((one) => one.id === comparison.armId)
  const group = inCell(report, comparison.cell, `Gain: ${arm === undefined ? comparison.armId : armPhrase(arm)} against ${baselinePhrase(comparison, arms)}`)
  if (comparison.measure === 'outputTokensPerSecond' && comparison.change !== null) add(group, 'Holds', holdsOnlyFor(report, comparison)?.where ?? 'no arm is known to have been below its plateau')
  add(group, MEASURES[comparison.measure].label, comparison.change === null ? null : `${signedPercent(comparison.change)} (${intervalText(comparison)}, ${comparison.pairs} pairs)`)
}

const FIGURES: [string, (total: LoadResult) => number | null | undefined, (value: number | null) => string][] = [
  [THROUGHPUTS.outputTokensPerSecond.label, (total) => total.outputTokensPerSecond, rate], [THROUGHPUTS.requestsPerSecond.label, (total) => total.requestsPerSecond, rate], [THROUGHPUTS.goodputPerSecond.label, (total) => total.goodputPerSecond, rate],
  ...(['ttftMs', 'itlMs', 'tpotMs', 'endToEndMs'] as const).flatMap((key) => (['p50', 'p95', 'p99'] as const).map((part): (typeof FIGURES)[number] => [`${LATENCIES[key].label} ${part}`, (total) => total[key]?.[part], milliseconds])),
]

function addArm(report: Report, armId: string, cell: number, add: Add): void {
  const valid = validBlocks(report.blocks, armId, cell)
  if (valid.length === 0) return
  const group = inCell(report, cell, `Arm ${armId}`)
  const mean = (values: (number | null | undefined)[]) => intervalOf(values.filter((value) => typeof value === 'number'))?.mean ?? null
  for (const [what, read, text] of FIGURES) {
    const value = mean(valid.map((block) => (block.total === null ? null : read(block.total))))
    add(group, what, text(value), value)
  }
  for (const [what, key] of [['SM activity', 'smActivityPercent'], ['DRAM bandwidth', 'dramBandwidthPercent']] as const) {
    const value = mean(valid.map((block) => block.gpu[key]))
    add(group, what, value === null ? null : `${fixed(value, 1)} %`, value)
  }
  for (const [what, key, unit] of [['SM clock', 'smClockMHz', 'MHz'], ['Memory clock', 'memoryClockMHz', 'MHz'], ['Power', 'powerWatts', 'W']] as const) {
    const value = mean(valid.map((block) => block.gpu[key]))
    add(group, what, value === null ? null : `${fixed(value)} ${unit}`, value)
  }
}

/** Other in every run, and no difference between two. */
const OWN_TO_A_RUN: ReadonlySet<string> = new Set(['PATH', 'CUDA_MPS_PIPE_DIRECTORY', 'CUDA_MPS_LOG_DIRECTORY', 'OVERLAP_SIM'])

function addSetup(report: Report, add: Add): void {
  const { workstation, engines } = report
  const { load, blocks, arms } = report.plan.file
  const lines: [string, string, string | null][] = [
    ['Workstation', 'GPU', workstation.gpuName], ['Workstation', 'GPU memory', gibibytes(workstation.memoryTotalMiB)], ['Workstation', 'Power limit', watts(workstation.powerLimitWatts)], ['Workstation', 'Driver', workstation.driverVersion], ['Workstation', 'CUDA, at most', workstation.cudaVersion],
    ['Workstation', 'MPS control', workstation.mpsControlVersion], ['Workstation', 'Compute mode', workstation.computeMode], ['Workstation', 'Machine', `${workstation.hostName}, ${workstation.cpu}, ${workstation.cores} cores`],
    ['Workstation', 'Kernel', workstation.kernel], ['Workstation', 'Overlap', `${workstation.overlapVersion} on Node ${workstation.nodeVersion}`], ['Workstation', 'Scene', report.scene],
    ['Load', 'API', load.api],
    ['Load', 'Prompts', lengthsText(load.prompt)], ['Load', 'Outputs', lengthsText(load.output)], ['Load', 'Arrivals', arrivalsText(load.arrivals)], ['Load', 'Regime', load.regime], ['Load', 'Seed', String(load.seed)],
    ['Load', 'Past the end token', load.ignoreEos ? 'yes' : 'no'], ['Load', 'Tokens per chunk', load.streamIntervalTokens === null ? "the engine's own" : String(load.streamIntervalTokens)], ['Load', 'Goodput limits', limitsText(load.goodput)],
    ['Load', 'Blocks', `${blocks.rounds} rounds of ${duration(1000 * blocks.seconds)}, warm-up ${duration(1000 * blocks.warmUpSeconds)}, pause ${duration(1000 * blocks.coolDownSeconds)}`], ['Load', 'Engines stay loaded', report.plan.residency],
  ]
  for (const [group, what, text] of lines) add(group, what, text)
  for (const arm of arms) add('Arms', arm.id, `${arm.kind}, ${arm.engines} engines, ${settingsText(arm)}`)
  const turn = new Map<string, number>()
  for (const engine of engines) {
    const number = (turn.get(engine.armId) ?? 0) + 1
    turn.set(engine.armId, number)
    const group = `Engine ${number} of ${engine.armId}`
    add(group, 'Command', commandText(engine.argv.map((word, at) => (engine.argv[at - 1] === '--port' ? 'PORT' : word))))
    add(group, 'Environment', Object.entries(engine.env).flatMap(([name, value]) => (OWN_TO_A_RUN.has(name) ? [] : `${name}=${value}`)).join('\n') || null)
    add(group, 'Version', engine.version)
    add(group, 'Model revision', engine.modelRevision)
    add(group, 'KV cache, tokens', engine.kvCacheTokens === null ? null : fixed(engine.kvCacheTokens), engine.kvCacheTokens)
    add(group, 'Max sequences', engine.maxSequences === null ? null : fixed(engine.maxSequences), engine.maxSequences)
    add(group, 'CPUs', engine.cpus)
    add(group, 'Attachment', engine.attachment)
  }
}
