// The simulated MPS server: its own process, a GPU tenant of type C. Tells its daemon its status on standard output; ends with its daemon, however
// that ends, and its clients then fail.
import { Folder, TOUCH_EVERY_MS, type Tenant } from './folder.ts'
import { MpsLog } from './mpsLog.ts'
import { MPS_SERVER_MIB } from './physics.ts'

process.title = 'nvidia-cuda-mps-server'

const INITIALIZE_MS = 300
const CHECK_EVERY_MS = 250

const folder = Folder.current()
const scene = folder.scene()
if (!scene) process.exit(1)
const indices = (process.argv[2] ?? '').split(',').map(Number)
const gpus = folder.gpus(scene).filter(({ index }) => indices.includes(index))
const log = new MpsLog(process.env['CUDA_MPS_LOG_DIRECTORY'] || '/var/log/nvidia-mps', 'server.log')
const tenant: Tenant = { pid: process.pid, kind: 'mpsServer', command: 'nvidia-cuda-mps-server', memoryMiB: MPS_SERVER_MIB, startedAtMs: Date.now(), load: null, status: 'INITIALIZING' }
const faultAfterSeconds = folder.misbehaviour(scene).serverFaultAfterSeconds
let known = new Set<number>()
let firstClientAtMs: number | null = null
let faulted = false
let touchedAtMs = Date.now()

function become(status: NonNullable<Tenant['status']>): void {
  tenant.status = status
  for (const { index } of gpus) folder.put(index, tenant)
  if (process.stdout.writable) process.stdout.write(`${status}\n`)
}

function end(code: number): never {
  for (const { index } of gpus) folder.remove(index, process.pid)
  process.exit(code)
}

function meetClients(pids: Set<number>): void {
  for (const pid of pids) {
    if (known.has(pid)) continue
    log.write('Server', `Received new client request for {PID: ${pid}, Context ID: 0}`)
    log.write('Server', `Client {PID: ${pid}, Context ID: 1} connected`)
    log.write('Server', `Creating worker thread for client {PID: ${pid}, Context ID: 1}`)
    log.write('Server', `Status of client {PID: ${pid}, Context ID: 1} is ACTIVE`)
  }
  for (const pid of known) {
    if (pids.has(pid)) continue
    log.write('Server', `Server failed to recevie command with status 806, assuming client {PID: ${pid}, Context ID: 1} exit`) // sic
    log.write('Server', `Client {PID: ${pid}, Context ID: 1} exiting. Number of active client contexts is ${pids.size}.`)
    log.write('Server', `Client process ${pid} disconnected`)
  }
  known = pids
}

/** A fatal fault is everybody's; the server is itself again when all affected clients are gone. */
function meetFaults(nowMs: number): void {
  if (known.size > 0) firstClientAtMs ??= nowMs
  if (tenant.status === 'FAULT' && known.size === 0) return become('ACTIVE')
  if (faulted || faultAfterSeconds === undefined || firstClientAtMs === null || nowMs - firstClientAtMs < faultAfterSeconds * 1000) return
  faulted = true
  log.write('Server', `Client {PID: ${[...known][0] ?? 0}, Context: 1} encountered a fatal GPU error.`)
  log.write('Server', 'Server is handling a fatal GPU error.')
  for (const pid of known) log.write('Server', `Client {PID: ${pid}, Context ID: 1} on device 0 to be torn down`)
  become('FAULT')
}

function check(): void {
  const nowMs = Date.now()
  meetClients(new Set(folder.clients(process.pid, gpus).map(({ tenant: client }) => client.pid)))
  meetFaults(nowMs)
  if (folder.scene() === null) end(0)
  if (nowMs - touchedAtMs < TOUCH_EVERY_MS) return
  touchedAtMs = nowMs
  for (const { index } of gpus) folder.touch(index, process.pid)
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0))
process.stdout.on('error', () => {})
process.stdin.on('error', () => {})
process.stdin.on('close', () => end(0)).resume()

log.write('Other', 'Startup')
log.write('Other', `Connecting to control daemon on socket: ${process.env['CUDA_MPS_PIPE_DIRECTORY'] ?? ''}/control`)
log.write('Other', 'Initializing server process')
for (const { index, card } of gpus) log.write('Server', `Creating server context on device ${index} (${card.name})`)
if (gpus.some(({ index, exclusiveProcess }) => exclusiveProcess && folder.tenants(index).length > 0)) {
  log.write('Server', 'Failed to start : all CUDA-capable devices are busy or unavailable')
  process.exit(1)
}
become('INITIALIZING')
setTimeout(() => {
  log.write('Server', 'CUDA MPS Server for Linux/Unix. Binary version: 13000')
  log.write('Server', 'Display Driver version: 580')
  log.write('Server', `Active Threads Percentage set to ${Number(process.argv[3] ?? '100').toFixed(1)}`)
  log.write('Server', 'Server Priority set to 0')
  log.write('Server', 'Server has started')
  become('ACTIVE')
  setInterval(check, CHECK_EVERY_MS)
}, INITIALIZE_MS)
