// The command line of `vllm serve`, as far as the stand-in follows it. Other flags that vLLM has are taken and do nothing; unknown ones end it.

export interface VllmArguments {
  model: string
  /** The first is what responses and metrics name. */
  servedNames: string[]
  host: string
  port: number
  maxSequences: number
  /** null: from gpuMemoryUtilization. */
  kvCacheBytes: number | null
  /** Of the GPU's total memory. */
  gpuMemoryUtilization: number
  /** null: the model's own. */
  maxModelTokens: number | null
  /** null: not given, and vLLM's own would be 1. */
  streamInterval: number | null
  asyncScheduling: boolean
  apiKey: string | null
}

/** Printed as it is, to standard error; exit code 2. */
export class UsageError extends Error {}

const VALUES = new Set([
  'model', 'host', 'port', 'max-num-seqs', 'kv-cache-memory-bytes', 'gpu-memory-utilization', 'max-model-len', 'stream-interval', 'served-model-name', 'api-key',
  // taken, without effect
  'dtype', 'max-num-batched-tokens', 'block-size', 'seed', 'tokenizer', 'tokenizer-mode', 'revision', 'load-format', 'download-dir', 'quantization', 'kv-cache-dtype', 'swap-space', 'cpu-offload-gb', 'hf-overrides',
  'num-gpu-blocks-override', 'tensor-parallel-size', 'pipeline-parallel-size', 'data-parallel-size', 'api-server-count', 'uvicorn-log-level', 'chat-template', 'compilation-config', 'cuda-graph-sizes',
  'max-logprobs', 'limit-mm-per-prompt', 'distributed-executor-backend', 'scheduling-policy', 'generation-config', 'shutdown-timeout', 'long-prefill-token-threshold', 'attention-backend',
])
const SWITCHES = new Set([
  'async-scheduling', 'enforce-eager', 'enable-prefix-caching', 'enable-chunked-prefill', 'trust-remote-code', 'skip-tokenizer-init', 'enable-sleep-mode', 'disable-log-stats', 'enable-log-requests', 'disable-log-requests',
  'disable-uvicorn-access-log', 'enable-prompt-tokens-details', 'enable-per-request-metrics', 'enable-server-load-tracking', 'disable-frontend-multiprocessing', 'disable-cascade-attn',
])
const SHORT: Record<string, string> = { '-tp': '--tensor-parallel-size', '-pp': '--pipeline-parallel-size', '-dp': '--data-parallel-size', '-q': '--quantization' }
const SUFFIXES: Record<string, number> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

const serveError = (words: string): UsageError => new UsageError(`usage: vllm serve [model_tag] [options]\nvllm serve: error: ${words}`)
const unrecognized = (words: readonly string[]): UsageError => new UsageError(`usage: vllm [-h] [-v] {chat,complete,serve,bench,collect-env,run-batch} ...\nvllm: error: unrecognized arguments: ${words.join(' ')}`)

/** `args`: after the program's name. Throws UsageError. */
export function parseVllm(args: readonly string[], env: Record<string, string | undefined>): VllmArguments {
  if (args[0] !== 'serve') throw new UsageError(`usage: vllm [-h] [-v] {chat,complete,serve,bench,collect-env,run-batch} ...\nvllm: error: argument subparser: invalid choice: '${args[0] ?? ''}' (choose from chat, complete, serve, bench, collect-env, run-batch)`)
  const { given, switches, model } = split(args.slice(1))
  const last = (name: string) => given.get(name)?.at(-1)
  const number = (name: string, own: number, read: (text: string) => number, word: string): number => {
    const text = last(name)
    const value = text === undefined ? own : read(text)
    if (Number.isNaN(value)) throw serveError(`argument --${name}: invalid ${word} value: '${text}'`)
    return value
  }
  const orNull = (name: string, read: (text: string) => number, word: string) => (given.has(name) ? number(name, 0, read, word) : null)
  return {
    model, host: last('host') ?? '127.0.0.1', apiKey: last('api-key') ?? env['VLLM_API_KEY'] ?? null,
    servedNames: given.get('served-model-name') ?? [model],
    port: number('port', 8000, whole(1, 65_535), 'int'),
    maxSequences: number('max-num-seqs', 256, whole(1, 100_000), 'int'),
    kvCacheBytes: orNull('kv-cache-memory-bytes', humanInteger, 'human_readable_int'),
    gpuMemoryUtilization: number('gpu-memory-utilization', 0.92, (text) => (Number(text) > 0 && Number(text) <= 1 ? Number(text) : NaN), 'float'),
    maxModelTokens: orNull('max-model-len', humanInteger, 'human_readable_int'),
    streamInterval: orNull('stream-interval', whole(1, 100_000), 'int'),
    asyncScheduling: switches.get('async-scheduling') ?? true,
  }
}

interface Split {
  model: string
  given: Map<string, string[]>
  switches: Map<string, boolean>
}

function split(args: readonly string[]): Split {
  const given = new Map<string, string[]>()
  const switches = new Map<string, boolean>()
  const plain: string[] = []
  const unknown: string[] = []
  for (let at = 0; at < args.length; at += 1) {
    const word = SHORT[args[at] ?? ''] ?? args[at] ?? ''
    const [, dashed = '', value] = /^--([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? []
    const name = dashed.replaceAll('_', '-')
    if (SWITCHES.has(name.replace(/^no-/, ''))) switches.set(name.replace(/^no-/, ''), !name.startsWith('no-'))
    else if (VALUES.has(name)) {
      const values = value === undefined ? [] : [value]
      const most = name === 'served-model-name' ? Infinity : 1
      while (values.length < most && at + 1 < args.length && !args[at + 1]?.startsWith('--')) values.push(args[at += 1] ?? '')
      if (values.length === 0) throw serveError(`argument --${name}: expected one argument`)
      given.set(name, values)
    } else if (word.startsWith('-') || plain.length > 0) unknown.push(word)
    else plain.push(word)
  }
  if (unknown.length > 0) throw unrecognized(unknown)
  const model = plain[0] ?? given.get('model')?.at(-1) ?? 'Qwen/Qwen3-0.6B'
  return { model, given, switches }
}

const whole = (least: number, most: number) => (text: string): number => (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : NaN)

/** `8589934592`, `8G` (binary), `25.6k` (decimal). */
function humanInteger(text: string): number {
  const [, digits = '', suffix = ''] = /^(\d+(?:\.\d+)?)([kmgtKMGT]?)$/.exec(text) ?? []
  const value = Math.floor(Number(digits) * (SUFFIXES[suffix] ?? 1))
  return digits === '' || value < 1 ? NaN : value
}
