// The browser's entry: the same core as the desktop's, joined by a WebSocket. Prints one line when it is ready.
import './nodeVersion.ts'
import { join } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { answers } from './core/answers.ts'
import { systemClock } from './core/kit/clock.ts'
import { version } from './core/version.ts'
import { readFlags, USAGE, type Flags } from './flags.ts'
import { openWorkstation, type Elsewhere, type Opened } from './opening.ts'
import { checkedToken, newToken } from './web/doorkeeper.ts'
import { WebServer } from './web/server.ts'

const DEFAULT_PORT = 7650
const root = join(import.meta.dirname, '..')
const pageFolder = join(root, 'dist', 'page')
const say = (line: string) => process.stderr.write(`${line}\n`)
const readyLine = (port: number, token: string) => `Overlap ready http://127.0.0.1:${port}/#token=${token}\n`

async function listen(server: WebServer, flags: Flags): Promise<number> {
  try {
    return await server.listen(flags.port ?? DEFAULT_PORT)
  } catch (error) {
    if (flags.port !== null || !(error instanceof FaultError)) throw error
    return await server.listen(0)
  }
}

/** What was left running, so that nobody is surprised by it. */
function farewell({ workstation }: Opened): void {
  const left = workstation.leftRunning()
  if (left.length > 0) say(`Left running: ${left.join(', ')}. The next start finds them again.`)
}

function pointTo({ pid, ready, port, token }: Elsewhere): void {
  say(`Overlap already runs here${pid === null ? '' : ` as process ${pid}`}${ready && port === null ? ', in a window' : ''}. A second one needs its own folder: --state DIR.`)
  if (port !== null && token !== null) process.stdout.write(readyLine(port, token))
  else process.exitCode = 1
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2))
  if (flags.help) return void process.stdout.write(`${USAGE}\n`)
  const token = process.env['OVERLAP_TOKEN'] ? checkedToken(process.env['OVERLAP_TOKEN']) : newToken()
  delete process.env['OVERLAP_TOKEN'] // nothing that is started from here may inherit it

  // before anything is started: a signal during the start ends what has been started so far. One Ctrl-C can arrive
  // twice (from the terminal and from npm), so a second signal never cuts the tidy-up short
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())

  const result = await openWorkstation(flags, root, end.signal)
  if (!result) return
  if ('elsewhere' in result) return pointTo(result.elsewhere)
  const { opened } = result
  const { workstation, log } = opened
  try {
    const server = new WebServer({ answers: answers(workstation, log), token, pageFolder, version, clock: systemClock, log })
    const port = await listen(server, flags)
    await opened.announce({ port, token })
    if (!end.signal.aborted) {
      const greeting = workstation.greeting()
      if (greeting.simulated) say(`Simulated workstation, scene ${greeting.scene}: no number below comes from a GPU.`)
      for (const fault of greeting.faults) say(`${fault.sentence} ${fault.hint}`)
      process.stdout.write(readyLine(port, token))
      workstation.begin()
      await aborted(end.signal)
    }
    await server.close()
  } finally {
    await opened.close()
  }
  farewell(opened)
}

// whoever reads our output may leave before us; a terminal that closes sends SIGHUP
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
main().then(
  () => process.exit(),
  (error: unknown) => {
    if (error instanceof FaultError) say(`${error.fault.sentence}\n${error.fault.hint}`)
    else say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exit(1)
  },
)
