// Whether an experiment tells a difference from none, with real engines on CPU: runs of one llama-server against another with the same model
// (A/A), in turn with runs against one whose model has a quarter more layers. A run takes 47 s, all 40 half an hour. Blocks, order, judgement and comparison
// are the runner's own; only the engines' loading is not.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Arm, ExperimentFile, VERDICTS, type Block, type Comparison, type Plan, type Verdict } from '../../shared/experiment.ts'
import { Findings } from '../../electron/core/experiments/findings.ts'
import { measureBlock, type Measuring } from '../../electron/core/experiments/measuring.ts'
import { orderOf } from '../../electron/core/experiments/order.ts'
import type { Residents } from '../../electron/core/experiments/residents.ts'
import { pairedChange, type Pair } from '../../electron/core/experiments/statistics.ts'
import { LocalHost } from '../../electron/core/host/localHost.ts'
import { systemClock } from '../../electron/core/kit/clock.ts'
import { Disposer } from '../../electron/core/kit/disposer.ts'
import { silentLog } from '../../electron/core/kit/log.ts'
import { llamaParts } from '../parts/llama.ts'
import { LlamaStand } from './llamaStand.ts'
import type { Row } from './row.ts'

const RUNS = { whole: 20, short: 3 }
/** Of the whole: runs that must say what is so. */
const GOALS = { same: 17, slower: 18 }
const BLOCKS = { rounds: 12, seconds: 1.65, warmUpSeconds: 0.25, coolDownSeconds: 0 }
/** Time per token is at most proportional to the layers: 16 of 20 is a slowdown of 20 % at the most, whatever a noisy run of all pairs comes to. */
const LAYERS = { a: 16, slower: 20 }
const CPUS = availableParallelism() > 2 ? { engines: '0-1', generator: '2' } : availableParallelism() > 1 ? { engines: '0', generator: '1' } : { engines: null, generator: null }
const TOKENS = 'outputTokensPerSecond'

const armOf = (id: string, name: string) => Arm.parse({ id, name, kind: 'single', engines: 1 })
const [A, TWIN, SLOWER] = [armOf('a', 'A'), armOf('twin', 'The same again'), armOf('slower', '20 % slower')]

interface Run { comparison: Comparison; blocks: Block[]; pairs: Pair[]; seconds: number }

export async function run({ short }: { short: boolean }): Promise<Row[]> {
  const disposer = new Disposer()
  try {
    const loadBefore = loadavg()
    const folder = await mkdtemp(join(tmpdir(), 'overlap-aa-'))
    disposer.add(() => rm(folder, { recursive: true, force: true }))
    const host = new LocalHost({ log: silentLog })
    disposer.add(() => host.close())
    const stand = new LlamaStand({ host, llama: await llamaParts(), folder, cpu: CPUS.engines })
    const generator = await stand.lab.openGenerator({ processes: 1, cpus: CPUS.generator })
    disposer.add(() => generator.close())
    const bench = { lab: stand.lab, generator }
    const a = await stand.load(A, LAYERS.a)
    const twin = await stand.load(TWIN, LAYERS.a)
    const slower = await stand.load(SLOWER, LAYERS.slower)
    const runs: { same: Run[]; slower: Run[] } = { same: [], slower: [] }
    for (let seed = 1; seed <= (short ? RUNS.short : RUNS.whole); seed++) {
      for (const [kind, other] of [['same', twin], ['slower', slower]] as const) {
        const one = await compare(a, other, seed, bench)
        runs[kind].push(one)
        console.log(wordsOf(`${kind === 'same' ? 'A/A' : '20 % slower'} ${seed}`, one))
      }
    }
    return rowsOf(runs, `${LAYERS.a} layers, the slower one ${LAYERS.slower}; load average ${averages(loadBefore)} before, ${averages(loadavg())} after`, short)
  } finally {
    await disposer.close()
  }
}

type Bench = Pick<Measuring, 'lab' | 'generator'>

/** One experiment of two arms that stay loaded, as cell.ts goes about it: a block that does not count is not measured again. */
async function compare(a: Residents, other: Residents, seed: number, { lab, generator }: Bench): Promise<Run> {
  const arms = [a, other]
  const file = fileOf(arms.map(({ arm }) => arm), seed)
  const findings = new Findings(planOf(file), null)
  const measuring: Measuring = { lab, generator, findings, gpuUuid: 'none', salt: `${other.arm.id} ${seed}`, onRate: () => {} }
  const beganMs = systemClock.now()
  for (const [round, order] of orderOf(arms, file.blocks.rounds, seed).entries()) {
    for (const residents of order) {
      findings.addBlock(await measureBlock({ ...file.blocks, cell: 0, round, purpose: 'compared', residents, load: file.load }, measuring, new AbortController().signal))
    }
  }
  const comparison = findings.comparisons.find(({ measure }) => measure === TOKENS)
  if (!comparison) throw new Error('nothing was compared')
  return { comparison, blocks: findings.blocks, pairs: pairsOf(findings.blocks), seconds: (systemClock.now() - beganMs) / 1000 }
}

function fileOf(arms: Arm[], seed: number): ExperimentFile {
  return ExperimentFile.parse({
    version: 1, title: 'A/A', question: 'Is there a difference?', arms, blocks: BLOCKS, residency: 'hot',
    load: {
      api: 'completions', prompt: { shape: 'fixed', tokens: 1 }, output: { shape: 'uniform', min: 32, max: 64 }, arrivals: { kind: 'closed', concurrency: 2 },
      regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: null, goodput: null, seed,
    },
  })
}

const planOf = (file: ExperimentFile): Plan => ({
  file, gpuUuid: 'none', cells: [{ point: {}, predictions: [] }], residency: 'hot', setsAside: [], startsMps: false, estimate: { loadingSeconds: 0, measuringSeconds: 0, gpuMemoryMiB: null }, checks: [],
})

/** For the ratio over all runs; each run's own comparison comes from the product. */
function pairsOf(blocks: readonly Block[]): Pair[] {
  const rates = (of: (armId: string) => boolean) => new Map(blocks.flatMap(({ armId, round, validity, total }) => (of(armId) && validity === 'valid' && total ? [[round, total[TOKENS]]] : [])))
  const [baselines, others] = [rates((id) => id === A.id), rates((id) => id !== A.id)]
  return [...others].flatMap(([round, arm]) => baselines.has(round) ? [{ arm, baseline: baselines.get(round)! }] : [])
}

const percent = (share: number | null) => (share === null ? '—' : `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`)
const averages = (load: number[]) => load.map((value) => value.toFixed(1)).join(' ')
const intervalOf = ({ change, low, high }: Pick<Comparison, 'change' | 'low' | 'high'>) => `${percent(change)} [${percent(low)}, ${percent(high)}]`
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const mean = (values: readonly number[]) => sumOf(values) / values.length

function wordsOf(what: string, { comparison, blocks, seconds }: Run): string {
  const rate = mean(blocks.filter(({ armId }) => armId === A.id).map(({ total }) => total?.[TOKENS] ?? 0))
  const uncounted = blocks.filter(({ validity }) => validity !== 'valid')
  const why = uncounted.length === 0 ? '' : `; ${uncounted.length} blocks do not count: ${uncounted[0]!.reasons[0]}`
  return `${what.padEnd(14)} ${intervalOf(comparison).padEnd(28)} ${VERDICTS[comparison.verdict].padEnd(20)} A ${rate.toFixed(0)} tokens/s, ${comparison.pairs} pairs, ${seconds.toFixed(1)} s${why}`
}

function rowsOf({ same, slower }: { same: Run[]; slower: Run[] }, circumstances: string, short: boolean): Row[] {
  const saying = (runs: readonly Run[], ...verdicts: Verdict[]) => runs.filter(({ comparison }) => verdicts.includes(comparison.verdict)).length
  const least = (goal: number) => (short ? RUNS.short - 1 : goal)
  const over = (runs: readonly Run[]) => pairedChange(runs.flatMap(({ pairs }) => pairs))
  const row = (what: string, runs: Run[], right: Verdict, goal: number): Row => ({
    what, ours: `${VERDICTS[right]} in ${saying(runs, right)} of ${runs.length}`, yardstick: `over all pairs ${intervalOf(over(runs))}`, ratio: null,
    goal: `≥ ${goal}${short ? ' (a quick look, no proof)' : ''}`, missed: saying(runs, right) < goal,
    note: `mean width of the interval ${(mean(runs.map(({ comparison: { low, high } }) => (high ?? Number.NaN) - (low ?? Number.NaN))) * 100).toFixed(1)} points; too few blocks in ${saying(runs, 'tooFewBlocks')}; ${runs.flatMap(({ blocks }) => blocks).filter(({ validity }) => validity !== 'valid').length} of ${runs.length * 2 * BLOCKS.rounds} blocks do not count`,
  })
  return [
    row('A/A: the same engine twice', same, 'noDifference', least(GOALS.same)),
    row('an engine 20 % slower', slower, 'lower', least(GOALS.slower)),
    { what: 'A/A: a difference where there is none', ours: `${saying(same, 'higher', 'lower')} of ${same.length}`, yardstick: '5 % of 95 % intervals by their definition', ratio: null, goal: 'reported', note: circumstances },
  ]
}
