// What is said of an engine that Overlap did not start: its name, why it gives no rates, why it cannot be taken over. Pure.
import { EngineSpec } from '../../../shared/engine.ts'
import type { Fault, FaultCode } from '../../../shared/fault.ts'
import { FOUND_PROGRAMS } from '../../../shared/foundEngine.ts'
import { namedModel } from './commandLine.ts'
import type { FoundProcess } from './discovery.ts'
import { checkSpec } from './recipes/recipes.ts'

const LONGEST_NAME = 40

/** Of its model, and not one of `taken`. */
export function nameOf({ command, env }: FoundProcess, taken: readonly string[]): string {
  const model = namedModel(command, env ?? {})?.replace(/\/+$/, '').split('/').at(-1)?.replace(/\.gguf$/i, '').trim()
  const name = (model || FOUND_PROGRAMS[command.program]).slice(0, LONGEST_NAME - 4).trim()
  const names = new Set(taken.map((one) => one.toLowerCase()))
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!names.has(candidate.toLowerCase())) return candidate
  }
}

const fault = (code: FaultCode, sentence: string, hint: string): Fault => ({ code, sentence, hint, field: null, detail: null })

/** Why Overlap could not stop it, or start the same again; null: it could. */
export function obstacleOf(found: FoundProcess, { spec, port, gpuUuids, uid }: { spec: EngineSpec; port: number | null; gpuUuids: string[] | null; uid: number }): Fault | null {
  const { uid: owner, env, cwd, keptElsewhere, sharesOurWorld } = found
  if (keptElsewhere) return fault('HELD', 'Another Overlap keeps it.', 'Look for it there: two that keep one engine would fight over it.')
  if (sharesOurWorld === false) return fault('NOT_PERMITTED_HERE', 'It runs in a container, whose files and commands are not those of this machine.', 'Stop it there, and add an engine here.')
  if (owner !== null && owner !== uid) return fault('NO_PERMISSION', `It runs as user ${owner}, and Overlap as user ${uid}.`, 'Start Overlap as that user to take it over.')
  if (env === null || cwd === null) return fault('NO_PERMISSION', 'Its environment cannot be read here, and without it the same engine cannot be started again.', 'Start Overlap as the same user and in the same container.')
  if (port === null) return fault('WRONG_STATE', 'It does not listen yet, or not where 127.0.0.1 reaches it.', 'Wait until it has loaded.')
  if (gpuUuids !== null && gpuUuids.length > 1) return fault('BAD_INPUT', `It uses ${gpuUuids.length} GPUs; an engine of Overlap uses one.`, 'It can be watched here, and not be taken over.')
  return unfit(spec)
}

function unfit(spec: EngineSpec): Fault | null {
  try {
    checkSpec(EngineSpec.parse(spec))
    return null
  } catch (error) {
    return { ...fault('BAD_INPUT', 'Its command line is more than Overlap can write down and start again.', 'Add it as an engine by hand.'), detail: error instanceof Error ? error.message.slice(0, 500) : null }
  }
}

export const cautionOf = ({ service }: FoundProcess): string | null =>
  service === null ? null : `It belongs to ${service}, which may start it again by itself once it is stopped: Overlap does not, unless its “Restarts after a crash” is raised.`

/** `port`: where it would be asked. */
export function silenceOf({ command }: FoundProcess, { port, portSeen, metrics }: { port: number | null; portSeen: boolean; metrics: string | null }): string {
  if (metrics === null) return `It has no metrics page: ${FOUND_PROGRAMS[command.program]} was started without ${command.program === 'sglang' ? '--enable-metrics' : '--metrics'}.`
  if (port === null) return portSeen ? 'It does not listen yet, or not where 127.0.0.1 reaches it.' : 'Its port cannot be seen from here, and another engine has the one that its command line names.'
  return portSeen ? `Its metrics page on port ${port} has not answered yet.` : `Its sockets cannot be seen from here, and on port ${port}, which its command line names, no engine answers.`
}
