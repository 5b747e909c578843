// Experiments as they are written down: YAML or JSON to an ExperimentFile, and the folder of presets. Says where a file is wrong; runs nothing.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isCollection, LineCounter, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'
import { ExperimentFile } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import { strayClaim } from '../../../shared/held.ts'

const MOST_CHARACTERS = 1_000_000
const HINT = 'Correct the file; the experiments that come with Overlap show how one is written.'

type Path = readonly (string | number)[]

const refusal = (sentence: string, path: Path, line: number | null): FaultError => {
  const at = [...(line === null ? [] : [`line ${line}`]), ...(path.length === 0 ? [] : [path.join('.')])].join(', ')
  return new FaultError('BAD_INPUT', at === '' ? sentence : `${at}: ${sentence}`, HINT, path.length === 0 ? {} : { field: path.join('.') })
}

/** Where `path` stands, or the nearest thing around it that is written down. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | null {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | null) : null
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line
  }
  return null
}

/** The first field that is written down and that the schema does not know: a slip of the pen would otherwise be a silent default. */
function unknownField(written: unknown, read: unknown, path: Path = []): Path | null {
  if (typeof written !== 'object' || written === null || typeof read !== 'object' || read === null) return null
  for (const [name, value] of Object.entries(written)) {
    const here = [...path, Array.isArray(written) ? Number(name) : name]
    if (!(name in read)) return here
    const deeper = unknownField(value, (read as Record<string, unknown>)[name], here)
    if (deeper !== null) return deeper
  }
  return null
}

/** The innermost issue of the choice that came nearest, where a field may be one of several things. */
function issueOf(error: z.ZodError): { path: Path; message: string } {
  const issue = error.issues[0]
  return { path: (issue?.path ?? []).map((key) => (typeof key === 'number' ? key : String(key))), message: issue?.message ?? 'is not an experiment' }
}

/** What the schema cannot say. Throws BAD_INPUT with the field. */
export function checkExperiment(file: ExperimentFile): ExperimentFile {
  const twice = file.arms.findIndex(({ id }, at) => file.arms.findIndex((arm) => arm.id === id) !== at)
  if (twice >= 0) throw refusal(`two arms have the id ${file.arms[twice]?.id ?? ''}.`, ['arms', twice, 'id'], null)
  const varied = file.axes.map(({ vary }) => vary)
  const again = varied.findIndex((vary, at) => varied.indexOf(vary) !== at)
  if (again >= 0) throw refusal(`${varied[again] ?? ''} is varied twice.`, ['axes', again, 'vary'], null)
  if (varied.includes('concurrency') && varied.includes('perSecond')) throw refusal('concurrency is a closed loop and perSecond an open one: vary one of them.', ['axes'], null)
  return file
}

/** Written down, a claim about what is not there is a slip of the pen. */
function checkClaims(file: ExperimentFile): void {
  for (const [at, claim] of file.claims.entries()) {
    const stray = strayClaim(claim, file)
    if (stray !== null) throw refusal(stray, ['claims', at], null)
  }
}

/** YAML, or JSON, which is YAML. Throws BAD_INPUT with line and dotted path of the first thing that is wrong. */
export function parseExperiment(text: string): ExperimentFile {
  if (text.length > MOST_CHARACTERS) throw refusal('The file is too long for an experiment.', [], null)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const error = document.errors[0]
  if (error !== undefined) throw refusal(`not YAML: ${error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''}.`, [], lines.linePos(error.pos[0]).line)
  if (!isCollection(document.contents)) throw refusal('The file holds no experiment.', [], null)
  const written: unknown = document.toJS({ maxAliasCount: 100 })
  const parsed = ExperimentFile.safeParse(written)
  if (!parsed.success) {
    const { path, message } = issueOf(parsed.error)
    throw refusal(message, path, lineOf(document, lines, path))
  }
  const unknown = unknownField(written, parsed.data)
  if (unknown !== null) throw refusal('no such field.', unknown, lineOf(document, lines, unknown))
  try {
    checkClaims(parsed.data)
    return checkExperiment(parsed.data)
  } catch (thrown) {
    if (!(thrown instanceof FaultError) || thrown.fault.field === null) throw thrown
    const line = lineOf(document, lines, thrown.fault.field.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key)))
    throw new FaultError('BAD_INPUT', line === null ? thrown.fault.sentence : `line ${line}, ${thrown.fault.sentence}`, HINT, { field: thrown.fault.field })
  }
}

/** Every `.yaml` of the folder, by name. Throws BAD_INPUT naming the file that is wrong; NOT_FOUND when there is no folder. */
export async function readPresets(folder: string): Promise<{ name: string; file: ExperimentFile }[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new FaultError('NOT_FOUND', `The folder of experiments cannot be read: ${folder}.`, 'Install Overlap again, or name another folder.', { cause })
  })
  const presets = names.filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -'.yaml'.length))
  return Promise.all(presets.toSorted().map(async (name) => ({ name, file: parseNamed(`${name}.yaml`, await readFile(join(folder, `${name}.yaml`), 'utf8')) })))
}

function parseNamed(name: string, text: string): ExperimentFile {
  try {
    return parseExperiment(text)
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown
    const { sentence, hint, field } = thrown.fault
    throw new FaultError('BAD_INPUT', `${name}, ${sentence}`, hint, { ...(field === null ? {} : { field }), cause: thrown })
  }
}
