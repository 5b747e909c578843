// Replay: the compared blocks of a report, one after another, as what a Stage shows. Loading and pauses are left out. Pure.
import { FEWEST_PAIRS, type ArmNow, type Block, type Comparison, type ExperimentNow, type GpuDuring, type Report, type Verdict } from '../../shared/experiment.ts'
import { intervalOf } from '../../shared/interval.ts'

const compared = (report: Report): Block[] => report.blocks.filter((block) => block.purpose === 'compared').sort((a, b) => a.startedAtMs - b.startedAtMs)
const lengthOf = (block: Block, report: Report): number => 1000 * (block.total?.windowSeconds ?? report.plan.file.blocks.seconds)

/** Of all measuring windows together, in ms. */
export function replayLengthMs(report: Report): number {
  return compared(report).reduce((sum, block) => sum + lengthOf(block, report), 0)
}

/** The block that is played back after so many ms; null: it is over. With when it was measured. */
export function blockAt(report: Report, elapsedMs: number): Block | null {
  let endMs = 0
  return compared(report).find((block) => (endMs += lengthOf(block, report)) > elapsedMs) ?? null
}

/** What the Stage showed after so many ms of measuring: changes from the blocks so far, at the end those of the report. */
export function replayAt(report: Report, elapsedMs: number): ExperimentNow {
  const all = compared(report)
  const playing = blockAt(report, elapsedMs)
  const over = playing === null
  const cell = (playing ?? all.at(-1))?.cell ?? 0
  const ofCell = all.filter((block) => block.cell === cell)
  const past = over ? ofCell : ofCell.slice(0, ofCell.indexOf(playing))
  return {
    id: report.id, plan: report.plan, phase: over ? 'done' : 'measuring', sentence: over ? 'The recording is over.' : `Block ${past.length + 1} of ${ofCell.length} as it was measured.`,
    startedAtMs: report.startedAtMs, phaseSinceMs: report.startedAtMs, endsAtMs: null, cell, block: over ? null : past.length, blocks: ofCell.length,
    arms: report.plan.file.arms.map((arm) => armAt(arm.id, past, playing, over ? 0 : ofCell.length - past.length)),
    comparisons: report.comparisons.filter((one) => one.cell === cell).map((one) => (over ? one : soFar(one, past))),
    checks: report.checks, fault: over && report.outcome === 'invalid' ? { code: 'EXPERIMENT_FAILED', sentence: `There is no valid result. ${report.reasons.join(' ')}`, hint: 'The report lists every block with its reasons.', field: null, detail: null } : null, cancelled: over && report.cellsDone.length < report.plan.cells.length, reportId: over ? report.id : null,
  }
}

function armAt(armId: string, past: Block[], playing: Block | null, left: number): ArmNow {
  const mine = past.filter((block) => block.armId === armId)
  const valid = mine.filter((block) => block.validity === 'valid')
  const count = (validity: Block['validity']) => mine.filter((block) => block.validity === validity).length
  const plays = playing?.armId === armId
  const failed = !plays && mine.length > 0 && valid.length === 0 && count('failed') === mine.length
  const reason = mine.at(-1)?.reasons[0] ?? 'It could not be measured.'
  return {
    armId, state: plays ? 'measuring' : failed ? 'failed' : mine.length === 0 && left > 0 ? 'waiting' : 'ready',
    fault: failed ? { code: 'EXPERIMENT_FAILED', sentence: reason, hint: 'The report lists every block with its reason.', field: null, detail: null } : null,
    tokensPerSecondNow: plays ? (playing.total?.outputTokensPerSecond ?? null) : null,
    tokensPerSecond: mean(valid.map((block) => block.total?.outputTokensPerSecond)),
    ttftMsP95: mean(valid.map((block) => block.total?.ttftMs?.p95)), tpotMsP95: mean(valid.map((block) => block.total?.tpotMs?.p95)),
    gpu: gpuMean(plays ? [playing] : valid),
    blocks: { valid: valid.length, invalid: count('invalid'), failed: count('failed') },
  }
}

/** The comparison as it stood: over the rounds that both arms had by then. */
function soFar(comparison: Comparison, past: Block[]): Comparison {
  const byRound = (armId: string) => new Map(past.filter((block) => block.armId === armId && block.validity === 'valid').map((block) => [block.round, measured(block, comparison.measure)]))
  const baseline = byRound(comparison.baselineId)
  const logs = [...byRound(comparison.armId)].flatMap(([round, value]) => {
    const against = baseline.get(round)
    return value == null || against == null || value <= 0 || against <= 0 ? [] : [Math.log(value / against)]
  })
  const { mean: middle, low, high } = intervalOf(logs) ?? { mean: null, low: null, high: null }
  const ratio = (log: number | null) => (log === null ? null : Math.expm1(log))
  const verdict: Verdict = logs.length < FEWEST_PAIRS ? 'tooFewBlocks' : 'unfinished'
  return { ...comparison, change: low === null ? null : ratio(middle), low: ratio(low), high: ratio(high), pairs: logs.length, verdict }
}

function measured({ total }: Block, measure: Comparison['measure']): number | null | undefined {
  if (measure === 'ttftMsP95') return total?.ttftMs?.p95
  if (measure === 'tpotMsP95') return total?.tpotMs?.p95
  return total?.[measure]
}

/** null of nothing; what is unknown is left out. */
function mean(values: (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value != null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

function gpuMean(blocks: Block[]): GpuDuring | null {
  if (blocks.length === 0) return null
  const of = (key: keyof GpuDuring) => mean(blocks.map((block) => block.gpu[key]))
  return {
    smActivityPercent: of('smActivityPercent'), dramBandwidthPercent: of('dramBandwidthPercent'), kernelBusyPercent: of('kernelBusyPercent'), memoryControllerBusyPercent: of('memoryControllerBusyPercent'),
    powerWatts: of('powerWatts'), temperatureCelsius: of('temperatureCelsius'), smClockMHz: of('smClockMHz'), memoryClockMHz: of('memoryClockMHz'), frames: blocks.reduce((sum, block) => sum + block.gpu.frames, 0),
  }
}
