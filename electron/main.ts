// The desktop's entry: core and window in one program, joined by a MessagePort. Thin: no decision of the product lives here.
import './nodeVersion.ts'
import './packedNode.ts'
import { app, type BrowserWindow } from 'electron'
import { join } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { PortLink } from './app/portLink.ts'
import { askAboutEngines, openTray } from './app/tray.ts'
import { declareScheme, onlyInstance, openWindow, preloadPath, servePage } from './app/window.ts'
import { answers } from './core/answers.ts'
import { readFlags, type Flags } from './flags.ts'
import { openWorkstation, type Opened } from './opening.ts'
import { PlainHttpDoor } from './plainHttp.ts'
import { complain, pointTo, sayLeft } from './terminal.ts'
import { takeToken } from './web/doorkeeper.ts'

/** start.mjs goes on in the browser after any other failure; a refusal would only be repeated there. */
const REFUSED = 2

declareScheme()
let window: BrowserWindow | null = null

async function main(): Promise<void> {
  if (!onlyInstance(() => window?.show())) return app.exit()
  const flags = readFlags(process.argv.slice(app.isPackaged ? 1 : 2))
  const token = takeToken(process.env)

  // before anything is started: a signal during the start ends what has been started so far
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())

  const result = await openWorkstation(flags, app.getAppPath(), end.signal)
  if (!result) return app.exit()
  if ('elsewhere' in result) {
    pointTo(result.elsewhere)
    return app.exit()
  }
  const { opened } = result
  try {
    await showOn(opened, { flags, token, end: end.signal })
  } catch (error) {
    await opened.close().catch(complain)
    throw error
  }
}

/** Everything of the desktop beside its core: the door, the tray, the window, and how it ends. */
async function showOn(opened: Opened, { flags, token, end }: { flags: Flags; token: string; end: AbortSignal }): Promise<void> {
  const { workstation } = opened
  const dist = join(app.getAppPath(), 'dist')
  const door = new PlainHttpDoor({ opened, port: flags.port, token, pageFolder: join(dist, 'page'), canClose: true })
  await opened.announce(null)

  let leaving = false
  const leave = async () => {
    if (leaving) return
    leaving = true
    await door.close().catch(complain)
    await opened.close().catch(complain)
    sayLeft(opened)
    app.exit()
  }
  let asking = false
  const quit = async () => {
    if (asking || leaving) return
    asking = true
    try {
      const running = workstation.runningEngines()
      const answer = running.length === 0 ? 'leave' : await askAboutEngines(running.map((engine) => engine.spec.name))
      if (answer === 'stop') await workstation.stopEngines()
      if (answer !== 'stay') await leave()
    } catch (error) {
      complain(error)
    } finally {
      asking = false
    }
  }
  app.on('before-quit', (event) => {
    if (leaving) return
    event.preventDefault()
    void quit()
  })
  app.on('window-all-closed', () => {})

  if (workstation.wantsPlainHttp) await door.open().catch(complain)
  await app.whenReady()
  const link = new PortLink(answers(workstation, opened.log))
  servePage(join(dist, 'page'))
  const show = () => {
    if (window) return window.show()
    window = openWindow({ preload: preloadPath(dist), link })
    window.on('close', (event) => {
      if (leaving) return
      event.preventDefault() // the core goes on in the tray
      window?.hide()
    })
    window.on('closed', () => (window = null))
  }
  if (end.aborted) return await leave()
  end.addEventListener('abort', () => void leave())
  openTray({ icon: join(app.getAppPath(), 'assets', 'icon.png'), show, quit: () => void quit() })
  show()
  workstation.begin()
}

main().catch((error: unknown) => {
  complain(error)
  app.exit(error instanceof FaultError ? REFUSED : 1)
})
