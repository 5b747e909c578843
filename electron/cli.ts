// `npm run cli -- …`: asks a running core what a screen would show, or makes it do what a button would do. Plain HTTP, no product logic.
import './nodeVersion.ts'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Greeting } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import type { Fault } from '../shared/fault.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { readElsewhere, stateFolder, type Elsewhere } from './opening.ts'

const USAGE = `npm run cli -- [--state DIR] COMMAND
  status                 what runs: GPUs' daemons and engines
  call NAME [JSON]       any call of /api/openapi.json, for example: call mps.start '{"gpuUuid":"GPU-…"}'
  watch NAME             any stream, an item a line, for example: watch gpu.frames`

async function runningCore(state: string): Promise<Elsewhere & { port: number; token: string }> {
  const scenes = await readdir(join(state, 'sim')).catch(() => [])
  for (const folder of [state, ...scenes.map((scene) => join(state, 'sim', scene))]) {
    const core = await readElsewhere(folder)
    if (core.port !== null && core.token !== null) return { ...core, port: core.port, token: core.token }
  }
  throw new Error(`No Overlap with a plain HTTP door runs on ${state}. Start one with \`npm start -- --headless\`.`)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { state: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  const [command, name = '', json] = positionals
  const out = (text: string): void => void process.stdout.write(`${text}\n`)
  if (values.help || command === undefined || !['status', 'call', 'watch'].includes(command)) return out(USAGE)
  const core = await runningCore(stateFolder(values.state ?? null))
  const ask = (path: string, body?: string) =>
    fetch(`http://127.0.0.1:${core.port}/api/${path.replace('.', '/')}`, {
      headers: { authorization: `Bearer ${core.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body }),
    })
  const whole = async (answer: Response): Promise<unknown> => {
    const body: unknown = await answer.json()
    if (answer.ok) return body
    const fault = body as Fault
    throw new Error([fault.sentence, fault.hint, fault.detail].filter(Boolean).join('\n'))
  }
  async function* items(path: string): AsyncGenerator<unknown> {
    const answer = await ask(path)
    if (!answer.ok || !answer.body) return void (await whole(answer))
    let rest = ''
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) yield (JSON.parse(line.slice(6)) as { item: unknown }).item
    }
  }
  const first = async <Item>(path: string): Promise<Item> => {
    for await (const item of items(path)) return item as Item
    throw new Error(`${path} gave nothing.`)
  }
  if (command === 'call') {
    // GET where there is no input: greeting is the only call without any
    return out(JSON.stringify(await whole(await ask(name, name === 'workstation.greeting' ? undefined : (json ?? '{}'))), null, 2))
  }
  if (command === 'watch') {
    for await (const item of items(name)) out(JSON.stringify(item))
    return
  }
  const greeting = (await whole(await ask('workstation.greeting'))) as Greeting
  out(`${greeting.hostName}${greeting.simulated ? ` (simulated: ${greeting.scene})` : ''}, Overlap ${greeting.version}, process ${core.pid}, http://127.0.0.1:${core.port}/`)
  for (const daemon of await first<MpsDaemon[]>('mps.daemons')) out(`GPU ${daemon.gpuIndex}  MPS ${daemon.state}: ${daemon.sentence}`)
  for (const { spec, state, port, rates, attachment } of await first<Engine[]>('engine.list')) {
    const tokens = rates.generatedTokensPerSecond === null ? '—' : rates.generatedTokensPerSecond.toFixed(0)
    out(`${spec.name}  ${state}${port === null ? '' : ` on port ${port}`}  ${tokens} tokens/s  ${attachment.state === 'attached' ? 'on MPS' : attachment.sentence}`)
  }
}

// `… watch x | head -1` is no failure
process.stdout.on('error', () => process.exit(0))
main().then(
  () => process.exit(),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  },
)
