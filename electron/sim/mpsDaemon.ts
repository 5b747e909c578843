// The simulated MPS control daemon: one per pipe directory, holder of control_lock. Speaks to one control session at a time, introduces clients to its server.
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { alive, Folder, type Gpu, type SceneFile } from './folder.ts'
import { MpsCommands, type ClientView, type MpsDefaults, type ServerView } from './mpsCommands.ts'
import { MpsLog } from './mpsLog.ts'

process.title = 'nvidia-cuda-mps-control'

const CHECK_EVERY_MS = 200
/** Nobody asked anything and no client is there: a demonstration was left behind. */
const IDLE_MS = 30 * 60_000

interface OwnServer extends ServerView {
  child: ChildProcess
  /** Was told to end: however it ends is well. */
  told: boolean
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

class MpsDaemon {
  readonly #folder = Folder.current()
  readonly #gpus: Gpu[]
  readonly #pipe = process.env['CUDA_MPS_PIPE_DIRECTORY'] || '/tmp/nvidia-mps'
  readonly #log = new MpsLog(process.env['CUDA_MPS_LOG_DIRECTORY'] || '/var/log/nvidia-mps', 'control.log')
  readonly #servers = new Map<number, OwnServer>()
  readonly #defaults: MpsDefaults
  readonly #commands: MpsCommands
  #session: Socket | null = null
  #refused = 0
  #quitting = false
  #serverDiedBadly = false
  #askedAtMs = Date.now()

  constructor(scene: SceneFile) {
    const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')
    this.#gpus = this.#folder.gpus(scene).filter(({ uuid, index }) => !visible || visible.some((id) => id === String(index) || (id.length > 4 && uuid.startsWith(id))))
    const share = Number(process.env['CUDA_MPS_ACTIVE_THREAD_PERCENTAGE'])
    this.#defaults = { sharePercent: share > 0 && share <= 100 ? share : 100, clientPriority: 0, pinnedMiB: new Map() }
    this.#commands = new MpsCommands({
      servers: () => [...this.#servers.values()], clients: () => this.#clients(), devices: () => this.#gpus.map(({ uuid, busId, card }, ordinal) => ({ ordinal, uuid, busId, name: card.name })),
      startServer: (uid) => void this.#startServer(uid), serversStarted: () => this.#serversStarted(), shutdownServer: (pid, force) => this.#shutdownServer(pid, force),
      terminateClient: (serverPid, clientPid) => this.#terminateClient(serverPid, clientPid), quit: (seconds) => this.#quit(seconds), log: (text) => this.#log.write('Control', text),
    }, this.#defaults)
  }

  /** Over whatever an earlier daemon left behind: the lock is ours. */
  open(): void {
    this.#log.write('Control', `Starting control daemon using socket ${join(this.#pipe, 'control')}`)
    this.#log.write('Control', `To connect CUDA applications to this daemon, set env CUDA_MPS_PIPE_DIRECTORY=${this.#pipe}`)
    this.#log.write('Control', 'CUDA MPS Control binary version: 13000')
    writeFileSync(join(this.#pipe, 'nvidia-cuda-mps-control.pid'), `${process.pid}\n`)
    this.#listen('control_privileged', 0o755).once('listening', () => this.#listen('control', 0o666))
    setInterval(() => this.#check(), CHECK_EVERY_MS * 10)
  }

  #listen(name: string, mode: number): Server {
    const path = join(this.#pipe, name)
    rmSync(path, { force: true })
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    return server.listen(path, () => chmodSync(path, mode))
  }

  #accept(socket: Socket): void {
    this.#log.write('Control', 'Accepting connection...')
    socket.on('error', () => socket.destroy())
    socket.write(`OUTBHELL ${process.pid}\n`)
    let pending = ''
    let caller: 'unknown' | 'session' | 'answered' = 'unknown'
    let queue = Promise.resolve()
    const take = (line: string): void => {
      if (caller === 'session') queue = queue.then(() => this.#command(socket, line))
      else if (caller === 'unknown' && line === 'UI') caller = this.#openSession(socket) ? 'session' : 'answered'
      else if (caller === 'unknown' && line.startsWith('CLIENT ')) {
        caller = 'answered'
        void this.#introduce(socket, line)
      }
    }
    socket.on('data', (chunk) => {
      pending = (pending + chunk.toString()).slice(-65_536)
      const lines = pending.split('\n')
      pending = lines.pop() ?? ''
      for (const line of lines) take(line)
    })
    socket.on('end', () => {
      if (caller === 'session' && pending.trim() !== '') take(pending)
      if (caller !== 'answered') void queue.then(() => this.#closeSession(socket, caller === 'session'))
    })
    socket.on('close', () => {
      if (this.#session === socket) this.#session = null
    })
  }

  /** False, and the caller is turned away: there is room for one control session. Most callers cannot tell. */
  #openSession(socket: Socket): boolean {
    this.#askedAtMs = Date.now()
    if (this.#session === null && !this.#quitting) {
      this.#session = socket
      this.#log.write('Control', 'NEW UI')
      return true
    }
    this.#refused += 1
    socket.end(`BUSY ${this.#refused % 6 === 0 ? 1 : 0}\n`)
    return false
  }

  async #command(socket: Socket, line: string): Promise<void> {
    this.#log.write('Control', `Cmd:${line.trim()}`)
    const reply = await this.#commands.reply(line)
    if (reply !== '') this.#log.write('Control', reply.trimEnd().split('\n').at(-1) ?? '')
    if (!socket.destroyed) socket.write(reply)
    if (this.#quitting) this.#exit(socket)
  }

  #closeSession(socket: Socket, session: boolean): void {
    if (this.#session === socket) this.#session = null
    if (session) this.#log.write('Control', 'UI closed')
    if (!socket.destroyed) socket.end()
  }

  #clients(): ClientView[] {
    return [...this.#servers.keys()].flatMap((serverPid) => this.#folder.clients(serverPid, this.#gpus).map(({ gpu, tenant }) => ({
      pid: tenant.pid, serverPid, gpuOrdinal: this.#gpus.indexOf(gpu), gpuUuid: gpu.uuid, busId: gpu.busId, command: tenant.command,
    })))
  }

  #startServer(uid: number): OwnServer {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'mpsServer.ts'), this.#gpus.map(({ index }) => index).join(','), String(this.#defaults.sharePercent)], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
    const server: OwnServer = { child, told: false, pid: child.pid ?? 0, uid, status: 'INITIALIZING', sharePercent: this.#defaults.sharePercent, pinnedMiB: new Map(this.#defaults.pinnedMiB) }
    this.#servers.set(server.pid, server)
    this.#log.write('Control', `Starting new server ${server.pid} for user ${uid}`)
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', (chunk: Buffer) => {
      const status = /(INITIALIZING|ACTIVE|FAULT)\s*$/.exec(chunk.toString())?.[1] as ServerView['status'] | undefined
      if (status === 'ACTIVE' && server.status === 'INITIALIZING') this.#log.write('Control', `NEW SERVER ${server.pid}: Ready`)
      server.status = status ?? server.status
    })
    child.once('exit', (code) => {
      this.#servers.delete(server.pid)
      const status = server.told ? 0 : (code ?? 1)
      this.#serverDiedBadly ||= status !== 0
      this.#log.write('Control', `Server ${server.pid} exited with status ${status}`)
    })
    return server
  }

  /** A CUDA process asks for a server: `CLIENT <pid> <uid> <gpu uuid>`. */
  async #introduce(socket: Socket, line: string): Promise<void> {
    const [, , uid = '0', uuid = ''] = line.split(' ')
    this.#log.write('Control', 'User did not send valid credentials')
    if (!this.#gpus.some((gpu) => gpu.uuid === uuid)) return void socket.end('INVISIBLE\n')
    if (this.#quitting) return void socket.end('NOT_READY\n')
    const running = [...this.#servers.values()][0]
    this.#log.write('Control', running ? `NEW CLIENT 0 from user ${uid}: Server already exists` : `NEW CLIENT 0 from user ${uid}: Server is not ready, push client to pending list`)
    const server = running ?? this.#startServer(Number(uid))
    await this.#serversStarted()
    if (!socket.destroyed) socket.end(server.status === 'ACTIVE' && this.#servers.has(server.pid) ? `SERVER ${server.pid} ${server.sharePercent} ${server.pinnedMiB.get(this.#gpus.findIndex((gpu) => gpu.uuid === uuid)) ?? 0} ${this.#defaults.clientPriority}\n` : 'NOT_READY\n')
  }

  async #serversStarted(): Promise<void> {
    while ([...this.#servers.values()].some(({ status }) => status === 'INITIALIZING')) await sleep(CHECK_EVERY_MS / 10)
  }

  #terminateClient(serverPid: number, clientPid: number): boolean {
    if (!this.#clients().some((client) => client.serverPid === serverPid && client.pid === clientPid)) return false
    process.kill(clientPid, 'SIGUSR2')
    return true
  }

  async #shutdownServer(pid: number, force: boolean): Promise<void> {
    const server = this.#servers.get(pid)
    while (server && !force && this.#folder.clients(pid, this.#gpus).length > 0) await sleep(CHECK_EVERY_MS)
    if (server) {
      this.#log.write('Control', `Try shutting down server ${pid}, backoff is disabled`)
      server.told = true
      server.child.kill('SIGTERM')
    }
    while (this.#servers.has(pid)) await sleep(CHECK_EVERY_MS / 10)
  }

  async #quit(forceAfterSeconds: number | null): Promise<void> {
    this.#log.write('Control', forceAfterSeconds === null ? 'quit command issued' : `quit command issued with timeout of ${forceAfterSeconds}`)
    this.#quitting = true
    const deadline = forceAfterSeconds === null ? Infinity : Date.now() + forceAfterSeconds * 1000
    while (this.#clients().length > 0 && Date.now() < deadline) await sleep(CHECK_EVERY_MS)
    for (const { serverPid } of this.#clients()) this.#log.write('Control', `Force shutting down server ${serverPid}`)
    await Promise.all([...this.#servers.keys()].map((pid) => this.#shutdownServer(pid, true)))
  }

  /** The files `control`, `control_privileged` and `control_lock` stay, as the real one leaves them. */
  #exit(session: Socket | null): void {
    const code = this.#serverDiedBadly ? 1 : 0
    this.#log.write('Control', `Exit with status ${code}`)
    for (const name of ['log', 'nvidia-cuda-mps-control.pid']) rmSync(join(this.#pipe, name), { force: true })
    if (!session || session.destroyed) process.exit(code)
    session.write(`EXIT ${code}\n`, () => process.exit(code))
  }

  #check(): void {
    const clients = this.#clients()
    if (clients.length > 0) this.#askedAtMs = Date.now()
    const idle = Date.now() - this.#askedAtMs > IDLE_MS && !this.#session
    if (this.#folder.scene() === null || idle) void this.#quit(0).then(() => this.#exit(null))
    for (const pid of this.#servers.keys()) if (!alive(pid)) this.#servers.delete(pid)
  }
}

const scene = Folder.current().scene()
if (!scene) process.exit(100)
new MpsDaemon(scene).open()
