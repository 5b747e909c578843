// Engines that run although nobody names them: their records lie below the state directory. Reads only.
// Temporary ones are no strays: whoever made them for a while takes them down, also after a crash.
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineSpec } from '../../../shared/engine.ts'
import type { Procfs } from '../host/procfs.ts'
import { RunFolder, stillRuns } from './runFolder.ts'

/** `t…` tells a temporary engine's folder from the others, also when nothing else of it is left. */
export const newEngineId = (kind: 'stored' | 'temporary'): string => `${kind === 'temporary' ? 't' : 'e'}${randomUUID().slice(0, 8)}`
export const isTemporary = (id: string): boolean => id.startsWith('t')

/** `directory`: holds a RunFolder for every engine, by its id. */
export async function straysIn(directory: string, known: ReadonlySet<string>, procfs: Procfs): Promise<{ id: string; spec: EngineSpec }[]> {
  const ids = (await readdir(directory).catch(() => [])).filter((id) => !known.has(id) && !isTemporary(id)).sort()
  const runs = await Promise.all(ids.map(async (id) => ({ id, run: await new RunFolder(join(directory, id)).run() })))
  return runs.flatMap(({ id, run }) => (run !== null && stillRuns(run, procfs) ? [{ id, spec: run.plan.spec }] : []))
}
