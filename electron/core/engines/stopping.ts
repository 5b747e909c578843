// The end of a run by force, and what a stop does, in its order, as previews. Signals are sent directly: no process is started for them.
import type { CommandPreview } from '../../../shared/command.ts'
import type { EngineParts } from './engineParts.ts'
import type { StartedRun } from './runFolder.ts'

const RELEASE_WITHIN_MS = 10_000

/** MPS clients are released first: killing one with work in flight can hurt the others of its server. */
export async function killRun(run: StartedRun, { host, procfs, surroundings, clock, log }: EngineParts): Promise<void> {
  const { gpuUuid, name } = run.plan.spec
  const tree = procfs.processTree(run.engine.pid).flatMap((pid) => procfs.processStat(pid) ?? [])
  if (run.plan.mps !== null && gpuUuid !== null) {
    const released = surroundings.releaseMpsClients(gpuUuid, tree.map(({ pid }) => pid))
    const done = new AbortController()
    await Promise.race([released, clock.sleep(RELEASE_WITHIN_MS, done.signal)]).catch((error: unknown) => log.warn('MPS clients could not be released', { engine: name, error: String(error) }))
    done.abort()
  }
  host.signal(run.engine, 'SIGKILL', 'group')
  for (const { pid, startTicks } of tree) host.signal({ pid, startTicks }, 'SIGKILL', 'process') // those that left the group
}

/** Names of the others whose clients share its MPS server. */
export function neighboursOf(self: { run: StartedRun | null }, all: Iterable<{ spec: { name: string }; run: StartedRun | null }>): string[] {
  const pipe = self.run?.plan.mps?.pipeDirectory
  return pipe === undefined ? [] : [...all].filter((engine) => engine !== self && engine.run?.plan.mps?.pipeDirectory === pipe).map(({ spec }) => spec.name)
}

export function killPreviews(name: string, run: StartedRun, neighbours: readonly string[]): CommandPreview[] {
  const signal = (letters: string, why: string): CommandPreview => ({ argv: ['kill', `-${letters}`, '--', `-${run.engine.pid}`], env: {}, cwd: null, stdin: null, why })
  const hurt = neighbours.length === 0 ? '' : `; work in flight may hurt ${neighbours.join(' and ')} on the same MPS server`
  const released = run.plan.mps === null ? '' : ', after terminate_client for its MPS clients'
  return [
    signal('TERM', `ask ${name} and its processes to end`),
    signal('KILL', `only if it has not ended in its time${released}${hurt}`),
  ]
}
