// The control language of the MPS daemon: one line in, its reply out, as 580 words it. Knows no sockets and no processes.

export interface ServerView {
  pid: number
  uid: number
  status: 'INITIALIZING' | 'ACTIVE' | 'FAULT'
  sharePercent: number
  pinnedMiB: Map<number, number>
}

export interface ClientView {
  pid: number
  serverPid: number
  gpuOrdinal: number
  gpuUuid: string
  busId: string
  command: string
}

/** What the daemon gives the language to act on. */
export interface MpsDaemonActs {
  servers(): ServerView[]
  clients(): ClientView[]
  devices(): { ordinal: number; uuid: string; busId: string; name: string }[]
  startServer(uid: number): void
  /** Resolves when no server is INITIALIZING. */
  serversStarted(): Promise<void>
  /** Resolves when the server is gone. */
  shutdownServer(pid: number, force: boolean): Promise<void>
  /** False: no such client. */
  terminateClient(serverPid: number, clientPid: number): boolean
  /** Resolves when no client is left, or after so many seconds; the daemon exits after the reply. */
  quit(forceAfterSeconds: number | null): Promise<void>
  log(text: string): void
}

export interface MpsDefaults {
  sharePercent: number
  clientPriority: 0 | 1
  pinnedMiB: Map<number, number>
}

const percentText = (percent: number): string => `${percent.toFixed(1)}\n`

function percentOf(text: string | undefined): number | null {
  const percent = Number(text)
  return text !== undefined && text !== '' && percent > 0 && percent <= 100 ? percent : null
}

/** As the real one reads it: leading digits, then G or M; everything else is megabytes, and nonsense is 0. */
function mebibytesOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d*)(.?)/.exec(text) ?? []
  return Number(digits || 0) * (unit.toUpperCase() === 'G' ? 1024 : 1)
}

/** Read back, whole gigabytes hide the rest. */
const limitText = (mebibytes: number | undefined): string => (mebibytes === undefined ? '' : mebibytes >= 1024 ? `${Math.floor(mebibytes / 1024)}G\n` : `${mebibytes}M\n`)

function setLimit(limits: Map<number, number>, ordinal: string, value: string): void {
  const mebibytes = mebibytesOf(value)
  if (mebibytes === 0) limits.delete(Number(ordinal))
  else limits.set(Number(ordinal), mebibytes)
}

/** Nothing at all without clients. */
function processes(clients: readonly ClientView[]): string {
  const row = (pid: string, id: string, server: string, device: string, namespace: string, command: string) =>
    `${pid.padEnd(10)}${id.padEnd(10)}${server.padEnd(15)}${device.padEnd(26)}${namespace.padEnd(15)}${command.padEnd(15)}\n`
  if (clients.length === 0) return ''
  return row('PID', 'ID', 'SERVER', 'DEVICE', 'NAMESPACE', 'COMMAND')
    + clients.map((client, index) => row(String(client.pid), String(index + 1), String(client.serverPid), client.gpuUuid.slice(0, 22), '4026531836', client.command)).join('')
}

/** `00000000:1A:00.0` as the control tool prints it. */
const controlBusId = (busId: string): string => busId.slice(4).toLowerCase().replace(/^(\w+:\w+):(\w+)\.\d$/, '$1.$2.00')
/** The daemon is deaf to these while a server starts. */
const NEEDS_STARTED_SERVERS = new Set(['get_server_status', 'get_client_list', 'get_device_client_list', 'ps', 'device_query', 'terminate_client', 'shutdown_server'])

export class MpsCommands {
  readonly #acts: MpsDaemonActs
  readonly #defaults: MpsDefaults

  constructor(acts: MpsDaemonActs, defaults: MpsDefaults) {
    this.#acts = acts
    this.#defaults = defaults
  }

  /** The reply to one command line. Errors are replies too: the exit code of the tool stays 0. */
  async reply(line: string): Promise<string> {
    const [name = '', ...words] = line.trim().split(/\s+/)
    if (NEEDS_STARTED_SERVERS.has(name)) await this.#acts.serversStarted()
    return this.#aboutServers(name, words) ?? this.#aboutDefaults(name, words) ?? (await this.#ending(name, words)) ?? `Unknown command "${line.trim()}"\n`
  }

  #server(word: string | undefined): ServerView | string {
    const pid = Number.parseInt(word ?? '', 10) || 0
    return this.#acts.servers().find((server) => server.pid === pid) ?? `Server ${pid} not found\n`
  }

  #aboutServers(name: string, words: readonly string[]): string | null {
    if (name === 'get_server_list') return this.#acts.servers().map(({ pid }) => `${pid}\n`).join('')
    if (name === 'start_server') return this.#startServer(words)
    if (name === 'get_device_client_list') return this.#devices()
    if (name === 'ps') return this.#processes(words)
    if (name === 'device_query') return this.#deviceQuery(words)
    if (name === 'get_server_status' && words[0] === undefined) return 'A server PID is required\n'
    if (!['get_server_status', 'get_client_list', 'set_active_thread_percentage', 'get_active_thread_percentage', 'set_device_pinned_mem_limit', 'get_device_pinned_mem_limit', 'terminate_client'].includes(name)) return null
    const server = this.#server(words[0])
    if (typeof server === 'string') return name === 'terminate_client' ? `${server}${server.trim()}!\n1\n` : server
    return this.#ofServer(name, server, words)
  }

  #ofServer(name: string, server: ServerView, [, second = '', third]: readonly string[]): string {
    switch (name) {
      case 'get_server_status': return `${server.status}\n`
      case 'get_client_list': return this.#acts.clients().filter(({ serverPid }) => serverPid === server.pid).map(({ pid }) => `${pid}\n`).join('')
      case 'set_active_thread_percentage': server.sharePercent = percentOf(second) ?? server.sharePercent; return percentText(server.sharePercent)
      case 'get_active_thread_percentage': return percentText(server.sharePercent)
      case 'set_device_pinned_mem_limit': setLimit(server.pinnedMiB, second, third ?? ''); return ''
      case 'get_device_pinned_mem_limit': return limitText(server.pinnedMiB.get(Number(second)))
      default: return this.#acts.terminateClient(server.pid, Number(second)) ? '0\n' : '201\n'
    }
  }

  #startServer(words: readonly string[]): string {
    const uid = words[0] === '-uid' ? Number(words[1]) : NaN
    if (!Number.isInteger(uid) || uid < 0) return 'A user id (UID) is required to start a new server\n'
    if (this.#acts.servers().some((server) => server.uid === uid)) return `Server with UID ${uid} already exists\n`
    this.#acts.startServer(uid)
    return ''
  }

  #devices(): string {
    if (this.#acts.servers().length === 0) return ''
    return this.#acts.devices().map(({ ordinal, uuid, name }) => {
      const clients = this.#acts.clients().filter((client) => client.gpuUuid === uuid)
      return `[${ordinal}] 00:00.0, ${name}\n${clients.map(({ pid }) => `${pid}.1\n`).join('')}`
    }).join('')
  }

  #processes(words: readonly string[]): string {
    if (words[0] === '-p') {
      const server = this.#server(words[1])
      return typeof server === 'string' ? `${server}${server}\n` : processes(this.#acts.clients().filter(({ serverPid }) => serverPid === server.pid))
    }
    return this.#acts.servers().length > 0 ? processes(this.#acts.clients()) : 'Server not found\n'
  }

  #deviceQuery(words: readonly string[]): string {
    const row = (cells: readonly string[]) => (words.includes('--csv') ? cells.join(',') : cells.map((cell, at) => cell.padEnd([14, 13, 40, 32, 0][at] ?? 0)).join('  '))
    const table = [row(['Device Ordinal', 'PCI IDs', 'UUID', 'Name', 'Attributes']), ...this.#acts.devices().map(({ ordinal, busId, uuid, name }) => row([String(ordinal), controlBusId(busId), uuid, name, 'N/A']))].join('\n')
    return ['Default', ...this.#acts.servers().map(({ pid }) => `Server ${pid}`)].map((title) => `${title}\n${table}\n`).join('\n')
  }

  #aboutDefaults(name: string, [first = '', second]: readonly string[]): string | null {
    const defaults = this.#defaults
    switch (name) {
      case 'set_default_active_thread_percentage': {
        const percent = percentOf(first)
        if (percent === null) this.#acts.log('Invalid percentage, expected between (0.0, 100.0]')
        defaults.sharePercent = percent ?? defaults.sharePercent
        return percentText(defaults.sharePercent)
      }
      case 'get_default_active_thread_percentage': return percentText(defaults.sharePercent)
      case 'set_default_client_priority':
        if (!['', '0', '1'].includes(first)) return 'Invalid priority value - must be 0 or 1!\n'
        defaults.clientPriority = first === '1' ? 1 : 0
        return ''
      case 'get_default_client_priority': return `${defaults.clientPriority}\n`
      case 'set_default_device_pinned_mem_limit': setLimit(defaults.pinnedMiB, first, second ?? ''); return ''
      case 'get_default_device_pinned_mem_limit':
        if (!defaults.pinnedMiB.has(Number(first))) this.#acts.log('No default pinned memory limit set for the device!')
        return limitText(defaults.pinnedMiB.get(Number(first)))
      default: return null
    }
  }

  async #ending(name: string, words: readonly string[]): Promise<string | null> {
    if (name === 'quit') {
      const seconds = words[0] === '-t' ? Number(words[1]) : NaN
      await this.#acts.quit(seconds >= 0 ? seconds : null)
      return ''
    }
    if (name !== 'shutdown_server') return null
    const server = this.#server(words[0])
    if (typeof server === 'string') return server
    await this.#acts.shutdownServer(server.pid, words.includes('-f'))
    return ''
  }
}
