// A control program and daemon in one file of state, for behaviour that NVIDIA's daemon shows only on a GPU, or never should.
// Run as an executable: no process stays behind, so /proc shows nothing and only its answers count.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'

export interface StandInState {
  running: boolean
  servers: { pid: number; status: string; clients: number[]; share?: number; memoryMiB?: number }[]
  /** Defaults for servers; 0: no limit. */
  share: number
  memoryMiB: number
  /** Exit code of `-d`; 0 starts. */
  startExit: number
  /** Says yes and does nothing. */
  deafTo: string[]
  /** Takes the order and gives no answer for a while. */
  slowTo: string[]
  /** Looks of a starting server until it is ACTIVE. */
  initialising: number
}

export const STAND_IN: StandInState = { running: false, servers: [], share: 100, memoryMiB: 0, startExit: 0, deafTo: [], slowTo: [], initialising: 0 }

function answer(state: StandInState, line: string): string[] {
  const [verb = '', first = '', second = '', third = ''] = line.split(' ')
  const server = state.servers.find(({ pid }) => String(pid) === first)
  if (state.deafTo.includes(verb)) return []
  switch (verb) {
    case 'get_default_client_priority': return ['0']
    case 'get_server_list': return state.servers.map(({ pid }) => String(pid))
    case 'get_default_active_thread_percentage': return [state.share.toFixed(1)]
    case 'set_default_active_thread_percentage': state.share = Number(first); return [state.share.toFixed(1)]
    case 'get_default_device_pinned_mem_limit': return memoryOf(state.memoryMiB)
    case 'set_default_device_pinned_mem_limit': state.memoryMiB = Number.parseInt(second, 10); return []
    case 'get_active_thread_percentage': return server ? [(server.share ?? state.share).toFixed(1)] : [`Server ${first} not found`]
    case 'set_active_thread_percentage': if (!server) return [`Server ${first} not found`]; server.share = Number(second); return [server.share.toFixed(1)]
    case 'get_device_pinned_mem_limit': return server ? memoryOf(server.memoryMiB ?? 0) : [`Server ${first} not found`]
    case 'set_device_pinned_mem_limit': if (server) server.memoryMiB = Number.parseInt(third, 10); return []
    case 'get_client_list': return server ? server.clients.map(String) : [`Server ${first} not found`]
    case 'get_server_status': return server ? [statusOf(state, server)] : [`Server ${first} not found`]
    case 'start_server': state.servers.push({ pid: 528, status: state.initialising > 0 ? 'INITIALIZING' : 'ACTIVE', clients: [], share: state.share, memoryMiB: state.memoryMiB }); return []
    case 'terminate_client': if (!server?.clients.includes(Number(second))) return ['201']; server.clients = server.clients.filter((pid) => pid !== Number(second)); return ['0']
    case 'quit': Object.assign(state, { running: false, servers: [], share: 100, memoryMiB: 0 }); return []
    case 'ps': return state.servers.some(({ clients }) => clients.length > 0) ? ['PID       ID        SERVER         DEVICE   NAMESPACE      COMMAND        ', ...state.servers.flatMap(({ pid, clients }) => clients.map((client) => `${client} 1 ${pid} GPU-5e1f 42 /usr/bin/python3`))] : []
    default: return [`Unknown command "${line}"`]
  }
}

const memoryOf = (mebibytes: number): string[] => (mebibytes === 0 ? [] : [mebibytes < 1024 ? `${mebibytes}M` : `${Math.floor(mebibytes / 1024)}G`])

function statusOf(state: StandInState, server: StandInState['servers'][number]): string {
  if (server.status === 'INITIALIZING' && (state.initialising -= 1) < 0) server.status = 'ACTIVE'
  return server.status
}

const path = process.env['STAND_IN']
if (path !== undefined) {
  const state = JSON.parse(readFileSync(path, 'utf8')) as StandInState
  const [option] = process.argv.slice(2)
  const lines = option === undefined ? readFileSync(0, 'utf8').split('\n').filter((line) => line !== '') : []
  appendFileSync(`${path}.said`, (option ?? lines.filter((line) => line !== 'get_default_client_priority').join('; ')) + '\n')
  if (state.slowTo.includes((option ?? lines[0] ?? '').split(' ')[0] ?? '')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000)
  if (option === '-v') process.stdout.write('CUDA MPS Control for Linux/Unix/QNX. Binary version: 13000\n')
  else if (option === '-d') {
    process.exitCode = state.startExit
    state.running ||= state.startExit === 0 && !state.deafTo.includes('-d')
  } else if (!state.running) {
    process.stderr.write('Cannot find MPS control daemon process\n')
    process.exitCode = 1
  } else process.stdout.write(lines.flatMap((line) => answer(state, line)).map((line) => `${line}\n`).join(''))
  writeFileSync(path, JSON.stringify(state))
}
