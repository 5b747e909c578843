// Stands in for the module `electron` under plain Node, so that the built desktop program can be run without Electron's binary: what main.ts
// and app/ call, as Electron documents it. Driven by the test over process messages; reports what was asked of Electron. Proves nothing about Electron itself.
import { EventEmitter } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'

type Json = Record<string, unknown>
const tell = (what: string, more: Json = {}): void => void process.send?.({ what, ...more })
const root = process.env['STAND_IN_APP'] ?? ''

/** As on Electron's ports, an event carries `{ data, ports }`. */
class MessagePortMain extends EventEmitter {
  readonly #port: MessagePort
  constructor(port: MessagePort) {
    super()
    this.#port = port
    port.on('message', (data: unknown) => this.emit('message', { data, ports: [] }))
    port.on('close', () => this.emit('close'))
    port.unref()
  }
  start(): void { this.#port.start() }
  close(): void { this.#port.close() }
  postMessage(message: unknown): void { this.#port.postMessage(message) }
}
export class MessageChannelMain {
  readonly port1: MessagePortMain
  readonly port2: MessagePortMain
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = new MessagePortMain(port1)
    this.port2 = new MessagePortMain(port2)
  }
}

// in a packed app no script stands among the words
const isPackaged = process.env['STAND_IN_PACKED'] === '1'
if (isPackaged) process.argv.splice(1, 1)

class App extends EventEmitter {
  isPackaged = isPackaged
  getAppPath(): string { return root }
  requestSingleInstanceLock(): boolean { return process.env['STAND_IN_SECOND'] !== '1' }
  async whenReady(): Promise<void> {}
  quit(): void {
    const event = preventable()
    this.emit('before-quit', event)
    if (!event.defaultPrevented) this.exit()
  }
  exit(code = 0): void {
    tell('exit', { code })
    process.exit(code)
  }
}
export const app = new App()

const preventable = (more: Json = {}) => ({ defaultPrevented: false, ...more, preventDefault() { this.defaultPrevented = true } })

class WebContents extends EventEmitter {
  windowOpen: (details: Json) => Json = () => ({ action: 'allow' })
  setWindowOpenHandler(decide: (details: Json) => Json): void { this.windowOpen = decide }
}
export class BrowserWindow extends EventEmitter {
  static last: BrowserWindow | null = null
  readonly webContents = new WebContents()
  readonly options: Json
  constructor(options: Json) {
    super()
    this.options = options
    BrowserWindow.last = this
    tell('window', { options })
  }
  async loadURL(url: string): Promise<void> {
    tell('load', { url })
    this.emit('ready-to-show')
  }
  show(): void { tell('show') }
  hide(): void { tell('hide') }
}

let serve: (request: { url: string }) => Promise<Response> = () => Promise.reject(new Error('nothing handles this scheme'))
export const protocol = {
  registerSchemesAsPrivileged: (schemes: unknown) => tell('schemes', { schemes }),
  handle: (_scheme: string, answer: typeof serve) => void (serve = answer),
}
const permissions: { request?: (contents: null, permission: string, grant: (yes: boolean) => void) => void; check?: (contents: null, permission: string) => boolean } = {}
export const session = {
  defaultSession: {
    setPermissionRequestHandler: (decide: typeof permissions.request) => void (permissions.request = decide),
    setPermissionCheckHandler: (decide: typeof permissions.check) => void (permissions.check = decide),
  },
}
export const ipcMain = new EventEmitter()
export class Tray extends EventEmitter {
  constructor() {
    super()
    if (process.env['STAND_IN_TRAY'] === 'none') throw new Error('there is no tray')
  }
  setToolTip(): void {}
  setContextMenu(menu: { label?: string; click?: () => void }[]): void { items = menu }
}
let items: { label?: string; click?: () => void }[] = []
export const Menu = { buildFromTemplate: (template: typeof items) => template }
export const nativeImage = { createFromPath: (path: string) => ({ path }) }
let answered: (response: number) => void = () => {}
export const dialog = {
  showMessageBox: (asked: Json) => new Promise<{ response: number }>((resolve, reject) => {
    answered = (response) => (response < 0 ? reject(new Error('no question can be shown')) : resolve({ response }))
    tell('asked', asked)
  }),
}

/** One page load's port; the test speaks through it. */
let port: MessagePortMain | null = null
function loadPage({ origin = 'overlap://app', isMain = true, own = true }: { origin?: string; isMain?: boolean; own?: boolean }): void {
  const frame = {
    origin, parent: isMain ? null : {},
    postMessage(channel: string, _message: null, [given]: MessagePortMain[]) {
      port = given!
      tell('given', { channel })
      port.on('message', ({ data }: { data: string }) => tell('heard', { data }))
      port.start()
    },
  }
  ipcMain.emit('overlap.page', { sender: own ? BrowserWindow.last!.webContents : new WebContents(), senderFrame: frame })
}

process.on('message', async (order: Json & { do: string; origin?: string; isMain?: boolean; own?: boolean }) => {
  const contents = BrowserWindow.last?.webContents
  if (order.do === 'fetch') {
    const answer = await serve({ url: String(order['url']) })
    tell('fetched', { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() })
  } else if (order.do === 'page') {
    loadPage(order)
    tell('page')
  } else if (order.do === 'say') port!.postMessage(order['text'])
  else if (order.do === 'navigate') {
    const event = preventable({ url: order['url'] })
    contents!.emit(String(order['event']), event)
    tell('navigated', { prevented: event.defaultPrevented })
  } else if (order.do === 'open') tell('opened', contents!.windowOpen({ url: order['url'] }))
  else if (order.do === 'permission') {
    let granted = false
    permissions.request!(null, String(order['name']), (yes) => (granted = yes))
    tell('permission', { granted, checked: permissions.check!(null, String(order['name'])) })
  } else if (order.do === 'close') {
    const event = preventable()
    BrowserWindow.last!.emit('close', event)
    if (!event.defaultPrevented) BrowserWindow.last!.emit('closed')
    tell('closed', { prevented: event.defaultPrevented })
  } else if (order.do === 'tray') items.find(({ label }) => label === order['label'])!.click!()
  else if (order.do === 'quit') app.quit()
  else if (order.do === 'second') app.emit('second-instance')
  else if (order.do === 'answer') answered(Number(order['response']))
})
process.channel?.unref()
