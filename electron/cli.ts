// `npm run cli -- …`: asks a core what a screen would show, or makes it do what a button would do. The core that runs, else one of its own
// for as long as the command takes. No product logic.
import './nodeVersion.ts'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { getEventIteratorSchemaDetails, type AnySchema } from '@orpc/contract'
import { contract, type Greeting } from '../shared/contract.ts'
import type { Engine, EngineRates } from '../shared/engine.ts'
import { FaultError } from '../shared/fault.ts'
import type { FoundEngine } from '../shared/foundEngine.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { stateFolder } from './elsewhere.ts'
import { readFlags } from './flags.ts'
import { firstOf, RunningCore, type Door } from './runningCore.ts'
import { say } from './terminal.ts'

const USAGE = `npm run cli -- [flags] COMMAND
  status                 what runs: GPUs' daemons and engines
  call NAME [JSON]       any call of /api/openapi.json, for example: call gpu.identities, call mps.start '{"gpuUuid":"GPU-…"}'
  watch NAME [JSON]      any stream, an item a line, for example: watch gpu.frames
  --state DIR            as for npm start; a core that runs there is used
  --scene NAME, --real   for a core of its own, where none runs; npm start -- --help lists the scenes`
const root = join(import.meta.dirname, '..')
/** How the contract says by which method each call is made. */
type Calls = Record<string, Record<string, { '~orpc': { route: { method?: string }; outputSchema?: AnySchema } } | undefined> | undefined>
const out = (text: string): void => void process.stdout.write(`${text}\n`)

function inputOf(json: string | undefined): object {
  try {
    const input: unknown = JSON.parse(json ?? '{}')
    if (typeof input === 'object' && input !== null) return input
  } catch {
    // said below
  }
  throw new FaultError('BAD_INPUT', `${json} is not a JSON object.`, `Write it in quotes: '{"id":"e1"}'.`, { field: 'JSON' })
}

async function status(door: Door, where: string): Promise<void> {
  const greeting = await door.call<Greeting>('workstation.greeting')
  out(`${greeting.hostName}${greeting.simulated ? ` (simulated: ${greeting.scene})` : ''}, Overlap ${greeting.version}, ${where}`)
  for (const daemon of await firstOf<MpsDaemon[]>(door, 'mps.daemons')) out(`GPU ${daemon.gpuIndex}  MPS ${daemon.state}: ${daemon.sentence}`)
  for (const { spec, state, port, rates, attachment } of await firstOf<Engine[]>(door, 'engine.list')) {
    out(`${spec.name}  ${state}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
  for (const { name, pid, port, rates, attachment } of await firstOf<FoundEngine[]>(door, 'engine.found')) {
    out(`${name}  found, pid ${pid}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
}

const tokens = ({ generatedTokensPerSecond }: EngineRates): string => (generatedTokensPerSecond === null ? '—' : generatedTokensPerSecond.toFixed(0))

/** GET: takes no input. Throws FaultError NOT_FOUND. */
function methodOf(name: string): string | undefined {
  const [group = '', call = ''] = name.split('.')
  const procedure = Object.hasOwn(contract, group) ? (contract as unknown as Calls)[group]?.[call] : undefined
  if (!procedure) throw new FaultError('NOT_FOUND', `There is no call ${name || 'without a name'}.`, 'See /api/openapi.json for all there are.', { field: 'NAME' })
  return procedure['~orpc'].route.method
}

/** A stream never ends: `call` answers with its first item, which is all there is now. */
function isStream(name: string): boolean {
  const [group = '', call = ''] = name.split('.')
  return getEventIteratorSchemaDetails((contract as unknown as Calls)[group]?.[call]?.['~orpc'].outputSchema) !== undefined
}

interface Wish { command: string; name: string; input: object; method: string | undefined }

async function carryOut(door: Door, where: string, { command, name, input, method }: Wish): Promise<void> {
  if (command === 'status') return await status(door, where)
  if (command === 'watch') {
    for await (const item of door.items(name, input)) out(JSON.stringify(item))
    return
  }
  out(JSON.stringify(isStream(name) ? await firstOf(door, name) : await door.call(name, method === 'GET' ? undefined : input), null, 2))
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { state: { type: 'string' }, scene: { type: 'string' }, real: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  const [command = '', name = '', json] = positionals
  if (values.help || !['status', 'call', 'watch'].includes(command)) return out(USAGE)
  const wish: Wish = { command, name, input: inputOf(json), method: command === 'status' ? 'GET' : methodOf(name) }
  const state = stateFolder(values.state ?? null)
  const running = await RunningCore.find(state)
  const end = new AbortController()
  const ended = new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve(), { once: true }))
  // `… watch x | head -1` is no failure
  process.stdout.on('error', () => end.abort())
  if (running) return await Promise.race([carryOut(running, `process ${running.pid}, http://127.0.0.1:${running.port}/`, wish), ended])

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  say(`No Overlap can be reached on ${state}: this command runs one of its own, which ends with it. Only engines, and the MPS daemons they use, go on.`)
  const { OwnCore, settled } = await import('./ownCore.ts')
  const own = await OwnCore.open(readFlags(['--state', state, ...(values.scene ? ['--scene', values.scene] : []), ...(values.real ? ['--real'] : [])]), root, end.signal)
  if (own === null) return
  // what is asked once must not be asked before there is an answer
  const work = (command === 'watch' ? Promise.resolve() : settled(own, end.signal)).then(() => (end.signal.aborted ? undefined : carryOut(own, 'a core of this command alone', wish)))
  await Promise.race([work, ended]).finally(() => own.close())
}

main().then(
  () => process.exit(),
  (error: Error) => {
    say(error instanceof FaultError ? [error.fault.sentence, error.fault.hint, error.fault.detail].filter(Boolean).join('\n') : error.message)
    process.exit(1)
  },
)
