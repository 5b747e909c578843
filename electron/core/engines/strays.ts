// Engines that run although nobody names them: their records lie below the state directory. Reads only.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Procfs } from '../host/procfs.ts'
import { RunFolder, stillRuns } from './runFolder.ts'

/** `directory`: holds a RunFolder for every engine, by its id. */
export async function straysIn(directory: string, known: ReadonlySet<string>, procfs: Procfs): Promise<{ id: string; spec: EngineSpec }[]> {
  const ids = (await readdir(directory).catch(() => [])).filter((id) => !known.has(id)).sort()
  const runs = await Promise.all(ids.map(async (id) => ({ id, run: await new RunFolder(join(directory, id)).run() })))
  return runs.flatMap(({ id, run }) => (run !== null && stillRuns(run, procfs) ? [{ id, spec: run.plan.spec }] : []))
}
