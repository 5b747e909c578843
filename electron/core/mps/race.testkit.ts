// The race for a control channel: foreign callers and Overlap set and read different values on one real daemon, and each knows
// what it must read. Used by the test, which holds it to zero wrong answers, and by the benchmark, which prints it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../kit/clock.ts'
import type { Tools } from '../host/host.ts'
import { FaultError } from '../../../shared/fault.ts'
import { defaultShare, setDefaults, setDefaultShare } from './control.ts'
import { ControlChannel } from './controlChannel.ts'
import type { ForeignCall } from './raceCaller.testkit.ts'
import { bench } from './realDaemon.testkit.ts'

export interface RaceInput {
  tools: Tools
  calls: number
  foreignCallers: number
  /** Mean pause of a foreign caller between two calls. */
  pauseMs: number
  /** Turn lock and sentinel on or off. */
  guarded: boolean
}

export interface RaceResult {
  calls: number
  /** Ours that ended with exit code 0 and an answer other than the known one, or none. */
  wrong: number
  /** Of these, the ones without any answer. */
  empty: number
  /** Ours that gave up with a Fault. */
  refused: number
  /** Ours during which a foreign call ran. */
  overlapped: number
  /** Sessions repeated because their answer did not arrive whole. */
  repeats: number
  durationMs: number
  foreign: { calls: number; wrong: number }
}

const now = () => performance.timeOrigin + performance.now()

export async function race(input: RaceInput): Promise<RaceResult> {
  const here = bench(input.tools)
  const callers: ChildProcess[] = []
  try {
    const mps = here.gpuDaemon()
    await mps.start().catch((error: unknown) => {
      // Without a GPU its server fails; the daemon is what is wanted.
      if (!(error instanceof FaultError) || error.fault.code !== 'NO_CUDA_DEVICE') throw error
    })
    const reports = await startCallers(input, here.folder, here.pipe, callers)
    const channel = new ControlChannel({ host: here.host, tools: input.tools, clock: systemClock, pipeDirectory: here.pipe, guarded: input.guarded })
    const ours: { fromMs: number; toMs: number; end: 'right' | 'wrong' | 'empty' | 'refused' }[] = []
    const startedAtMs = now()
    for (let call = 0; call < input.calls; call += 1) {
      const fromMs = now()
      // 10.1 … 90.0, never a foreign caller's value
      const end = await (input.guarded ? guardedCall : plainCall)(channel, 10 + ((call % 800) + 1) / 10)
      ours.push({ fromMs, toMs: now(), end })
    }
    const durationMs = now() - startedAtMs
    const foreign = await endCallers(callers, reports)
    const count = (end: string) => ours.filter((call) => call.end === end).length
    return {
      calls: ours.length, wrong: count('wrong') + count('empty'), empty: count('empty'), refused: count('refused'), repeats: channel.repeats, durationMs,
      overlapped: ours.filter((call) => foreign.some(({ fromMs, toMs }) => fromMs < call.toMs && toMs > call.fromMs)).length,
      foreign: { calls: foreign.length, wrong: foreign.filter(({ right }) => !right).length },
    }
  } finally {
    for (const caller of callers) caller.kill('SIGKILL')
    await here.close()
  }
}

/** Set and read in one session, which nobody can come between. */
async function guardedCall(channel: ControlChannel, value: number) {
  try {
    const { echoed, sharePercent } = await channel.ask(setDefaults({ sharePercent: value, pinnedMemoryMiB: null }, null), 'set and read in the race')
    return echoed === value && sharePercent === value ? 'right' as const : 'wrong' as const
  } catch (error) {
    if (error instanceof FaultError) return 'refused' as const
    throw error
  }
}

/** What a program does that trusts exit code 0: sets, then reads, and believes what comes. */
async function plainCall(channel: ControlChannel, value: number) {
  try {
    await channel.ask(setDefaultShare(value), 'set in the race, without lock and sentinel')
    return (await channel.ask(defaultShare, 'read in the race, without lock and sentinel')) === value ? 'right' as const : 'wrong' as const
  } catch (error) {
    if (error instanceof FaultError) return error.fault.code === 'UNREADABLE_OUTPUT' ? 'empty' as const : 'refused' as const
    throw error
  }
}

async function startCallers(input: RaceInput, folder: string, pipe: string, callers: ChildProcess[]): Promise<string[]> {
  const program = fileURLToPath(new URL('raceCaller.testkit.ts', import.meta.url))
  const env = { ...process.env, ...input.tools.env, CUDA_MPS_PIPE_DIRECTORY: pipe }
  const reports: string[] = []
  for (let caller = 1; caller <= input.foreignCallers; caller += 1) {
    const report = join(folder, `caller-${caller}.json`)
    const child = spawn(process.execPath, [program, `${caller}.5`, String(input.pauseMs), report, ...input.tools.mpsControl], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    reports.push(report)
    callers.push(child)
  }
  await Promise.all(callers.flatMap((caller) => (caller.stdout ? [once(caller.stdout, 'data')] : [])))
  return reports
}

async function endCallers(callers: readonly ChildProcess[], reports: readonly string[]): Promise<ForeignCall[]> {
  await Promise.all(callers.map((caller) => {
    const gone = once(caller, 'exit')
    caller.stdin?.end()
    return gone
  }))
  return reports.flatMap((report) => JSON.parse(readFileSync(report, 'utf8')) as ForeignCall[])
}
