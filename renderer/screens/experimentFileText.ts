// An experiment file from the disk of whoever looks at the page: YAML or JSON as text → ExperimentFile.
import { ExperimentFile } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'

/** Throws BAD_INPUT with the field's path. */
export async function experimentFileOf(text: string, fileName: string): Promise<ExperimentFile> {
  const { parse } = await import('yaml') // JSON is YAML; fetched only when somebody opens a file
  let content: unknown
  try {
    content = parse(text, { maxAliasCount: 20 })
  } catch (thrown) {
    throw new FaultError('BAD_INPUT', `${fileName} is neither YAML nor JSON.`, 'See the line in the detail, and the presets for how one is written.', { detail: thrown instanceof Error ? thrown.message : String(thrown) })
  }
  const parsed = ExperimentFile.safeParse(content)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
  throw new FaultError('BAD_INPUT', `${fileName} is not an experiment: ${issues[0]}`, 'Correct it and open it again.', { field: parsed.error.issues[0]?.path.join('.') ?? 'file', detail: issues.slice(0, 12).join('\n') })
}
