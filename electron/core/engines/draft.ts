// From a running engine's command line to the EngineSpec that starts the same again: its recipe where the recipe says all of it, else
// its own command. Pure. What the spec cannot say is never left out: then it is a custom command, word for word.
import { EngineSpec } from '../../../shared/engine.ts'
import { cleanEnvironment } from '../host/environment.ts'
import { metricsPath, type EngineCommand } from './commandLine.ts'
import { checkSpec } from './recipes/recipes.ts'

export interface Draft {
  command: EngineCommand
  /** As the process has it; null: not ours to read. */
  env: Readonly<Record<string, string>>
  /** What every engine is started with already. */
  inherited: Readonly<Record<string, string>>
  cwd: string | null
  name: string
  port: number
  gpuUuid: string | null
  onMps: boolean
  /** Somebody else starts it again when it ends: two that do so would fight for its port. */
  restartedElsewhere: boolean
}

const MIB = 1024 * 1024
const SUFFIXES: Record<string, number> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, K: 2 ** 10, M: MIB, G: 2 ** 30, T: 2 ** 40 }
/** As for an engine that is added by hand. */
const RESTART_BUDGET = 3
const READY_WITHIN_SECONDS = { vllm: 900, sglang: 900, llamaServer: 300 } as const

/** Of the terminal, the login or the unit that it was started from: nothing an engine needs. */
const SESSION = [
  /^(_|SHLVL|PWD|OLDPWD|TERM|COLORTERM|COLUMNS|LINES|LS_COLORS|LESSOPEN|LESSCLOSE|MAIL|HOSTNAME|PS1|PROMPT_COMMAND|WINDOWID|XAUTHORITY|DISPLAY|WAYLAND_DISPLAY)$/,
  /^(TERM_|SSH_|TMUX|STY$|WINDOW$|XDG_|DBUS_|SUDO_|SYSTEMD_|GPG_|VSCODE_|VTE_|GNOME_|KDE_|BASH_FUNC_)/,
  /^(INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|MAINPID|LISTEN_(PID|FDS|FDNAMES)|MEMORY_PRESSURE_\w+|CREDENTIALS_DIRECTORY)$/,
  /^CUDA_VISIBLE_DEVICES$/,
]
/** A stand-in of the simulated workstation reads its orders there. */
const STAND_IN = /^OVERLAP_SIM_/

/** Of these an engine reads something: that a start from here gives others is worth knowing. */
const READ_BY_ENGINES = /^(PATH|LD_|CUDA_|NCCL_|NVIDIA_|HF_|HUGGINGFACE_|TRANSFORMERS_|VLLM_|SGLANG_|LLAMA_|GGML_|TORCH|PYTORCH_|TRITON_|PYTHON|VIRTUAL_ENV|CONDA_|OMP_|MKL_|TOKENIZERS_|OVERLAP_SIM)|_proxy$/i

/** What differs between its environment and the one of a start from here, and the variables of its own that stay. The rest of both is the login environment's. */
export function comparedEnvironments(now: Readonly<Record<string, string>>, next: Readonly<Record<string, string>>, own: Readonly<Record<string, string>>): { now: Record<string, string>; next: Record<string, string> } {
  const names = [...new Set([...Object.keys(now), ...Object.keys(next)])].filter((name) => name in own || (now[name] !== next[name] && READ_BY_ENGINES.test(name))).sort()
  const of = (env: Readonly<Record<string, string>>) => Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
  return { now: of(now), next: of(next) }
}

/** What it has beside the inherited environment, and would miss. */
export function ownEnvironment(env: Readonly<Record<string, string>>, inherited: Readonly<Record<string, string>>): Record<string, string> {
  const standIn = Object.entries(env).filter(([name]) => STAND_IN.test(name))
  const kept = Object.entries({ ...cleanEnvironment(env).environment, ...Object.fromEntries(standIn) })
    .filter(([name, value]) => inherited[name] !== value && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SESSION.some((pattern) => pattern.test(name)))
  return Object.fromEntries(kept)
}

export function draftSpec(draft: Draft): EngineSpec {
  const { command, env, inherited, cwd, name, port, gpuUuid, onMps, restartedElsewhere } = draft
  const shared = {
    name, gpuUuid, onMps, port, cwd, env: ownEnvironment(env, inherited), sharePercent: shareIn(env, onMps), pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null,
    // counts from its next start on: as it runs now it is not restarted, because whoever started it may do that
    restartBudget: restartedElsewhere ? 0 : RESTART_BUDGET, readyWithinSeconds: READY_WITHIN_SECONDS[command.program],
  }
  const byRecipe = command.serves ? vllmSpec(draft, shared) : command.program === 'llamaServer' ? llamaSpec(draft, shared) : null
  return byRecipe !== null && stands(byRecipe) ? byRecipe : customSpec(draft, shared)
}

function stands(spec: EngineSpec): boolean {
  try {
    checkSpec(EngineSpec.parse(spec))
    return true
  } catch {
    return false
  }
}

type Shared = Omit<Extract<EngineSpec, { recipe: 'custom' }>, 'recipe' | 'argv' | 'healthPath' | 'metricsPath' | 'openAi' | 'sequences' | 'kvTokens'>

function shareIn(env: Readonly<Record<string, string>>, onMps: boolean): number | null {
  const share = Number(env['CUDA_MPS_ACTIVE_THREAD_PERCENTAGE'] ?? Number.NaN)
  return onMps && share > 0 && share <= 100 ? share : null
}

function customSpec({ command, env }: Draft, shared: Shared): EngineSpec {
  const { args, start, program } = command
  const at = args.lastIndexOf('--port')
  const withPort = at >= 0 && at + 1 < args.length ? args.with(at + 1, '{port}') : args.map((argument) => (argument.startsWith('--port=') ? '--port={port}' : argument))
  const said = program === 'llamaServer' ? ['-np', '--parallel'] : program === 'vllm' ? ['--max-num-seqs'] : ['--max-running-requests']
  const sequences = wholeNumber(valuesOf(args, said).at(-1))
  return { recipe: 'custom', ...shared, argv: [...start, ...withPort], healthPath: '/health', metricsPath: metricsPath(command, env), openAi: true, sequences: sequences !== null && sequences > 0 ? sequences : null, kvTokens: null }
}

/** Null: something in it is not what the recipe would write. */
function vllmSpec({ command: { start, args } }: Draft, shared: Shared): EngineSpec | null {
  const fields = new Fields(args, ['--model', '--host', '--port', '--gpu-memory-utilization', '--kv-cache-memory-bytes', '--max-num-seqs', '--max-model-len', '--stream-interval'], ['--async-scheduling', '--no-async-scheduling'])
  const model = fields.first ?? fields.value('--model')
  const kvBytes = fields.number('--kv-cache-memory-bytes', sized)
  const utilization = fields.number('--gpu-memory-utilization', Number)
  if (start.length !== 2 || model === null || (kvBytes !== null && kvBytes % MIB !== 0)) return null
  const spec = {
    recipe: 'vllm' as const, ...shared, executable: start[0] ?? '', model,
    gpuMemoryUtilization: utilization, kvCacheMemoryMiB: kvBytes === null ? null : kvBytes / MIB,
    maxSequences: fields.number('--max-num-seqs', Number), maxModelTokens: fields.number('--max-model-len', sized), streamIntervalTokens: fields.number('--stream-interval', Number),
    asyncScheduling: fields.last === null ? null : fields.last === '--async-scheduling',
    // without one, vLLM listens for everybody: whoever calls it from elsewhere must not lose it
    extraArguments: [...hosted(fields.value('--host') ?? '0.0.0.0'), ...fields.rest],
  }
  return fields.odd ? null : spec
}

/** What is not said is llama-server's own choice, which differs between builds: the recipe would have to invent it. */
function llamaSpec({ command: { start, args } }: Draft, shared: Shared): EngineSpec | null {
  const fields = new Fields(args, ['-m', '--model', '-c', '--ctx-size', '-np', '--parallel', '-ngl', '--gpu-layers', '--n-gpu-layers', '--host', '--port'], ['--metrics'])
  const [modelPath, contextTokens, slots] = [fields.value('-m', '--model'), fields.number('-c', Number, '--ctx-size'), fields.number('-np', Number, '--parallel')]
  const layers = fields.number('-ngl', Number, '--gpu-layers', '--n-gpu-layers')
  if (start.length !== 1 || fields.first !== null || fields.odd || modelPath === null || contextTokens === null || slots === null || layers === null) return null
  if (fields.last === null || contextTokens < 64 || slots < 1 || layers < 0) return null
  return {
    recipe: 'llamaServer', ...shared, executable: start[0] ?? '', modelPath, contextTokens, slots, gpuLayers: layers >= 999 ? null : layers,
    extraArguments: [...hosted(fields.value('--host') ?? '127.0.0.1'), ...fields.rest],
  }
}

/** The recipe's own is 127.0.0.1. */
const hosted = (host: string): string[] => (host === '127.0.0.1' || host === 'localhost' ? [] : ['--host', host])

const wholeNumber = (text: string | undefined): number | null => (text !== undefined && /^\d+$/.test(text) ? Number(text) : null)

/** vLLM's way to write sizes: `8589934592`, `8G` (binary), `25.6k` (decimal). */
function sized(text: string): number {
  const [, digits = '', suffix = ''] = /^(\d+(?:\.\d+)?)([kmgtKMGT]?)$/.exec(text) ?? []
  return digits === '' ? Number.NaN : Math.floor(Number(digits) * (SUFFIXES[suffix] ?? 1))
}

function valuesOf(args: readonly string[], flags: readonly string[]): string[] {
  return args.flatMap((argument, at) => flags.flatMap((flag) => (argument === flag ? (args[at + 1] ?? []) : argument.startsWith(`${flag}=`) ? argument.slice(flag.length + 1) : [])))
}

/** Arguments taken apart: what the recipe has fields for, and the rest in its order. The last of several counts. */
class Fields {
  /** Stands before every flag. */
  readonly first: string | null = null
  readonly rest: string[] = []
  /** The last of the switches. */
  last: string | null = null
  /** A value that is missing or no number. */
  odd = false
  readonly #values = new Map<string, string>()

  constructor(args: readonly string[], valued: readonly string[], switches: readonly string[]) {
    let words = args
    const [first] = args
    if (first !== undefined && !first.startsWith('-')) {
      this.first = first
      words = args.slice(1)
    }
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? ''
      const [written = '', ...value] = word.startsWith('-') ? word.split('=') : [word]
      const flag = written.startsWith('--') ? written.replaceAll('_', '-') : written
      if (switches.includes(word)) this.last = word
      else if (!valued.includes(flag)) this.rest.push(word)
      else if (value.length > 0) this.#values.set(flag, value.join('='))
      else this.#values.set(flag, words[(at += 1)] ?? this.#missing())
    }
  }

  value(...flags: string[]): string | null {
    return flags.map((flag) => this.#values.get(flag)).find((value) => value !== undefined) ?? null
  }

  number(flag: string, read: (text: string) => number, ...aliases: string[]): number | null {
    const text = this.value(flag, ...aliases)
    if (text === null) return null
    const value = read(text)
    if (!Number.isFinite(value)) this.odd = true
    return value
  }

  #missing(): string {
    this.odd = true
    return ''
  }
}
