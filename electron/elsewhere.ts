// Where a core keeps its state, and which one runs there: what core.json says. Small, for programs that only look.
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Procfs } from './core/host/procfs.ts'

/** Another core has this state folder. */
export interface Elsewhere {
  pid: number | null
  /** False: it is still starting. */
  ready: boolean
  port: number | null
  token: string | null
}

export const stateFolder = (given: string | null): string => resolve(given ?? join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'overlap'))

/** What core.json says, when the process that wrote it still lives. */
export async function readElsewhere(stateDirectory: string): Promise<Elsewhere> {
  try {
    const core = JSON.parse(await readFile(join(stateDirectory, 'core.json'), 'utf8')) as Elsewhere & { pid: number; startTicks: number | null }
    // pids are used again: the token must not reach whoever has this one now
    const stat = new Procfs().processStat(core.pid)
    if (stat === null || (core.startTicks !== null && stat.startTicks !== core.startTicks)) throw new Error('gone')
    return { pid: core.pid, ready: core.ready, port: core.port, token: core.token }
  } catch {
    return { pid: null, ready: false, port: null, token: null }
  }
}
