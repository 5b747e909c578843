// `npm run cli -- …`: asks a running core what a screen would show, or makes it do what a button would do. Plain HTTP, no product logic.
import './nodeVersion.ts'
import { parseArgs } from 'node:util'
import type { Greeting } from '../shared/contract.ts'
import type { Engine, EngineRates } from '../shared/engine.ts'
import { FaultError } from '../shared/fault.ts'
import type { FoundEngine } from '../shared/foundEngine.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { stateFolder } from './opening.ts'
import { RunningCore } from './runningCore.ts'

const USAGE = `npm run cli -- [--state DIR] COMMAND
  status                 what runs: GPUs' daemons and engines
  call NAME [JSON]       any call of /api/openapi.json, for example: call mps.start '{"gpuUuid":"GPU-…"}'
  watch NAME             any stream, an item a line, for example: watch gpu.frames`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { state: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  const [command, name = '', json] = positionals
  const out = (text: string): void => void process.stdout.write(`${text}\n`)
  if (values.help || command === undefined || !['status', 'call', 'watch'].includes(command)) return out(USAGE)
  const state = stateFolder(values.state ?? null)
  const core = await RunningCore.find(state)
  if (core === null) throw new Error(`No Overlap with a plain HTTP door runs on ${state}. Start one with \`npm start -- --headless\`.`)
  // two calls take no input, and are asked for with GET
  const input = ['workstation.greeting', 'experiment.presets'].includes(name) ? undefined : (JSON.parse(json ?? '{}') as unknown)
  if (command === 'call') return out(JSON.stringify(await core.call(name, input), null, 2))
  if (command === 'watch') {
    for await (const item of core.items(name)) out(JSON.stringify(item))
    return
  }
  const greeting = await core.call<Greeting>('workstation.greeting')
  out(`${greeting.hostName}${greeting.simulated ? ` (simulated: ${greeting.scene})` : ''}, Overlap ${greeting.version}, process ${core.pid}, http://127.0.0.1:${core.port}/`)
  for (const daemon of await core.first<MpsDaemon[]>('mps.daemons')) out(`GPU ${daemon.gpuIndex}  MPS ${daemon.state}: ${daemon.sentence}`)
  for (const { spec, state, port, rates, attachment } of await core.first<Engine[]>('engine.list')) {
    out(`${spec.name}  ${state}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
  for (const { name: found, pid, port, rates, attachment } of await core.first<FoundEngine[]>('engine.found')) {
    out(`${found}  found, pid ${pid}${port === null ? '' : ` on port ${port}`}  ${tokens(rates)} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
}

const tokens = ({ generatedTokensPerSecond }: EngineRates): string => (generatedTokensPerSecond === null ? '—' : generatedTokensPerSecond.toFixed(0))

// `… watch x | head -1` is no failure
process.stdout.on('error', () => process.exit(0))
main().then(
  () => process.exit(),
  (error: Error) => {
    process.stderr.write(`${error instanceof FaultError ? [error.fault.sentence, error.fault.hint, error.fault.detail].filter(Boolean).join('\n') : error.message}\n`)
    process.exit(1)
  },
)
