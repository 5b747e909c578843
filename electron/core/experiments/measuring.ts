// One block: load on one arm, what the GPU did meanwhile, who was attached before and after, and whether it counts.
import type { Engine } from '../../../shared/engine.ts'
import type { Block } from '../../../shared/experiment.ts'
import { faultOf } from '../../../shared/fault.ts'
import type { GpuFrame } from '../../../shared/gpu.ts'
import type { Load, LoadResult } from '../../../shared/load.ts'
import { ignoreEosFields } from '../engines/capacity.ts'
import type { Generator, TargetResult } from '../load/target.ts'
import { loadTrouble, silentEngines } from '../load/verdict.ts'
import type { Findings } from './findings.ts'
import { gpuDuring, NO_READINGS } from './gpuDuring.ts'
import { judge, type BlockFacts } from './judge.ts'
import type { Lab } from './lab.ts'
import { foreignProcesses } from './preflight.ts'
import type { Residents } from './residents.ts'
import { Cancelled } from './until.ts'

export interface BlockOrder {
  cell: number
  round: number
  purpose: Block['purpose']
  residents: Residents
  load: Load
  warmUpSeconds: number
  seconds: number
}

export interface Measuring {
  lab: Lab
  gpuUuid: string
  generator: Generator
  findings: Findings
  /** Different for every run of every experiment: prompts begin with it. */
  salt: string
  /** Output tokens per second of the whole arm, four times a second. */
  onRate(armId: string, tokensPerSecond: number): void
}

type Measured = { total: LoadResult; engines: TargetResult[] } | { failure: string }

/** Frames come once a second: the edges of a window may miss one each. */
const framesExpected = (seconds: number): number => Math.max(0, Math.floor(seconds >= 3 ? seconds - 1 : seconds) - 1)

/** Throws Cancelled; whatever else goes wrong is a failed block with its reason. */
export async function measureBlock(order: BlockOrder, measuring: Measuring, signal: AbortSignal): Promise<Block> {
  const { lab, gpuUuid, findings } = measuring
  const { residents, warmUpSeconds, seconds } = order
  const frames: GpuFrame[] = []
  const unsubscribe = lab.frames.subscribe((frame) => frame && frames.push(frame))
  const startedAtMs = lab.clock.now()
  const before = enginesOf(lab, residents)
  const index = findings.nextIndex
  const measured = await runLoad(order, measuring, index, signal).finally(unsubscribe)
  const fromMs = startedAtMs + warmUpSeconds * 1000
  const gpu = 'failure' in measured ? NO_READINGS : gpuDuring(frames, gpuUuid, fromMs, fromMs + seconds * 1000)
  const total = 'failure' in measured ? null : measured.total
  const verdict = judge({
    arm: residents.arm, total, failure: 'failure' in measured ? measured.failure : null, gpu,
    troubles: 'failure' in measured ? [] : [...loadTrouble(measured.total, order.load), ...silentEngines(measured.engines)],
    engines: factsOf(residents, before, enginesOf(lab, residents)),
    framesExpected: total === null || lab.frames.value === null ? null : framesExpected(seconds),
    clocksOfOthersMHz: findings.compared(order.cell, residents.arm.id).map((block) => block.gpu.smClockMHz),
    foreign: foreignIn(frames, lab, gpuUuid),
  })
  const doubts = order.purpose === 'compared' ? findings.doubtsOn(residents.arm.id) : []
  return {
    index, cell: order.cell, round: order.round, armId: residents.arm.id, purpose: order.purpose, startedAtMs, total, gpu,
    engines: 'failure' in measured ? [] : measured.engines,
    validity: verdict.validity === 'valid' && doubts.length > 0 ? 'invalid' : verdict.validity,
    reasons: [...verdict.reasons, ...doubts],
  }
}

async function runLoad({ residents, load, warmUpSeconds, seconds }: BlockOrder, { generator, salt, onRate }: Measuring, index: number, signal: AbortSignal): Promise<Measured> {
  const [first] = residents.engines
  const rates = new Map<string, number>()
  try {
    return await generator.run({
      targets: residents.engines.map(({ target }) => target), load, warmUpSeconds, seconds, salt: `${salt}-${index}`, signal,
      ignoreEosFields: load.ignoreEos && first ? ignoreEosFields(first.spec) : {},
      onProgress: ({ engineName, outputTokensPerSecond }) => {
        rates.set(engineName, outputTokensPerSecond)
        onRate(residents.arm.id, [...rates.values()].reduce((sum, rate) => sum + rate, 0))
      },
    })
  } catch (error) {
    if (signal.aborted) throw new Cancelled('The experiment was cancelled.')
    return { failure: faultOf(error).sentence }
  }
}

const enginesOf = (lab: Lab, { engines }: Residents): (Engine | null)[] =>
  engines.map(({ id }) => lab.engines.list.value.find((engine) => engine.id === id) ?? null)

const GONE: Engine['attachment'] = { state: 'unknown', reason: 'notRunning', sentence: 'It is gone.', evidence: [], restartHelps: false }

function factsOf({ engines }: Residents, before: readonly (Engine | null)[], after: readonly (Engine | null)[]): BlockFacts['engines'] {
  return engines.map(({ spec }, at) => ({
    name: spec.name, attachmentBefore: before[at]?.attachment ?? GONE, attachmentAfter: after[at]?.attachment ?? GONE,
    pidBefore: before[at]?.pid ?? null, pidAfter: after[at]?.pid ?? null, ready: after[at]?.state === 'ready',
  }))
}

function foreignIn(frames: readonly GpuFrame[], lab: Lab, gpuUuid: string): string[] {
  const daemon = lab.daemons.value.find((candidate) => candidate.gpuUuid === gpuUuid) ?? null
  const rows = frames.flatMap((frame) => foreignProcesses({ frame, engines: lab.engines.list.value, daemon, gpuUuid }).compute)
  return [...new Set(rows.map(({ pid, name }) => `pid ${pid} (${name})`))]
}
