// The generator processes of one experiment: started by path, one per engine, spoken with in lines, kept from block to block.
import { FaultError } from '../../../shared/fault.ts'
import { onCpus } from '../host/cpus.ts'
import type { Command, Conversation, Host } from '../host/host.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { divide } from './divide.ts'
import { sumOf } from './sum.ts'
import type { BlockOrder, Generator, Progress, RunParts } from './target.ts'
import type { FromGenerator, Outcome, ToGenerator } from './wire.ts'

export interface GeneratorParts {
  host: Host
  clock: Clock
  log: Log
  /** generator.ts, or what the packaged app has in its place. */
  programPath: string
  /** As many engines as may be loaded at once. */
  processes: number
  /** CPUs for all of them together, as taskset writes them; null: all. */
  cpus: string | null
}

const READY_MS = 15_000
/** Until all processes have their orders. */
const HEAD_START_MS = 50
/** From the end of the window to the result. */
const RESULT_MS = 10_000
const STOP_MS = 2000

const WHY = 'send load to an engine and measure what comes back'

/** One process of it, as it is started. */
export function generatorCommand({ programPath, cpus }: Pick<GeneratorParts, 'programPath' | 'cpus'>): Command {
  const { argv, env } = nodeCommand(programPath)
  return { argv: onCpus(cpus, argv), env, why: WHY }
}

/** Throws FaultError TOOL_MISSING or EXPERIMENT_FAILED. */
export async function openGenerator(parts: GeneratorParts): Promise<Generator> {
  const voices = Array.from({ length: parts.processes }, () => new Voice(parts))
  const close = async () => void (await Promise.all(voices.map((voice) => voice.close())))
  try {
    await Promise.all(voices.map((voice) => voice.ready()))
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { run: (run) => runOn(voices, run, parts.clock), close }
}

async function runOn(voices: readonly Voice[], run: RunParts, clock: Clock): ReturnType<Generator['run']> {
  const { targets, load, onProgress, signal, warmUpSeconds, seconds, ignoreEosFields, salt } = run
  if (targets.length === 0 || targets.length > voices.length) throw new Error(`${targets.length} targets for ${voices.length} generator processes`)
  const speakers = voices.slice(0, targets.length)
  await Promise.all(speakers.map((voice) => voice.ready()))
  const startAtMs = clock.now() + HEAD_START_MS
  const stop = () => speakers.forEach((voice) => voice.stop())
  const work = divide(load, targets.length).map((portion, at) => {
    const order: BlockOrder = { target: targets[at]!, ...portion, startAtMs, warmUpSeconds, seconds, ignoreEosFields, salt: `${salt} ${at}` }
    return speakers[at]!.order(order, onProgress)
  })
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  for (const outcome of work) outcome.catch(stop) // half an arm is no measurement
  // All of them, so that none is still busy when the next block begins.
  const ends = await Promise.allSettled(work)
  signal.removeEventListener('abort', stop)
  const outcomes = ends.map((end) => (end.status === 'fulfilled' ? end.value : null))
  const broken = ends.find((end) => end.status === 'rejected')
  if (broken) throw broken.reason
  const whole = outcomes.filter((outcome) => outcome !== null)
  if (whole.length < outcomes.length) throw failed('The block of load was stopped before its end.')
  return { total: sumOf(whole), engines: whole.map(({ result }, at) => ({ engineName: targets[at]!.engineName, result })) }
}

/** One process. It is started again for the next block if it ended. */
class Voice {
  readonly #parts: GeneratorParts
  #talk: Conversation | null = null
  #ready: PromiseWithResolvers<void> | null = null
  #answer: PromiseWithResolvers<Outcome | null> | null = null
  #onProgress: (progress: Progress) => void = () => {}
  #cancelStop = () => {}
  #closed = false

  constructor(parts: GeneratorParts) {
    this.#parts = parts
  }

  async ready(): Promise<void> {
    if (this.#closed) throw failed('The load generator is closed.')
    const ready = (this.#ready ??= this.#start())
    await within(ready.promise, READY_MS, this.#parts.clock, 'The load generator did not start.')
  }

  /** Null: it was stopped. */
  async order(order: BlockOrder, onProgress: (progress: Progress) => void): Promise<Outcome | null> {
    const { clock } = this.#parts
    const answer = Promise.withResolvers<Outcome | null>()
    this.#answer = answer
    this.#onProgress = onProgress
    const limitMs = (order.warmUpSeconds + order.seconds) * 1000 + HEAD_START_MS + RESULT_MS
    const cancel = clock.after(limitMs, () => this.#giveUp(failed('The load generator gave no result.')))
    if (!this.#say({ order })) answer.reject(failed('The load generator takes no orders.'))
    try {
      return await answer.promise
    } finally {
      cancel()
      this.#cancelStop()
      this.#answer = null
      this.#onProgress = () => {}
    }
  }

  stop(): void {
    if (this.#answer === null) return
    this.#say({ stop: true })
    this.#cancelStop()
    this.#cancelStop = this.#parts.clock.after(STOP_MS, () => this.#giveUp(null))
  }

  /** One that does not answer must not speak into the next block: it is ended. */
  #giveUp(fault: FaultError | null): void {
    const answer = this.#answer
    void this.#end().then(() => (fault === null ? answer?.resolve(null) : answer?.reject(fault)))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
    this.#answer?.reject(failed('The load generator was closed.'))
  }

  #start(): PromiseWithResolvers<void> {
    const { host, log, programPath, cpus } = this.#parts
    const ready = Promise.withResolvers<void>()
    ready.promise.catch(() => {}) // told to whoever waits for it
    const talk = host.converse({
      ...nodeCommand(programPath), cpus, why: WHY,
      onLine: (line) => this.#take(line),
      onEnd: (end) => {
        if (this.#talk !== talk) return
        const fault = failed('The load generator ended by itself.', end.lastLines.join('\n') || `exit code ${end.exitCode}, signal ${end.signal}`)
        if (!this.#closed) log.warn('a load generator ended', { pid: talk.pid, exitCode: end.exitCode, signal: end.signal })
        this.#talk = this.#ready = null
        ready.reject(fault)
        this.#answer?.reject(fault)
      },
    })
    this.#talk = talk
    return ready
  }

  #take(line: string): void {
    const said = JSON.parse(line) as FromGenerator
    if ('ready' in said) this.#ready?.resolve()
    else if ('progress' in said) this.#onProgress(said.progress)
    else if ('outcome' in said) this.#answer?.resolve(said.outcome)
    else if ('stopped' in said) this.#answer?.resolve(null)
    else this.#answer?.reject(failed('The load generator made a mistake.', said.failed))
  }

  #say(line: ToGenerator): boolean {
    return this.#talk?.send(JSON.stringify(line)) ?? false
  }

  async #end(): Promise<void> {
    const talk = this.#talk
    this.#talk = this.#ready = null
    await talk?.close()
  }
}

/** The Node that runs a program of ours: the pinned one that start.mjs names, else this program, which may be Electron. */
function nodeCommand(programPath: string): { argv: string[]; env: Record<string, string> } {
  const pinned = process.env['OVERLAP_NODE']
  const asNode: Record<string, string> = !pinned && process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {}
  return { argv: [pinned ?? process.execPath, programPath], env: asNode }
}

function failed(sentence: string, detail?: string): FaultError {
  return new FaultError('EXPERIMENT_FAILED', sentence, 'Run the experiment again; if it happens again, the log has the details.', { detail })
}

async function within<Value>(promise: Promise<Value>, ms: number, clock: Clock, sentence: string): Promise<Value> {
  const done = new AbortController()
  try {
    return await Promise.race([promise, clock.sleep(ms, done.signal).then(() => {
      if (done.signal.aborted) return promise
      throw failed(sentence)
    })])
  } finally {
    done.abort()
  }
}
