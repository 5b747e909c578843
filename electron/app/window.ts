// The desktop window: a sandboxed page of our own scheme, nothing else may load, a port for every load of it.
import { app, BrowserWindow, ipcMain, MessageChannelMain, protocol, session, type WebContents } from 'electron'
import { join } from 'node:path'
import { pageAnswer } from '../core/page.ts'
import type { Port, PortLink } from './portLink.ts'

const SCHEME = 'overlap'
const ORIGIN = `${SCHEME}://app`

/** Before the app is ready: the scheme behaves like https (secure context, fetch, strict CSP). */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } }])
}

export function servePage(pageFolder: string): void {
  protocol.handle(SCHEME, async (request) => {
    const address = new URL(request.url)
    if (address.host !== 'app') return new Response(null, { status: 404 })
    const answer = await pageAnswer(pageFolder, address.pathname)
    return new Response(answer.body, { status: answer.status, headers: answer.headers })
  })
  const allowed = (permission: string): boolean => permission === 'clipboard-sanitized-write'
  session.defaultSession.setPermissionRequestHandler((_contents, permission, grant) => grant(allowed(permission)))
  session.defaultSession.setPermissionCheckHandler((_contents, permission) => allowed(permission))
}

export function openWindow(parts: { preload: string; link: PortLink }): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1024,
    minHeight: 640,
    show: false,
    backgroundColor: '#0d1117',
    title: 'Overlap',
    webPreferences: { preload: parts.preload, contextIsolation: true, sandbox: true, nodeIntegration: false, webviewTag: false, spellcheck: false },
  })
  window.once('ready-to-show', () => window.show())
  confine(window.webContents)
  givePorts(window, parts.link)
  void window.loadURL(`${ORIGIN}/index.html`)
  return window
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect'] as const) {
    contents.on(event as 'will-navigate', (details) => {
      if (!details.url.startsWith(`${ORIGIN}/`)) details.preventDefault()
    })
  }
}

/** Only our own main frame, at our own address, gets a port. */
function givePorts(window: BrowserWindow, link: PortLink): void {
  const give = (event: Electron.IpcMainEvent) => {
    const frame = event.senderFrame
    if (event.sender !== window.webContents || !frame || frame.parent !== null || frame.origin !== ORIGIN) return
    const { port1, port2 } = new MessageChannelMain()
    link.accept(port1 as unknown as Port)
    port1.start()
    frame.postMessage('overlap.port', null, [port2])
  }
  ipcMain.on('overlap.page', give)
  window.on('closed', () => ipcMain.off('overlap.page', give))
}

/** False: another Overlap has the desktop; it is asked to show its window. */
export function onlyInstance(show: () => void): boolean {
  if (!app.requestSingleInstanceLock()) return false
  app.on('second-instance', show)
  return true
}

export const preloadPath = (dist: string): string => join(dist, 'preload', 'preload.cjs')
