import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MpsCommands, type MpsDaemonActs, type ServerView } from './mpsCommands.ts'
import { logLine } from './mpsLog.ts'

const uuid = 'GPU-51a00000-0000-4000-8000-000000000011'
function language(change: Partial<MpsDaemonActs> = {}) {
  const server: ServerView = { pid: 200, uid: 0, status: 'ACTIVE', sharePercent: 100, pinnedMiB: new Map() }
  const done: string[] = []
  const commands = new MpsCommands({
    servers: () => [server],
    clients: () => [{ pid: 300, serverPid: 200, gpuOrdinal: 0, gpuUuid: uuid, busId: '00000000:1A:00.0', command: '/bin/engine --port 1' }],
    devices: () => [{ ordinal: 0, uuid, busId: '00000000:1A:00.0', name: 'NVIDIA H100 80GB HBM3' }],
    serversStarted: async () => void done.push('waited'),
    startServer: (uid) => void done.push(`start ${uid}`),
    shutdownServer: async (pid, force) => void done.push(`shutdown ${pid} ${force}`),
    terminateClient: (_, client) => client === 300,
    quit: async (seconds) => void done.push(`quit ${seconds}`),
    log: (text) => void done.push(text),
    ...change,
  }, { sharePercent: 100, clientPriority: 0, pinnedMiB: new Map() })
  return { commands, done }
}

it.each([
  ['get_server_list', '200\n'],
  ['  get_server_list\r', '200\n'],
  ['get_server_status 200', 'ACTIVE\n'],
  ['get_server_status 7', 'Server 7 not found\n'],
  ['get_server_status', 'A server PID is required\n'],
  ['get_client_list 200', '300\n'],
  ['get_client_list', 'Server 0 not found\n'],
  ['get_device_client_list', '[0] 00:00.0, NVIDIA H100 80GB HBM3\n300.1\n'],
  ['ps -p 7', 'Server 7 not found\nServer 7 not found\n\n'],
  ['start_server', 'A user id (UID) is required to start a new server\n'],
  ['start_server -uid 0', 'Server with UID 0 already exists\n'],
  ['start_server -uid 1000', ''],
  ['set_default_active_thread_percentage 33.3', '33.3\n'],
  ['set_default_active_thread_percentage 0', '100.0\n'],
  ['set_default_active_thread_percentage abc', '100.0\n'],
  ['get_default_active_thread_percentage', '100.0\n'],
  ['set_active_thread_percentage 200 40', '40.0\n'],
  ['get_default_client_priority', '0\n'],
  ['set_default_client_priority 2', 'Invalid priority value - must be 0 or 1!\n'],
  ['set_default_device_pinned_mem_limit 0 1G', ''],
  ['get_default_device_pinned_mem_limit 0', ''],
  ['terminate_client 200 300', '0\n'],
  ['terminate_client 200 301', '201\n'],
  ['terminate_client 7 300', 'Server 7 not found\nServer 7 not found!\n1\n'],
  ['lspart', 'Unknown command "lspart"\n'],
  ['', 'Unknown command ""\n'],
  ['quit', ''],
])('%s', async (line, reply) => {
  expect(await language().commands.reply(line)).toBe(reply)
})

it('remembers defaults, and reads memory limits as badly as the real one', async () => {
  const { commands } = language()
  for (const [value, back] of [['10G', '10G\n'], ['900M', '900M\n'], ['1536M', '1G\n'], ['1.5G', '1M\n'], ['512K', '512M\n'], ['abc', '']] as const) {
    await commands.reply(`set_default_device_pinned_mem_limit 0 ${value}`)
    expect(await commands.reply('get_default_device_pinned_mem_limit 0')).toBe(back)
  }
  await commands.reply('set_default_active_thread_percentage 40')
  expect(await commands.reply('get_default_active_thread_percentage')).toBe('40.0\n')
  await commands.reply('set_default_client_priority 1')
  expect(await commands.reply('get_default_client_priority')).toBe('1\n')
})

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')

it('ps is the real table, empty without clients, and refused without a server', async () => {
  const { commands } = language({ clients: () => [544, 545].map((pid) => ({ pid, serverPid: 528, gpuOrdinal: 0, gpuUuid: 'GPU-5e1f0c7a-62b4-98d3-17ac-04e9b3d85f60', busId: '', command: '/home/user1/venv/bin/python3' })) })
  expect(await commands.reply('ps')).toBe(fixture('ps.txt'))
  expect(await language({ clients: () => [] }).commands.reply('ps')).toBe('')
  expect(await language({ servers: () => [] }).commands.reply('ps')).toBe('Server not found\n')
})

it('device_query is the real table', async () => {
  const { commands } = language({
    servers: () => [{ pid: 528, uid: 0, status: 'ACTIVE', sharePercent: 100, pinnedMiB: new Map() }],
    devices: () => [{ ordinal: 0, uuid: 'GPU-5e1f0c7a-62b4-98d3-17ac-04e9b3d85f60', busId: '00000000:00:06.0', name: 'NVIDIA H100 80GB HBM3' }],
  })
  expect(await commands.reply('device_query --csv')).toBe(fixture('device-query-csv.txt'))
})

it.each([['get_server_status 200', true], ['ps', true], ['get_server_list', false], ['get_default_client_priority', false]])('%s waits for starting servers: %s', async (line, waits) => {
  const { commands, done } = language()
  await commands.reply(line)
  expect(done).toEqual(waits ? ['waited'] : [])
})

it.each([['quit', 'quit null'], ['quit -t 5', 'quit 5'], ['shutdown_server 200', 'shutdown 200 false'], ['shutdown_server 200 -f', 'shutdown 200 true']])('%s acts', async (line, act) => {
  const { commands, done } = language()
  await commands.reply(line)
  expect(done.filter((one) => one !== 'waited')).toEqual([act])
})

it('log lines have NVIDIA\'s form', () => {
  expect(logLine('Control', 42, 'NEW UI', new Date(2026, 10, 23, 8, 5, 3, 7).getTime())).toBe('[2026-11-23 08:05:03.007 Control    42] NEW UI\n')
})
