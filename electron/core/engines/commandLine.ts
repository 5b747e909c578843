// Which engine a command line runs, read back from /proc: vLLM, llama-server or SGLang. Pure. Only the program itself counts: `sh -c "vllm
// serve …"`, `docker run … vllm` and `grep llama-server` name an engine and are none.
import { basename } from 'node:path'
import type { FoundProgram } from '../../../shared/foundEngine.ts'
import { argumentAfter } from './recipes/recipe.ts'

export interface EngineCommand {
  program: FoundProgram
  /** What a shell would be given to start it again, before `args`: `/venv/bin/vllm serve`, `python3 -m sglang.launch_server`. */
  start: string[]
  args: string[]
  /** A `vllm serve`, which the vLLM recipe writes in the same words; else only its own command line starts it. */
  serves: boolean
}

const LOADER = /^ld[-.].*\.so/
const LOADER_VALUES = new Set(['--library-path', '--preload', '--audit', '--argv0', '--inhibit-rpath', '--glibc-hwcaps-prepend', '--glibc-hwcaps-mask'])
/** node: the simulated workstation's stand-in is a script as Python's are. */
const INTERPRETER = /^(python[\d.]*|pypy[\d.]*|node|electron|overlap)$/
const INTERPRETER_VALUES = new Set(['-X', '-W', '--require', '--import'])
const MODULES: Record<string, FoundProgram> = { 'vllm.entrypoints.openai.api_server': 'vllm', 'sglang.launch_server': 'sglang' }

/** Null: no engine that is known here. */
export function engineCommand(argv: readonly string[]): EngineCommand | null {
  const words = argv.slice(loaderWords(argv))
  const before = argv.slice(0, argv.length - words.length)
  const [first = '', second] = words
  const name = basename(first)
  if (name === 'llama-server') return { program: 'llamaServer', start: [...before, first], args: words.slice(1), serves: false }
  if ((name === 'vllm' || name === 'sglang') && second === 'serve') return served(name, [...before, first], words.slice(2))
  if (!INTERPRETER.test(name)) return null
  return interpreted(words, before)
}

const served = (program: 'vllm' | 'sglang', start: string[], args: string[]): EngineCommand =>
  ({ program, start: [...start, 'serve'], args, serves: program === 'vllm' })

function interpreted(words: readonly string[], before: readonly string[]): EngineCommand | null {
  let at = 1
  while (words[at]?.startsWith('-') && words[at] !== '-m') at += INTERPRETER_VALUES.has(words[at] ?? '') ? 2 : 1
  const isModule = words[at] === '-m'
  if (isModule) at += 1
  const what = words[at] ?? ''
  const rest = words.slice(at + 1)
  const start = [...before, ...words.slice(0, at + 1)]
  if (isModule) {
    const program = MODULES[what]
    if (program) return { program, start, args: rest, serves: false }
    return (what === 'vllm' || what === 'sglang') && rest[0] === 'serve' ? { ...served(what, start, rest.slice(1)), serves: false } : null
  }
  const name = basename(what)
  // a console script starts itself: its interpreter stands in its first line
  if ((name === 'vllm' || name === 'sglang') && rest[0] === 'serve') return served(name, [what], rest.slice(1))
  if (what.endsWith('/vllm/entrypoints/openai/api_server.py')) return { program: 'vllm', start, args: rest, serves: false }
  return what.endsWith('/sglang/launch_server.py') ? { program: 'sglang', start, args: rest, serves: false } : null
}

/** `ld-linux-x86-64.so.2 --library-path … program`: the loader, named as the program, and what is meant for it. */
function loaderWords(argv: readonly string[]): number {
  if (!LOADER.test(basename(argv[0] ?? ''))) return 0
  let at = 1
  while (argv[at]?.startsWith('--')) at += LOADER_VALUES.has(argv[at] ?? '') ? 2 : 1
  return at
}

const PORT = { vllm: 8000, llamaServer: 8080, sglang: 30_000 } as const satisfies Record<FoundProgram, number>

/** The port its words name, else the program's own. */
export function namedPort({ program, args }: EngineCommand, env: Readonly<Record<string, string>>): number {
  const written = argumentAfter(args, ['--port']) ?? (program === 'llamaServer' ? env['LLAMA_ARG_PORT'] : undefined)
  const port = Number(written)
  return written !== undefined && Number.isInteger(port) && port > 0 && port < 65_536 ? port : PORT[program]
}

/** As its words name it; null: they do not. */
export function namedModel({ program, args }: EngineCommand, env: Readonly<Record<string, string>>): string | null {
  const flags = { vllm: ['--model'], llamaServer: ['-m', '--model', '-hf', '--hf-repo'], sglang: ['--model-path', '--model'] }[program]
  const first = program === 'vllm' && args[0] !== undefined && !args[0].startsWith('-') ? args[0] : null
  return first ?? argumentAfter(args, flags) ?? (program === 'llamaServer' ? (env['LLAMA_ARG_MODEL'] ?? null) : null)
}

/** What it answers to. Never logged, never shown. */
export const namedKey = ({ program, args }: EngineCommand, env: Readonly<Record<string, string>>): string | null =>
  argumentAfter(args, ['--api-key']) ?? { vllm: env['VLLM_API_KEY'], llamaServer: env['LLAMA_API_KEY'], sglang: undefined }[program] ?? null

/** Its metrics page; null: it was started without. */
export function metricsPath({ program, args }: EngineCommand, env: Readonly<Record<string, string>>): string | null {
  if (program === 'vllm') return '/metrics'
  if (program === 'sglang') return args.includes('--enable-metrics') ? '/metrics' : null
  return args.includes('--metrics') || ['1', 'true', 'on', 'enabled'].includes(env['LLAMA_ARG_ENDPOINT_METRICS'] ?? '') ? '/metrics' : null
}
