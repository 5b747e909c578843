// `npm run experiment -- FILE.yaml --out DIR`: an experiment without a face. Progress on standard error; report.json, .md and .html in DIR.
// Ends with 0 for a valid result, 1 for any other, 2 where it was refused.
import './nodeVersion.ts'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createRouterClient } from '@orpc/server'
import { PACE } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import type { ExperimentChoice, ExperimentNow, ExportFormat, Report } from '../shared/experiment.ts'
import { FaultError, type Fault } from '../shared/fault.ts'
import type { GpuFrame, GpuIdentity } from '../shared/gpu.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { answers } from './core/answers.ts'
import { headlineOf } from './core/experiments/exports/headline.ts'
import { parseExperiment } from './core/experiments/presets.ts'
import { ReaderLink } from './core/kit/paced.ts'
import { readFlags } from './flags.ts'
import { openWorkstation, stateFolder, type Opened } from './opening.ts'
import { RunningCore, type Door } from './runningCore.ts'

const USAGE = `npm run experiment -- FILE.yaml --out DIR [flags]
  FILE.yaml       an experiment, or the name of one in assets/experiments
  --out DIR       where report.json, report.md and report.html are written
  --engine NAME   the engine that is copied where the file names none
  --gpu UUID      default: the first
  --resume ID     goes on with the cells that this report has not done
  --scene NAME    on that simulated workstation, in a folder of its own
  --real          never simulate
  --state DIR     as for npm start; a core that runs there is used`
const REFUSED = 2
const root = join(import.meta.dirname, '..')
const say = (line: string): void => void process.stderr.write(`${line}\n`)
/** The first GPU and engines that are on their way are waited for this long. */
const SETTLED_MS = 90_000

/** The same calls as through a link, without one. */
function doorOf({ workstation, log }: Opened): Door {
  const client = createRouterClient(answers(workstation, log), { context: { link: new ReaderLink({ acknowledges: false, unacknowledged: PACE.unacknowledged }) } })
  const at = (name: string) => {
    const [group = '', call = ''] = name.split('.')
    return (client as unknown as Record<string, Record<string, (input: unknown) => Promise<unknown>>>)[group]![call]!
  }
  return {
    call: async <Answer>(name: string, input?: unknown) => {
      try {
        return (await at(name)(input)) as Answer
      } catch (thrown) {
        const fault = (thrown as { data?: Fault }).data
        throw fault?.sentence ? new FaultError(fault.code, fault.sentence, fault.hint, fault.detail === null ? {} : { detail: fault.detail }) : thrown
      }
    },
    async *items<Item>(name: string) {
      for await (const { item } of (await at(name)({})) as AsyncIterable<{ item: Item }>) yield item
    },
  }
}

async function readChoice(file: string): Promise<ExperimentChoice['file']> {
  const paths = [resolve(file), join(root, 'assets/experiments', `${file}.yaml`)]
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text !== null) return parseExperiment(text)
  }
  throw new FaultError('NOT_FOUND', `${file} cannot be read.`, `Give the path of an experiment, or the name of one in assets/experiments.\n${USAGE}`, { field: 'FILE' })
}

/** The first item that is settled, or whatever there is when the time is up. */
async function wait<Item>(door: Door, name: string, isSettled: (item: Item) => boolean): Promise<Item> {
  const untilMs = Date.now() + SETTLED_MS
  for await (const item of door.items<Item>(name)) if (isSettled(item) || Date.now() > untilMs) return item
  throw new Error(`${name} ended.`)
}

/** Until the GPU is watched and neither MPS nor an engine is on its way. */
async function settled(door: Door): Promise<{ gpus: GpuIdentity[]; engines: Engine[] }> {
  const gpus = await wait<GpuIdentity[]>(door, 'gpu.identities', (identities) => identities.length > 0)
  await wait<GpuFrame | null>(door, 'gpu.frames', (frame) => frame !== null && !frame.streams.some(({ state }) => state === 'starting'))
  await wait<MpsDaemon[]>(door, 'mps.daemons', (daemons) => daemons.length > 0 && !daemons.some(({ state }) => ['starting', 'noServer', 'stopping', 'draining'].includes(state)))
  const engines = await wait<Engine[]>(door, 'engine.list', (list) => !list.some(({ state }) => ['waiting', 'starting', 'draining', 'stopping'].includes(state)))
  return { gpus, engines }
}

function engineOf(engines: readonly Engine[], wanted: string | undefined, gpuUuid: string | null): string | null {
  const named = engines.find(({ id, spec }) => wanted !== undefined && (id === wanted || spec.name === wanted))
  if (wanted !== undefined && !named) throw new FaultError('NOT_FOUND', `There is no engine ${wanted}.`, `Engines here: ${engines.map(({ spec }) => spec.name).join(', ') || 'none'}.`, { field: 'engine' })
  return (named ?? engines.find(({ spec }) => gpuUuid === null || spec.gpuUuid === gpuUuid))?.id ?? null
}

/** Follows it to its end, a line for whatever is new. */
async function follow(door: Door, id: string): Promise<ExperimentNow> {
  let told = ''
  for await (const now of door.items<ExperimentNow | null>('experiment.now')) {
    if (now?.id !== id) continue
    const cells = now.plan.cells.length > 1 ? `cell ${now.cell + 1} of ${now.plan.cells.length}, ` : ''
    const line = `${cells}${now.phase}${now.block === null ? '' : `, block ${now.block + 1} of ${now.blocks}`}: ${now.sentence}`
    if (line !== told) say((told = line))
    if (now.phase === 'done') return now
  }
  throw new Error('The core ended before the experiment did.')
}

async function carryOut(door: Door, file: ExperimentChoice['file'], flags: { out: string; engine?: string | undefined; gpu?: string | undefined; resume?: string | undefined }): Promise<number> {
  const { gpus, engines } = await settled(door)
  const gpuUuid = flags.gpu ?? gpus[0]?.uuid ?? null
  const engineId = file?.engine === null || flags.engine !== undefined ? engineOf(engines, flags.engine, gpuUuid) : null
  const { id } = await door.call<{ id: string }>('experiment.start', { file, gpuUuid, engineId, resumes: flags.resume ?? null })
  let cancelling = false
  const cancel = (): void => {
    if (cancelling) return
    cancelling = true
    say('Cancelling; everything is taken down.')
    door.call('experiment.cancel', { id }).catch((error: Error) => say(error.message))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, cancel)
  const now = await follow(door, id)
  if (now.fault !== null) say(`${now.fault.sentence} ${now.fault.hint}`)
  if (now.reportId === null) return REFUSED
  await mkdir(flags.out, { recursive: true })
  for (const [format, ending] of [['json', 'json'], ['markdown', 'md'], ['html', 'html'], ['csv', 'csv']] as const satisfies readonly (readonly [ExportFormat, string])[]) {
    const { text } = await door.call<{ text: string }>('experiment.exportReport', { id: now.reportId, format })
    await writeFile(join(flags.out, `report.${ending}`), text)
  }
  const report = await door.call<Report>('experiment.report', { id: now.reportId })
  process.stdout.write(`${headlineOf(report)}\n${report.outcome}${report.reasons.length > 0 ? `: ${report.reasons.join(' ')}` : ''}\n${join(flags.out, 'report.html')}\n`)
  return report.outcome === 'valid' ? 0 : 1
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, engine: { type: 'string' }, gpu: { type: 'string' }, resume: { type: 'string' }, scene: { type: 'string' }, real: { type: 'boolean' }, state: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  const [name] = positionals
  if (values.help || name === undefined || values.out === undefined) {
    process.stdout.write(`${USAGE}\n`)
    return values.help ? 0 : REFUSED
  }
  const file = await readChoice(name)
  const flags = { ...values, out: resolve(values.out) }
  const running = values.scene === undefined && !values.real ? await RunningCore.find(stateFolder(values.state ?? null)) : null
  if (running) {
    say(`Overlap runs already as process ${running.pid ?? '?'}; the experiment runs there.`)
    return await carryOut(running, file, flags)
  }
  const ownState = values.scene !== undefined && values.state === undefined ? await mkdtemp(join(tmpdir(), 'overlap-experiment-')) : null
  const state = ownState ?? values.state
  const result = await openWorkstation(readFlags([...(values.scene ? ['--scene', values.scene] : []), ...(values.real ? ['--real'] : []), ...(state ? ['--state', state] : [])]), root)
  if (!result || 'elsewhere' in result) throw new FaultError('HELD', 'Another Overlap has this state folder.', 'End it, or choose another with --state DIR.')
  const { opened } = result
  try {
    const { simulated, scene } = opened.workstation.greeting()
    if (simulated) say(`Simulated workstation, scene ${scene}: no number below comes from a GPU.`)
    opened.workstation.begin()
    await opened.workstation.opened
    return await carryOut(doorOf(opened), file, flags)
  } finally {
    if (ownState !== null) await opened.workstation.stopEngines()
    await opened.close()
    if (ownState !== null) await rm(ownState, { recursive: true, force: true })
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof FaultError) say([error.fault.sentence, error.fault.hint, error.fault.detail].filter(Boolean).join('\n'))
    else say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exit(error instanceof FaultError ? REFUSED : 1)
  },
)
