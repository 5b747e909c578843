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
import { readFlags, understood } from './flags.ts'
import { firstOf, RunningCore, type Door } from './runningCore.ts'
import { complain, say } from './terminal.ts'

const USAGE = `npm run cli -- [flags] COMMAND
  status                 what runs: GPUs' daemons and engines
  calls [WORD]           all calls and streams there are, or those that speak of WORD
  call NAME [JSON]       any of them, for example: call gpu.identities, call mps.start '{"gpuUuid":"GPU-…"}'
  watch NAME [JSON]      any stream, an item a line, for example: watch gpu.frames
  --state DIR            as for npm start; a core that runs there is used
  --scene NAME, --real   for a core of its own, where none runs; npm start -- --help lists the scenes`
const root = join(import.meta.dirname, '..')
/** How the contract says by which method each call is made. */
type Calls = Record<string, Record<string, Procedure>>
interface Procedure { '~orpc': { route: { method?: string; summary?: string }; outputSchema?: AnySchema } }
const COMMANDS = ['status', 'calls', 'call', 'watch']
/** By their dotted names. What a link needs for itself is no call of anybody's. */
const PROCEDURES = new Map(Object.entries(contract as unknown as Calls).filter(([group]) => group !== 'link').flatMap(([group, calls]) => Object.entries(calls).map(([call, procedure]): [string, Procedure] => [`${group}.${call}`, procedure])))
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
  const [engines, found] = [await firstOf<Engine[]>(door, 'engine.list'), await firstOf<FoundEngine[]>(door, 'engine.found')]
  if (engines.length + found.length === 0) out('No engine is set up, and none was found running.')
  for (const { spec, state, port, rates, attachment } of engines) {
    out(`${spec.name}  ${state}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
  for (const { name, pid, port, rates, attachment } of found) {
    out(`${name}  found, pid ${pid}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
}

const tokens = ({ generatedTokensPerSecond }: EngineRates): string => (generatedTokensPerSecond === null ? '—' : generatedTokensPerSecond.toFixed(0))

/** Throws FaultError NOT_FOUND. */
function procedureOf(name: string, command: string): Procedure {
  const procedure = PROCEDURES.get(name)
  if (procedure) return procedure
  if (name === '') throw new FaultError('NOT_FOUND', `${command} needs the name of a call.`, '`calls` lists all there are, for example: call gpu.identities.', { field: 'NAME' })
  const near = [...PROCEDURES.keys()].filter((one) => isNear(one, name))
  throw new FaultError('NOT_FOUND', `There is no call ${name}.`, near.length > 0 ? `Did you mean ${near.slice(0, 4).join(', ')}?` : '`calls` lists all there are.', { field: 'NAME' })
}

/** Half typed, in another case, without its group, in the plural. */
function isNear(there: string, typed: string): boolean {
  const [group = '', call = ''] = there.toLowerCase().split('.')
  const [first = '', second = first] = typed.toLowerCase().split('.')
  const stem = second.slice(0, Math.max(4, second.length - 2))
  return call.startsWith(stem) || (second.length >= 4 && call.includes(second)) || (group === first && (!typed.includes('.') || call.slice(0, 2) === second.slice(0, 2)))
}

/** A stream never ends: `call` answers with its first item, which is all there is now. */
const isStream = (procedure: Procedure): boolean => getEventIteratorSchemaDetails(procedure['~orpc'].outputSchema) !== undefined

function listCalls(word: string): void {
  const lines = [...PROCEDURES].map(([name, procedure]) => `${name.padEnd(26)}${procedure['~orpc'].route.summary ?? ''}`)
  const spoken = lines.filter((line) => line.toLowerCase().includes(word.toLowerCase()))
  if (spoken.length === 0) throw new FaultError('NOT_FOUND', `No call speaks of ${word}.`, '`calls` lists all there are.', { field: 'WORD' })
  out(spoken.join('\n'))
}

interface Wish { command: string; name: string; input: object; procedure: Procedure | null }

async function carryOut(door: Door, where: string, { command, name, input, procedure }: Wish): Promise<void> {
  if (procedure === null) return await status(door, where)
  if (command === 'watch') {
    for await (const item of door.items(name, input)) out(JSON.stringify(item))
    return
  }
  out(JSON.stringify(isStream(procedure) ? await firstOf(door, name, input) : await door.call(name, procedure['~orpc'].route.method === 'GET' ? undefined : input), null, 2))
}

async function main(): Promise<void> {
  const options = { state: { type: 'string' }, scene: { type: 'string' }, real: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  const { values, positionals } = understood(USAGE, () => parseArgs({ allowPositionals: true, options }))
  const [command = '', name = '', json, ...more] = positionals
  if (values.state === '') throw new FaultError('BAD_INPUT', '--state needs a folder.', 'Give the path of the folder that Overlap was started with.', { field: 'state' })
  if (values.help || command === '' || command === 'help') return out(USAGE)
  if (!COMMANDS.includes(command)) throw new FaultError('BAD_INPUT', `There is no command ${command}.`, USAGE, { field: 'COMMAND' })
  const [surplus] = command === 'status' ? positionals.slice(1) : command === 'calls' ? positionals.slice(2) : more
  if (surplus !== undefined) throw new FaultError('BAD_INPUT', `${surplus} is one word too many for ${command}.`, command === 'call' || command === 'watch' ? `Write the JSON in quotes, as one word: '{"id":"e1"}'.` : USAGE, { field: 'COMMAND' })
  if (command === 'calls') return listCalls(name)
  const procedure = command === 'status' ? null : procedureOf(name, command)
  if (command === 'watch' && procedure !== null && !isStream(procedure)) throw new FaultError('BAD_INPUT', `${name} is no stream: it answers once.`, `Write \`call ${name}\`.`, { field: 'NAME' })
  const wish: Wish = { command, name, input: inputOf(json), procedure }
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
  (error: unknown) => {
    complain(error)
    process.exit(1)
  },
)
