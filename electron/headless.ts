// The browser's entry: the same core as the desktop's, joined by a WebSocket. Prints one line when it is ready.
import './nodeVersion.ts'
import { join } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { HELP, readFlags } from './flags.ts'
import { openWorkstation } from './opening.ts'
import { PlainHttpDoor } from './plainHttp.ts'
import { complain, pointTo, say, sayLeft, sayReady } from './terminal.ts'
import { takeToken } from './web/doorkeeper.ts'

const root = join(import.meta.dirname, '..')

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2))
  if (flags.help) return void process.stdout.write(`${HELP}\n`)
  const token = takeToken(process.env)

  // before anything is started: a signal during the start ends what has been started so far. One Ctrl-C can arrive
  // twice (from the terminal and from npm), so a second signal never cuts the tidy-up short
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())

  const result = await openWorkstation(flags, root, end.signal)
  if (!result) return
  if ('elsewhere' in result) {
    if (!pointTo(result.elsewhere)) process.exitCode = 1
    return
  }
  const { opened } = result
  const { workstation } = opened
  try {
    const door = new PlainHttpDoor({ opened, port: flags.port, token, pageFolder: join(root, 'dist', 'page'), canClose: false })
    const port = await door.open()
    if (!end.signal.aborted) {
      const greeting = workstation.greeting()
      if (greeting.simulated) say(`Simulated workstation, scene ${greeting.scene}: no number below comes from a GPU.`)
      for (const fault of greeting.faults) complain(FaultError.of(fault))
      sayReady(port, token)
      workstation.begin()
      await aborted(end.signal)
    }
    await door.close()
  } finally {
    await opened.close()
  }
  sayLeft(opened)
}

// whoever reads our output may leave before us; a terminal that closes sends SIGHUP
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
main().then(
  () => process.exit(),
  (error: unknown) => {
    complain(error)
    process.exit(1)
  },
)
