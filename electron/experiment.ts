// `npm run experiment -- FILE.yaml --out DIR`: an experiment without a face. Progress on standard error; report.json, .md, .html and .csv in DIR.
// Ends with 0 for a valid result, 1 for any other or a lost core, 2 where it was refused.
import './nodeVersion.ts'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import type { Greeting } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import type { ExperimentFile, ExperimentNow, ExportFormat, Report } from '../shared/experiment.ts'
import { FaultError } from '../shared/fault.ts'
import { withoutStrays } from '../shared/held.ts'
import { duration } from '../shared/units.ts'
import { headlineOf } from './core/experiments/exports/headline.ts'
import { commandText } from './core/experiments/exports/words.ts'
import { parseExperiment } from './core/experiments/presets.ts'
import { stateFolder } from './elsewhere.ts'
import { readFlags, understood } from './flags.ts'
import { OwnCore, settled } from './ownCore.ts'
import { RunningCore, type Door } from './runningCore.ts'
import { complain, say } from './terminal.ts'

const USAGE = `npm run experiment -- FILE.yaml --out DIR [flags]
  FILE.yaml       an experiment, or the name of one in assets/experiments
  --out DIR       where report.json, .md, .html and .csv are written
  --engine NAME   the engine that is copied where the file names none
  --gpu UUID      default: the engine's, else the first
  --resume REPORT goes on with the cells that this report has not done: its id, or the path of a report.json. FILE.yaml is in it
  --scene NAME    on that simulated workstation, in a folder of its own
  --real          never simulate
  --state DIR     as for npm start; a core that runs there is used`
const REFUSED = 2
const root = join(import.meta.dirname, '..')
const stateFlag = (state: string | undefined): string[] => (state === undefined ? [] : ['--state', state])
// whoever read it may have gone (`| head`): the experiment goes on, and is taken down as it should be
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

async function readChoice(file: string): Promise<ExperimentFile> {
  const paths = [resolve(file), join(root, 'assets/experiments', `${file}.yaml`)]
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text !== null) return parseExperiment(text)
  }
  throw new FaultError('NOT_FOUND', `${file} cannot be read.`, `Give the path of an experiment, or the name of one in assets/experiments.\n${USAGE}`, { field: 'FILE' })
}

/** The id of the report that is gone on with: of this core, or brought here as a file. `file`: what the user believes to be in it. */
async function resumed(door: Door, wanted: string, file: ExperimentFile | null): Promise<string> {
  const text = await readFile(resolve(wanted), 'utf8').catch(() => null)
  const { id } = text === null ? { id: wanted } : await door.call<{ id: string }>('experiment.importReport', { text })
  const { plan } = await door.call<Report>('experiment.report', { id })
  const asWritten = (one: ExperimentFile) => ({ ...withoutStrays(one), engine: null })
  if (file !== null && !isDeepStrictEqual(asWritten(file), asWritten(plan.file))) {
    throw new FaultError('BAD_INPUT', `The report is one of “${plan.file.title}”, as it was then, and the file is another experiment.`, 'Leave the file out to go on, or leave --resume out to begin anew.', { field: 'FILE' })
  }
  return id
}

/** Null: none was named; the file's is copied, else the first of the GPU. */
function engineOf(engines: readonly Engine[], wanted: string | undefined): string | null {
  if (wanted === undefined) return null
  const named = engines.find(({ id, spec }) => id === wanted || spec.name === wanted)
  if (!named) throw new FaultError('NOT_FOUND', `There is no engine ${wanted}.`, `Engines here: ${engines.map(({ spec }) => spec.name).join(', ') || 'none'}.`, { field: 'engine' })
  return named.id
}

/** Follows it to its end, a line for whatever is new. */
async function follow(door: Door, id: string): Promise<ExperimentNow> {
  let told = ''
  let planned = false
  for await (const now of door.items<ExperimentNow | null>('experiment.now')) {
    if (now?.id !== id) continue
    const { estimate } = now.plan
    if (!planned) say(`About ${duration(1000 * Math.round(estimate.loadingSeconds))} of loading and ${duration(1000 * Math.round(estimate.measuringSeconds))} of measuring.`)
    planned = true
    const left = now.endsAtMs === null || now.phase === 'tidying' ? '' : ` (about ${duration(Math.max(0, now.endsAtMs - Date.now()))} left)`
    const cells = now.plan.cells.length > 1 ? `cell ${now.cell + 1} of ${now.plan.cells.length}, ` : ''
    const line = `${cells}${now.phase}${now.block === null ? '' : `, block ${now.block + 1} of ${now.blocks}`}: ${now.sentence}`
    if (line !== told) say(`${line}${left}`)
    told = line
    if (now.phase === 'done') return now
  }
  throw new FaultError('LINK_LOST', 'Overlap ended before the experiment did.', 'Whatever it had started is taken down; start it again, and go on with --resume.')
}

interface Wishes { out: string; engine?: string | undefined; gpu?: string | undefined; resume?: string | undefined }

async function carryOut(door: Door, file: ExperimentFile | null, wishes: Wishes, ended: AbortSignal): Promise<number> {
  const { simulated, scene } = await door.call<Greeting>('workstation.greeting')
  if (simulated) say(`Simulated workstation, scene ${scene}: no number below comes from a GPU.`)
  const engines = await settled(door, ended)
  if (ended.aborted) return 1
  const resumes = wishes.resume === undefined ? null : await resumed(door, wishes.resume, file)
  const { id } = await door.call<{ id: string }>('experiment.start', { file, gpuUuid: wishes.gpu ?? null, engineId: engineOf(engines, wishes.engine), resumes })
  const cancel = (): void => {
    say('Cancelling; everything is taken down.')
    door.call('experiment.cancel', { id }).catch(complain)
  }
  ended.addEventListener('abort', cancel, { once: true })
  if (ended.aborted) cancel()
  const now = await follow(door, id)
  if (now.fault !== null) complain(FaultError.of(now.fault))
  if (now.reportId === null) return 1
  for (const [format, ending] of [['json', 'json'], ['markdown', 'md'], ['html', 'html'], ['csv', 'csv']] as const satisfies readonly (readonly [ExportFormat, string])[]) {
    const { text } = await door.call<{ text: string }>('experiment.exportReport', { id: now.reportId, format })
    await writeFile(join(wishes.out, `report.${ending}`), text)
  }
  const report = await door.call<Report>('experiment.report', { id: now.reportId })
  process.stdout.write(`${headlineOf(report)}\n${report.outcome}${report.reasons.length > 0 ? `: ${report.reasons.join(' ')}` : ''}\n${join(wishes.out, 'report.html')}\n`)
  if (report.cellsDone.length < report.plan.cells.length) say(`To go on: npm run experiment -- --resume ${commandText([join(wishes.out, 'report.json')])} --out ${commandText([wishes.out])}${report.scene === null ? '' : ` --scene ${report.scene}`}`)
  return report.outcome === 'valid' ? 0 : 1
}

const OPTIONS = {
  out: { type: 'string' }, engine: { type: 'string' }, gpu: { type: 'string' }, resume: { type: 'string' }, scene: { type: 'string' }, real: { type: 'boolean' }, state: { type: 'string' }, help: { type: 'boolean', short: 'h' },
} as const

async function main(): Promise<number> {
  const { values, positionals } = understood(USAGE, () => parseArgs({ allowPositionals: true, options: OPTIONS }))
  const [name, ...more] = positionals
  if (values.help || more.length > 0 || (name ?? values.resume) === undefined || values.out === undefined) {
    process.stdout.write(`${USAGE}\n`)
    return values.help ? 0 : REFUSED
  }
  const file = name === undefined ? null : await readChoice(name)
  const wishes: Wishes = { ...values, out: resolve(values.out) }
  // now, not after an hour of measuring
  await mkdir(wishes.out, { recursive: true }).catch((error: Error) => Promise.reject(new FaultError('NO_PERMISSION', `${wishes.out} cannot be made: ${error.message}.`, 'Choose another folder with --out.', { field: 'out' })))
  // a second Ctrl-C (npm hands on the first one too) never cuts the tidy-up short
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  const found = values.scene === undefined ? await RunningCore.find(stateFolder(values.state ?? null)) : null
  const running = found !== null && values.real && (await found.call<Greeting>('workstation.greeting')).simulated ? null : found
  if (running) {
    say(`Overlap runs already as process ${running.pid ?? '?'}; the experiment runs there.`)
    return await carryOut(running, file, wishes, end.signal)
  }
  const ownState = values.scene !== undefined && values.state === undefined ? await mkdtemp(join(tmpdir(), 'overlap-experiment-')) : null
  try {
    const own = await OwnCore.open(readFlags([...(values.scene ? ['--scene', values.scene] : []), ...(values.real ? ['--real'] : []), ...stateFlag(ownState ?? values.state)]), root, end.signal, ownState)
    if (own === null) return 1
    return await carryOut(own, file, wishes, end.signal).finally(() => own.close())
  } finally {
    if (ownState !== null) await rm(ownState, { recursive: true, force: true })
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    complain(error)
    process.exit(error instanceof FaultError && error.fault.code !== 'LINK_LOST' ? REFUSED : 1)
  },
)
