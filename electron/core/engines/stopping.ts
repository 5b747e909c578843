// What a stop does, in the order it does it, as previews. Signals are sent directly: no process is started for them.
import type { CommandPreview } from '../../../shared/command.ts'
import type { StartedRun } from './runFolder.ts'

export function killPreviews(name: string, run: StartedRun, neighbours: readonly string[]): CommandPreview[] {
  const signal = (letters: string, why: string): CommandPreview => ({ argv: ['kill', `-${letters}`, '--', `-${run.engine.pid}`], env: {}, cwd: null, stdin: null, why })
  const hurt = neighbours.length === 0 ? '' : `; work in flight may hurt ${neighbours.join(' and ')} on the same MPS server`
  const released = run.plan.mps === null ? '' : ', after terminate_client for its MPS clients'
  return [
    signal('TERM', `ask ${name} and its processes to end`),
    signal('KILL', `only if it has not ended in its time${released}${hurt}`),
  ]
}
