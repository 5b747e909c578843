// A Recipe turns an EngineSpec into what is launched: argv, environment, probes. Pure: starts nothing, looks at no disk.
import type { EngineSpec } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'

/** Where one start takes place. */
export interface Placement {
  port: number
  /** The usable daemon of its GPU; null when the spec does not want MPS. */
  mps: { pipeDirectory: string; daemonPid: number | null } | null
  /** A folder that is empty and stays so: the pipe directory of an engine that must not attach by accident. */
  noMpsDirectory: string
}

/** How to see that it is ready, and where its metrics are. Paths on http://127.0.0.1:<port>. */
export interface Doors {
  /** Answers 200 when ready; null: an open port is enough. */
  healthPath: string | null
  /** Serves /v1/models and /v1/completions. */
  openAi: boolean
  /** Prometheus text; null: none. */
  metricsPath: string | null
  /** Its API key, when its own arguments name one. Never logged. */
  apiKey: string | null
}

export interface Launch extends Doors {
  argv: string[]
  /** Set over the host's clean environment. */
  env: Record<string, string>
  cwd: string | null
}

export interface Recipe<Spec extends EngineSpec> {
  /** Throws BAD_INPUT with the field for what a schema cannot say. */
  check(spec: Spec): void
  argv(spec: Spec, port: number): string[]
  doors(spec: Spec): Doors
}

/** Throws BAD_INPUT for an extra argument that a field of the spec sets. Python's parsers also read `_` for `-` in a flag. */
export function refuseOwnFlags(extraArguments: readonly string[], ownFlags: readonly string[]): void {
  const own = extraArguments.find((argument) => argument.startsWith('-') && ownFlags.includes((argument.split('=')[0] ?? '').replaceAll('_', '-')))
  if (own === undefined) return
  throw new FaultError('BAD_INPUT', `${own} is set by Overlap.`, 'Use the field for it, and take it out of the extra arguments.', { field: 'spec.extraArguments' })
}

const REACHED_BY_LOOPBACK = ['127.0.0.1', 'localhost', '0.0.0.0', '::']

/** Where it listens: for this machine alone, unless its extra arguments name another address. Overlap itself asks at 127.0.0.1. */
export function hostArguments(extraArguments: readonly string[]): string[] {
  return argumentAfter(extraArguments, ['--host']) === null ? ['--host', '127.0.0.1'] : []
}

/** Throws BAD_INPUT for an address at which Overlap would never see it ready. */
export function refuseFarHost(extraArguments: readonly string[]): void {
  const host = argumentAfter(extraArguments, ['--host'])
  if (host === null || REACHED_BY_LOOPBACK.includes(host)) return
  throw new FaultError('BAD_INPUT', `At ${host} Overlap cannot reach the engine: it asks at 127.0.0.1.`, 'Take --host away, or write 0.0.0.0 to listen at every address.', { field: 'spec.extraArguments' })
}

/** The value after one of `flags` (`--flag value` or `--flag=value`); null: not there. The last one counts, as in most programs. */
export function argumentAfter(argv: readonly string[], flags: readonly string[]): string | null {
  let found: string | null = null
  argv.forEach((argument, at) => {
    const flag = flags.find((name) => argument === name || argument.startsWith(`${name}=`))
    if (flag) found = argument === flag ? (argv[at + 1] ?? null) : argument.slice(flag.length + 1)
  })
  return found
}
