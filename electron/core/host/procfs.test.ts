import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { parseStat } from './processStat.ts'
import { Procfs } from './procfs.ts'

const folder = mkdtempSync(join(tmpdir(), 'overlap-proc-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const statLine = (pid: number, comm: string, ppid: number, startTicks: number) =>
  `${pid} (${comm}) S ${ppid} ${pid} ${pid} 0 -1 4194304 96 0 0 0 150 50 0 0 20 0 1 0 ${startTicks} 3133440 362 18446744073709551615 1 1 0\n`

/** A /proc of our own. */
function fakeProc(name: string, files: Record<string, string>) {
  const root = join(folder, name)
  const write = (more: Record<string, string>) => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
  mkdirSync(root)
  write(files)
  return { root, write, remove: (path: string) => rmSync(join(root, path), { recursive: true }) }
}

describe('parseStat', () => {
  it.each([
    ['a plain name', 'cat'],
    ['spaces and brackets', 'tmux: (1) S 7'],
    ['a closing bracket at the end', 'x)) R'],
  ])('%s', (_, comm) => {
    expect(parseStat(statLine(12, comm, 7, 9876))).toEqual({
      pid: 12, comm, state: 'S', ppid: 7, processGroup: 12, session: 12, cpuSeconds: 2, threads: 1, startTicks: 9876, residentBytes: 362 * 4096,
    })
  })
  it.each(['', '12', '12 (cat', '12 (cat) S 1 2'])('%j is nothing', (text) => expect(parseStat(text)).toBe(null))
})

describe('Procfs on written files', () => {
  const { root, write, remove } = fakeProc('small', {
    '1/stat': statLine(1, 'init', 0, 1), '20/stat': statLine(20, 'engine', 1, 500), '21/stat': statLine(21, 'worker', 20, 501), '22/stat': statLine(22, 'deep', 21, 502),
    '20/status': 'Name:\tengine\nUid:\t1000\t1001\t1000\t1000\n',
    '20/environ': 'A=1\0B=x=y\0broken\0', '20/cmdline': 'vllm\0serve\0\0', '21/cmdline': '',
    'net/unix': 'Num RefCount\n0000: 00000002 00000000 00010000 0005 01 77 /tmp/m p/control\n0000: 00000003 00000000 00000000 0005 03 78 /tmp/other\n',
    'sys/kernel/random/boot_id': '4f1c-boot\n', '20/cgroup': '0::/system.slice/vllm.service\n', '21/cgroup': '1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/\n',
    'self/cgroup': '0::/user.slice/user-1000.slice/user@1000.service/app.slice/overlap.service\n', 'self/limits': 'Limit  Soft\nMax open files            1073741816           1073741816           files\n',
  })
  const clock = new HandClock()
  const procfs = new Procfs({ root, clock })

  it('reads single facts', () => {
    expect(procfs.uidOf(20)).toBe(1001)
    expect(procfs.environmentOf(20)).toEqual({ A: '1', B: 'x=y' })
    expect(procfs.commandLine(20)).toEqual(['vllm', 'serve', ''])
    expect(procfs.commandLine(21)).toBe(null)
    expect(procfs.listeningSocket('/tmp/m p/control')).toBe(true)
    expect(procfs.listeningSocket('/tmp/other')).toBe(false)
    expect(procfs.bootId()).toBe('4f1c-boot')
    expect(procfs.ownOpenFileLimit()).toBe(1073741816)
    expect(procfs.cpuSeconds(20)).toBe(2)
    expect([20, 21, 22].map((pid) => procfs.serviceOf(pid))).toEqual(['vllm.service', null, null])
    expect(procfs.inUserManager()).toBe(true)
  })

  it('takes a zombie for gone once its last thread is', () => {
    const zombie = (threads: number) => write({ '40/stat': statLine(40, 'engine', 1, 700).replace(') S ', ') Z ').replace(' 20 0 1 0 700', ` 20 0 ${threads} 0 700`) })
    zombie(2)
    expect(procfs.isAlive({ pid: 40, startTicks: 700 })).toBe(true)
    zombie(1)
    expect(procfs.isAlive({ pid: 40, startTicks: 700 })).toBe(false)
    remove('40')
  })

  it('finds the holder of a lock, not one who waits', () => {
    const path = join(folder, 'control_lock')
    writeFileSync(path, '')
    const { ino } = statSync(path)
    write({ locks: `1: POSIX  ADVISORY  READ  9 fe:00:1 0 EOF\n2: -> POSIX  ADVISORY  WRITE 11 fe:00:${ino} 0 EOF\n3: FLOCK  ADVISORY  WRITE 4242 00:00:${ino} 0 EOF\n` })
    expect(procfs.lockOwner(path)).toBe(4242)
    expect(procfs.lockOwner(join(folder, 'none'))).toBe(null)
    symlinkSync('loop', join(folder, 'loop')) // fails as a closed folder of another user's does, for root too
    expect(procfs.lockOwner(join(folder, 'loop'))).toBe(null)
  })

  it('walks the tree', () => {
    expect(procfs.processTree(20)).toEqual([20, 21, 22])
    expect(procfs.processTree(99)).toEqual([])
  })

  it('reads old entries now and then, new ones and fresh ones at once, and tells their age', async () => {
    for (let i = 0; i < 3; i++) procfs.processTable(true)
    const readAtMs = clock.now()
    await clock.advance(1000)
    write({ '22/stat': statLine(22, 'deep', 1, 502), '30/stat': statLine(30, 'new', 1, 900) })
    const tables = Array.from({ length: 10 }, () => procfs.processTable())
    expect(tables[0]?.get(30)).toMatchObject({ comm: 'new', readAtMs: clock.now() })
    const parents = tables.map((table) => table?.get(22)?.ppid)
    expect(new Set(parents)).toEqual(new Set([21, 1]))
    expect(parents.at(-1)).toBe(1)
    expect(tables.find((table) => table?.get(22)?.ppid === 21)?.get(22)?.readAtMs).toBe(readAtMs)
    write({ '22/stat': statLine(22, 'other', 1, 999) })
    expect(procfs.processTable(true)?.get(22)).toMatchObject({ comm: 'other', startTicks: 999 })
    remove('30')
    expect(procfs.processTable()?.has(30)).toBe(false)
  })
})

describe('Procfs where files are missing', () => {
  it('is null, never an exception', () => {
    const procfs = new Procfs({ root: join(folder, 'nowhere') })
    expect([
      procfs.processStat(1), procfs.processTable(), procfs.environmentOf(1), procfs.commandLine(1), procfs.uidOf(1),
      procfs.listeningSocket('/x'), procfs.lockOwner(folder), procfs.bootId(), procfs.ownOpenFileLimit(),
    ]).toEqual(Array.from({ length: 9 }, () => null))
    expect(procfs.processTree(1)).toEqual([])
  })
})

describe('Procfs on this machine', () => {
  const procfs = new Procfs()

  it('knows this process', () => {
    const stat = procfs.processStat(process.pid)
    expect(stat).toMatchObject({ pid: process.pid, ppid: process.ppid })
    expect(procfs.isAlive({ pid: process.pid, startTicks: stat?.startTicks ?? 0 })).toBe(true)
    expect(procfs.isAlive({ pid: process.pid, startTicks: 1 })).toBe(false)
    expect(procfs.uidOf(process.pid)).toBe(process.getuid?.())
    expect(procfs.bootId()).toMatch(/^[0-9a-f-]{36}$/)
    expect(procfs.processTable()?.has(process.pid)).toBe(true)
  })

  it('finds sockets that listen', async () => {
    const path = join(folder, 'control')
    const unix = createServer().listen(path)
    await vi.waitFor(() => expect(unix.listening).toBe(true), { timeout: 20_000 })
    expect(procfs.listeningSocket(path)).toBe(true)
    await new Promise((resolve) => unix.close(resolve))
    expect(procfs.listeningSocket(path)).toBe(false)
  })

  it('finds TCP ports that listen where 127.0.0.1 reaches them', async () => {
    const servers = await Promise.all(['127.0.0.1', '0.0.0.0', '::', '127.0.0.2', '::1'].map(async (host) => {
      const server = createServer().listen(0, host)
      await new Promise((resolve) => server.once('listening', resolve))
      return { server, port: (server.address() as { port: number }).port }
    }))
    const ports = servers.map(({ port }) => port)
    const heard = procfs.listeningPorts([process.pid])
    expect(ports.map((port) => heard?.includes(port))).toEqual([true, true, true, false, false])
    // a child that ended and that nobody has reaped hides nothing, nor does one that is gone
    const parent = spawn('sh', ['-c', 'true & exec sleep 600'])
    const zombie = () => procfs.processTree(parent.pid!).find((pid) => procfs.processStat(pid)?.state === 'Z')
    await vi.waitFor(() => expect(zombie()).toBeDefined(), { timeout: 20_000, interval: 20 })
    expect(procfs.listeningPorts([process.pid, zombie()!, 2 ** 22 + 1])).toEqual(heard)
    expect(procfs.listeningPorts([zombie()!])).toBeNull()
    parent.kill('SIGKILL')
    for (const { server } of servers) server.close()
    expect(procfs.listeningPorts([2 ** 22 + 1])).toBeNull()
  })

  it('knows where and since when this process runs', () => {
    expect(procfs.workingDirectory(process.pid)).toBe(process.cwd())
    expect(procfs.sharesOurWorld(process.pid)).toBe(true)
    expect(Math.abs((procfs.timeOf(procfs.processStat(process.pid)?.startTicks ?? 0) ?? 0) - (Date.now() - process.uptime() * 1000))).toBeLessThan(3_000)
    expect(procfs.serviceOf(2 ** 22 + 1)).toBeNull()
  })

  it('finds the holder of a real lock', async () => {
    const path = join(folder, 'real_lock')
    const child = spawn('flock', [path, 'sleep', '600'], { detached: true })
    await vi.waitFor(() => expect(procfs.lockOwner(path)).toBe(child.pid), { timeout: 20_000, interval: 20 })
    process.kill(-child.pid!, 'SIGKILL')
    await vi.waitFor(() => expect(procfs.lockOwner(path)).toBe(null), { timeout: 20_000, interval: 20 })
  })
})
