// Why an engine ended, in plain words: its exit status and the last lines of its log → a Fault. Pure.
import type { Fault, FaultCode } from '../../../shared/fault.ts'

export interface Exit {
  code: number | null
  signal: string | null
  /** Why it could not be started at all: ENOENT, EACCES. */
  spawnError: string | null
}

export interface Explained {
  fault: Fault
  /** Whether the same start may end better the next time. */
  curable: boolean
}

interface Cause {
  pattern: RegExp
  code: FaultCode
  sentence: string
  hint: string
  curable: boolean
}

/** First match wins, so the precise ones stand first. */
const CAUSES: readonly Cause[] = [
  { pattern: /no CUDA-capable device|CUDA driver version is insufficient/i, code: 'NO_CUDA_DEVICE', sentence: 'it found no usable CUDA device', hint: 'Check that nvidia-smi works, and that the engine was built for this driver.', curable: false },
  { pattern: /MPS_SERVER_NOT_READY|MPS server is not ready/i, code: 'MPS_SERVER_FAULT', sentence: 'the MPS server refused it', hint: 'Look at the MPS screen: every engine attached to a faulted server has to end first.', curable: true },
  { pattern: /MPS_(CONNECTION_FAILED|RPC_FAILURE|CLIENT_TERMINATED)|MpsRpcFailure|MPS client (failed|has been terminated)/i, code: 'MPS_SERVER_FAULT', sentence: 'its connection to the MPS server broke', hint: 'Look at the MPS screen and the log of its server.', curable: true },
  { pattern: /Error in memory profiling/, code: 'ENGINE_EXITED', sentence: 'another process gave GPU memory back while it measured how much is free', hint: 'Start it again. While an engine loads, start, stop and restart nothing else on its GPU.', curable: true },
  { pattern: /^taskset: failed to execute/, code: 'TOOL_MISSING', sentence: 'its program is not there, or may not be executed', hint: 'Check the path of the executable and that this user may execute it.', curable: false },
  { pattern: /^taskset: failed to (set|parse)/, code: 'BAD_INPUT', sentence: 'it may not run on the CPUs that it was given', hint: 'Choose CPUs that this machine has and that this user may use.', curable: false },
  { pattern: /out of memory|failed to allocate|cudaMalloc failed|bad_alloc|No available memory for the cache blocks|Cannot allocate memory|less than desired GPU memory utilization|larger than the available KV cache memory/i, code: 'ENGINE_OUT_OF_MEMORY', sentence: 'it ran out of memory', hint: 'Give it less context, fewer slots or a smaller model, or stop another engine on this GPU.', curable: true },
  { pattern: /device-side assert/i, code: 'ENGINE_EXITED', sentence: 'a check inside one of its kernels failed', hint: 'Look at its log: a wrong index or token is the usual reason. Engines beside it on MPS are not affected.', curable: true },
  { pattern: /illegal (memory access|address|instruction)|misaligned address|unspecified launch failure|ILLEGAL_ADDRESS|LAUNCH_FAILED/i, code: 'ENGINE_EXITED', sentence: 'a kernel met a fatal GPU error', hint: 'Look at its log. Under MPS this error reaches every engine of the server in the same words, whichever caused it.', curable: true },
  { pattern: /address already in use|EADDRINUSE|couldn'?t bind|failed to bind/i, code: 'PORT_TAKEN', sentence: 'its port is used by another program', hint: 'Choose another port, or leave the port empty so that a free one is picked.', curable: true },
  { pattern: /invalid argument:|unrecognized arguments?|unknown argument|error while handling argument|unrecognized option|error: argument /i, code: 'ENGINE_EXITED', sentence: 'it does not know one of its arguments', hint: 'Correct the arguments; this version of the engine may not know them.', curable: false },
  { pattern: /error while loading shared libraries|cannot open shared object/i, code: 'TOOL_MISSING', sentence: 'a library it needs is not installed', hint: 'Install the missing library, or set LD_LIBRARY_PATH in its environment.', curable: false },
  { pattern: /(model|gguf|\.safetensors|weights).*(no such file|not found|does not exist)|failed to (open|load) (GGUF|model)|error loading model|(no such file|not found|does not exist).*(model|gguf)/i, code: 'ENGINE_EXITED', sentence: 'it could not load its model', hint: 'Check the path of the model and that this user may read it.', curable: false },
]

/** What PyTorch adds to every CUDA error, and what tells of none. */
const PYTORCH_ADVICE = /^\s*(Search for `cudaError|CUDA kernel errors might be asynchronously reported|For debugging consider passing CUDA_LAUNCH_BLOCKING|Compile with `TORCH_USE_CUDA_DSA`)/

/** `lines`: the end of its log, oldest first. */
export function explainExit(name: string, exit: Exit, lines: readonly string[]): Explained {
  if (exit.spawnError !== null) return notExecuted(name, exit.spawnError)
  const lastLines = lines.filter((line) => !PYTORCH_ADVICE.test(line))
  for (const cause of CAUSES) {
    const line = lastLines.findLast((text) => cause.pattern.test(text))
    if (line === undefined) continue
    return { fault: faultFrom(cause.code, `${name} ended: ${cause.sentence}.`, cause.hint, line), curable: cause.curable }
  }
  return { fault: faultFrom('ENGINE_EXITED', `${name} ${how(exit)}.`, hintFor(exit), tellingLine(exit, lastLines)), curable: true }
}

const faultFrom = (code: FaultCode, sentence: string, hint: string, line: string | null): Fault =>
  ({ code, sentence, hint, field: null, detail: line === null ? null : line.trim().slice(0, 500) })

function notExecuted(name: string, error: string): Explained {
  const missing = error === 'ENOENT'
  const sentence = missing ? `${name} could not be started: its program is not there.` : `${name} could not be started: its program may not be executed (${error}).`
  return { fault: faultFrom('TOOL_MISSING', sentence, 'Check the path of the executable and that this user may execute it; a name alone is looked for on the PATH that Overlap was started with.', null), curable: false }
}

function how({ code, signal }: Exit): string {
  if (signal !== null) return `was ended by signal ${signal}`
  return code === null ? 'ended and left no exit status' : `ended by itself with exit code ${code}`
}

function hintFor({ code, signal }: Exit): string {
  if (signal === 'SIGKILL') return 'Somebody or something killed it: often the kernel, when main memory ran out. Look at the kernel log.'
  if (code === null && signal === null) return 'The machine was restarted, or its keeper was killed too. Look at its log and start it again.'
  return 'Look at the end of its log.'
}

/** The last line that speaks of an error, else the last line that says anything: not of an engine that was killed, which did not see it coming. */
function tellingLine({ signal }: Exit, lines: readonly string[]): string | null {
  const said = lines.findLast((line) => /error|fail|fatal|exception|abort|panic|cannot|segmentation/i.test(line)) ?? null
  return said ?? (signal === null ? (lines.findLast((line) => line.trim() !== '') ?? null) : null)
}

/** A fault with the line of the log that tells most. */
export const sentenceOf = (fault: Fault): string => (fault.detail === null ? fault.sentence : `${fault.sentence} Its last words: ${fault.detail}`)

export const NOT_RUNNING_FAULT: Fault = { code: 'ENGINE_EXITED', sentence: 'It was not running.', hint: 'Start it.', field: null, detail: null }

export const notReady = (name: string, seconds: number, obstacle: string): Fault => ({
  code: 'ENGINE_NOT_READY', field: null, detail: obstacle === '' ? null : obstacle,
  sentence: `${name} was not ready within ${seconds} s.`,
  hint: 'Look at its log; if it only needs longer to load, raise its time limit.',
})

/** A program that puts itself into the background would do so at every start, and leave one more behind. */
export const endedEarly = (name: string): Fault => ({
  code: 'ENGINE_EXITED', field: null, detail: null,
  sentence: `${name} ended with exit code 0 before it was ready.`,
  hint: 'Overlap keeps the process that it starts: if the program goes into the background, tell it to stay in the foreground, and end the one that is left. Else look at the end of its log.',
})

export const notKept = (name: string): Fault => ({
  code: 'ENGINE_EXITED', field: null, detail: null,
  sentence: `${name} ended. It was started outside Overlap, so that its exit status and its last words were not learnt.`,
  hint: 'Start it here: from then on Overlap keeps it and its log.',
})

export const keeperLost = (name: string): Fault => ({
  code: 'ENGINE_EXITED', field: null, detail: null,
  sentence: `The keeper of ${name} was ended; the engine itself goes on.`,
  hint: 'Restart the engine when it suits: until then its exit status cannot be learnt.',
})
