// Stand-in for nvidia-cuda-mps-control 580: starts the daemon (-d), or sends it what stands on standard input. Texts and exit codes of 580.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Folder } from './folder.ts'

const BANNER = 'CUDA MPS Control for Linux/Unix/QNX. Binary version: 13000\nCopyright (C) 2003 - 2025 NVIDIA Corporation.\n\n'
const HELP = `CUDA MPS Control for Linux/Unix/QNX.
Copyright (C) 2003 - 2025 NVIDIA Corporation.

nvidia-cuda-mps-control [options] [command]
OPTIONS:
  -h,--help                Print this message
  -d,--daemon              Setup the daemon in the background

COMMAND:
${['start_server -uid <user id>', 'quit', 'get_server_list', 'get_server_status <PID>', 'get_client_list <PID>', 'get_device_client_list [<PID>]', 'ps [-p PID]',
  'set_default_active_thread_percentage <percentage>', 'get_default_active_thread_percentage', 'set_active_thread_percentage <PID> <percentage>', 'get_active_thread_percentage <PID>',
  'set_default_device_pinned_mem_limit <dev> <value>', 'get_default_device_pinned_mem_limit <dev>', 'set_device_pinned_mem_limit <PID> <dev> <value>', 'get_device_pinned_mem_limit <PID> <dev>',
  'set_default_client_priority <priority>', 'get_default_client_priority', 'terminate_client <server PID> <client PID>', 'device_query [<PID>] [--csv]'].map((line) => `  ${line}\n`).join('')}
`
/** Bytes of <dir>/control_privileged that the daemon takes: one less than fit a socket address. */
const SOCKET_PATH_BYTES = 106
const START_WITHIN_MS = 5000
/** Exit code of flock when somebody else holds the lock. */
const LOCK_IS_HELD = 99

const pipeDirectory = process.env['CUDA_MPS_PIPE_DIRECTORY'] || '/tmp/nvidia-mps'

function refuse(text: string): number {
  process.stderr.write(text)
  return 1
}

const connected = (path: string): Promise<Socket | null> =>
  new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(null))
  })

/** The daemon replaces flock's own process image and keeps its open lock: /proc/locks names the daemon's pid. */
async function startDaemon(): Promise<number> {
  if (Buffer.byteLength(join(pipeDirectory, 'control_privileged')) > SOCKET_PATH_BYTES) return 1
  try {
    statSync(dirname(pipeDirectory))
    mkdirSync(pipeDirectory, { recursive: true, mode: 0o777 })
  } catch {
    return refuse(`Cannot access CUDA_MPS_PIPE_DIRECTORY=${pipeDirectory}\n`)
  }
  const lock = join(pipeDirectory, 'control_lock')
  closeSync(openSync(lock, 'a', 0o666))
  const log = join(pipeDirectory, 'log')
  if (spawnSync('mkfifo', ['-m', '777', log], { stdio: 'ignore' }).error) writeFileSync(log, '')
  const daemon = spawn('flock', ['--nonblock', '--conflict-exit-code', String(LOCK_IS_HELD), '--no-fork', lock, process.execPath, join(import.meta.dirname, 'mpsDaemon.ts')], {
    detached: true, stdio: 'ignore', env: { ...process.env, CUDA_MPS_PIPE_DIRECTORY: pipeDirectory },
  })
  let exitCode: number | null = null
  daemon.once('exit', (code) => (exitCode = code ?? 1))
  daemon.once('error', () => (exitCode = 1))
  const deadline = Date.now() + START_WITHIN_MS
  while (exitCode === null && Date.now() < deadline) {
    const socket = await connected(join(pipeDirectory, 'control'))
    // What answers may be an older daemon while flock has not yet been refused: only ours counts.
    const greeting = socket ? await firstLine(socket) : ''
    if (greeting === `OUTBHELL ${daemon.pid}`) {
      daemon.unref()
      return 0
    }
    await sleep(15)
  }
  return exitCode === LOCK_IS_HELD ? refuse('An instance of this daemon is already running\n') : 1
}

const firstLine = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString()
      if (text.includes('\n')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => resolve(text.split('\n')[0] ?? ''))
  })

/** One control session: it occupies the daemon until standard input ends. Output comes at the end, all at once. */
async function control(command: string | null): Promise<number> {
  const socket = await connected(join(pipeDirectory, 'control'))
  if (!socket) return refuse('Cannot find MPS control daemon process\n')
  let reply = ''
  socket.on('data', (chunk) => (reply += chunk.toString()))
  socket.on('error', () => socket.destroy())
  socket.write('UI\n')
  if (command === null) process.stdin.pipe(socket)
  else socket.end(`${command}\n`)
  process.stdin.on('error', () => socket.end())
  await new Promise((resolve) => socket.once('close', resolve))
  process.stdin.destroy()
  const output = reply.slice(reply.indexOf('\n') + 1)
  if (output.startsWith('BUSY 1\n')) return refuse('Cannot send command to MPS control daemon process\n')
  const exit = /EXIT (\d+)\n$/.exec(output)
  process.stdout.write(output.startsWith('BUSY') ? '' : output.replace(/EXIT \d+\n$/, ''))
  return exit ? Number(exit[1]) : 0
}

async function main(args: readonly string[]): Promise<number> {
  const folder = Folder.current()
  const scene = folder.scene()
  const [first] = args
  if (first === '-v' || first === '--version') process.stdout.write(BANNER)
  else if (first === '-h' || first === '--help') process.stdout.write(HELP)
  else if (first === '-d' || first === '--daemon') {
    if (!scene) return 100 // CUDA_ERROR_NO_DEVICE, silently
    return folder.misbehaviour(scene).mpsDoesNothing ? 0 : startDaemon()
  } else if (first?.startsWith('-')) process.stdout.write(`Unrecognized option ${first}\n${HELP}`)
  else return scene && folder.misbehaviour(scene).mpsDoesNothing ? 0 : control(first ?? null)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
