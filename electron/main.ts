// The desktop's entry: core and window in one program, joined by a MessagePort. Thin: no decision of the product lives here.
import './nodeVersion.ts'
import { app, BrowserWindow } from 'electron'
import { join } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { PortLink } from './app/portLink.ts'
import { askAboutEngines, openTray } from './app/tray.ts'
import { declareScheme, onlyInstance, openWindow, preloadPath, servePage } from './app/window.ts'
import { answers } from './core/answers.ts'
import { readFlags } from './flags.ts'
import { openWorkstation } from './opening.ts'

declareScheme()

async function main(): Promise<void> {
  let window: BrowserWindow | null = null
  if (!onlyInstance(() => window?.show())) return app.quit()
  const result = await openWorkstation(readFlags(process.argv.slice(app.isPackaged ? 1 : 2)), app.getAppPath())
  if (!result) return app.quit()
  if ('elsewhere' in result) {
    process.stderr.write(`Overlap already runs here${result.elsewhere.pid === null ? '' : ` as process ${result.elsewhere.pid}`}.\n`)
    return app.quit()
  }
  const { opened } = result
  const { workstation } = opened
  await opened.announce(null)
  const link = new PortLink(answers(workstation, opened.log))
  await app.whenReady()
  const dist = join(app.getAppPath(), 'dist')
  servePage(join(dist, 'page'))

  let quitting = false
  const quit = async () => {
    const running = workstation.runningEngines()
    const answer = running.length === 0 ? 'leave' : await askAboutEngines(running.map((engine) => engine.spec.name))
    if (answer === 'stay') return
    quitting = true
    if (answer === 'stop') await workstation.stopEngines()
    await opened.close()
    app.exit(0)
  }
  const show = () => {
    if (window && !window.isDestroyed()) return window.show()
    window = openWindow({ preload: preloadPath(dist), link })
    window.on('close', (event) => {
      if (quitting) return
      event.preventDefault() // the core goes on in the tray
      window?.hide()
    })
  }
  openTray({ icon: join(app.getAppPath(), 'assets', 'icon.png'), show, quit: () => void quit() })
  app.on('before-quit', (event) => {
    if (quitting) return
    event.preventDefault()
    void quit()
  })
  app.on('window-all-closed', () => {})
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      quitting = true
      void opened.close().finally(() => app.exit(0))
    })
  }
  show()
  workstation.begin()
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof FaultError ? `${error.fault.sentence}\n${error.fault.hint}` : error instanceof Error ? error.stack : String(error)}\n`)
  app.exit(1)
})
