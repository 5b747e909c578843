// The end of a run by force, and what a stop does, in its order, as previews. Signals are sent directly: no process is started for them.
import type { CommandPreview } from '../../../shared/command.ts'
import type { ProcessId } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { EngineParts } from './engineParts.ts'
import type { StartedRun } from './runFolder.ts'

const RELEASE_WITHIN_MS = 10_000
/** What an engine left behind: asked to end, then ended. */
const LEFTOVER_GRACE_MS = 5_000
/** Some engines start a process for a moment now and then: those that are gone are forgotten from here on. */
const MOST_KNOWN = 200

/** Only what was started for this engine alone is its group: one that was started outside Overlap may share its group with anything. */
const wholeOf = ({ keeper }: StartedRun): 'group' | 'process' => (keeper === null ? 'process' : 'group')

const treeOf = (run: StartedRun, procfs: Procfs): ProcessId[] => procfs.processTree(run.engine.pid).flatMap((pid) => procfs.processStat(pid) ?? [])

/**
 * What an engine leaves behind when it has ended. Its keeper ends the rest of its group; processes that made a group of their own, and all
 * those of an engine without a keeper, are known from before and ended here.
 */
export class Leaving {
  /** `asked`: a second SIGTERM means "at once" to some (llama-server), so nobody gets two. */
  #known = new Map<number, { process: ProcessId; asked: boolean }>()
  /** On the steady clock. */
  #goneSinceMs: number | null = null

  /** Its process tree as it is now. */
  know(pids: readonly number[], procfs: Procfs): void {
    for (const pid of pids) {
      const stat = this.#known.has(pid) ? null : procfs.processStat(pid)
      if (stat !== null) this.#known.set(pid, { process: stat, asked: false })
    }
    if (pids.length > 0 && this.#known.size > MOST_KNOWN) for (const pid of this.#known.keys()) if (!pids.includes(pid)) this.#known.delete(pid)
  }

  terminate(run: StartedRun, { host, procfs }: EngineParts): void {
    this.know(treeOf(run, procfs).map(({ pid }) => pid), procfs)
    const reached = (pid: number) => pid === run.engine.pid || (wholeOf(run) === 'group' && procfs.processStat(pid)?.processGroup === run.engine.pid)
    for (const known of this.#known.values()) known.asked ||= reached(known.process.pid)
    host.signal(run.engine, 'SIGTERM', wholeOf(run))
  }

  /** Once the engine itself has gone. True when none of its processes is left, or they cannot be ended. */
  allGone({ host, procfs, clock }: EngineParts): boolean {
    const alive = [...this.#known.values()].filter(({ process }) => procfs.isAlive(process))
    const sinceMs = clock.steady() - (this.#goneSinceMs ??= clock.steady())
    for (const known of alive) {
      if (sinceMs >= LEFTOVER_GRACE_MS) host.signal(known.process, 'SIGKILL', 'process')
      else if (!known.asked) host.signal(known.process, 'SIGTERM', 'process')
      known.asked = true
    }
    return alive.length === 0 || sinceMs > 2 * LEFTOVER_GRACE_MS
  }
}

/** MPS clients are released first: killing one with work in flight can hurt the others of its server. */
export async function killRun(run: StartedRun, { host, procfs, surroundings, clock, log }: EngineParts): Promise<void> {
  const { gpuUuid, name } = run.plan.spec
  const tree = treeOf(run, procfs)
  if (run.plan.mps !== null && gpuUuid !== null) {
    const released = surroundings.releaseMpsClients(gpuUuid, tree.map(({ pid }) => pid))
    const done = new AbortController()
    await Promise.race([released, clock.sleep(RELEASE_WITHIN_MS, done.signal)]).catch((error: unknown) => log.warn('MPS clients could not be released', { engine: name, error: String(error) }))
    done.abort()
  }
  host.signal(run.engine, 'SIGKILL', wholeOf(run))
  for (const { pid, startTicks } of tree) host.signal({ pid, startTicks }, 'SIGKILL', 'process') // those that left the group
}

/** Names of the others whose clients share its MPS server. */
export function neighboursOf(self: { run: StartedRun | null }, all: Iterable<{ spec: { name: string }; run: StartedRun | null }>): string[] {
  const pipe = self.run?.plan.mps?.pipeDirectory
  return pipe === undefined ? [] : [...all].filter((engine) => engine !== self && engine.run?.plan.mps?.pipeDirectory === pipe).map(({ spec }) => spec.name)
}

export function killPreviews(name: string, run: StartedRun, neighbours: readonly string[]): CommandPreview[] {
  const signal = (letters: string, why: string): CommandPreview => ({ argv: ['kill', `-${letters}`, '--', `${wholeOf(run) === 'group' ? '-' : ''}${run.engine.pid}`], env: {}, cwd: null, stdin: null, why })
  const hurt = neighbours.length === 0 ? '' : `; work in flight may hurt ${neighbours.join(' and ')} on the same MPS server`
  const released = run.plan.mps === null ? '' : ', after terminate_client for its MPS clients'
  return [
    signal('TERM', `ask ${name} and its processes to end`),
    signal('KILL', `only if it has not ended in its time${released}${hurt}`),
  ]
}
