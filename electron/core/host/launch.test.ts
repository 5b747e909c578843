import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../kit/log.ts'
import { LocalHost } from './localHost.ts'
import { Procfs } from './procfs.ts'

const folder = mkdtempSync(join(tmpdir(), 'overlap-launch-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const procfs = new Procfs()
const host = new LocalHost({ log: silentLog, stateDirectory: join(folder, 'state') })
const alive = (pid: number) => (procfs.processStat(pid)?.state ?? 'Z') !== 'Z'
const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 20 })
const hasDeathSignal = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0

describe('LocalHost.launch', () => {
  it('starts a process of its own session that appends to its log, and tells its end', async () => {
    const logPath = join(folder, 'logs', 'e1.log')
    const started = await host.launch({ argv: ['sh', '-c', 'echo out; echo err >&2; read line; echo "$line"; exit 3'], stdin: 'in\n', logPath, why: 'test' })
    await soon(() => expect(host.ledger.kept.at(-1)).toMatchObject({ way: 'launch', outcome: 'ended', exitCode: 3, pid: started.pid }))
    await host.launch({ argv: ['echo', 'again'], logPath, why: 'test' })
    await soon(() => expect(readFileSync(logPath, 'utf8')).toBe('out\nerr\nin\nagain\n'))
    expect(statSync(logPath).mode & 0o777).toBe(0o600)
  })

  it('names it by pid and start time, and signals only that very process', async () => {
    const started = await host.launch({ argv: ['sh', '-c', 'sleep 600 & wait'], logPath: join(folder, 'e2.log'), why: 'test' })
    const stat = procfs.processStat(started.pid)
    expect(stat).toMatchObject({ startTicks: started.startTicks, session: started.pid, processGroup: started.pid })
    await soon(() => expect(procfs.processTree(started.pid)).toHaveLength(2))
    const tree = procfs.processTree(started.pid)
    expect(host.signal({ ...started, startTicks: started.startTicks + 1 }, 'SIGKILL', 'group')).toBe(false)
    expect(tree.filter(alive)).toEqual(tree)
    expect(host.signal(started, 'SIGTERM', 'group')).toBe(true)
    await soon(() => expect(tree.filter(alive)).toEqual([]))
    expect(host.signal(started, 'SIGTERM', 'process')).toBe(false)
  })

  it('says what is missing or may not be written', async () => {
    await expect(host.launch({ argv: ['no-such-engine'], logPath: join(folder, 'e3.log'), why: 'test' })).rejects.toMatchObject({ fault: { code: 'TOOL_MISSING' } })
    writeFileSync(join(folder, 'file'), '')
    await expect(host.launch({ argv: ['true'], logPath: join(folder, 'file', 'e.log'), why: 'test' })).rejects.toMatchObject({ fault: { code: 'NO_PERMISSION' } })
    expect(host.ledger.kept.at(-1)?.outcome).toBe('failed')
  })
})

/** A systemd-run of our own: notes that it was called, then becomes the program or refuses. */
function withUserManager(name: string, answer: 'agrees' | 'refuses', managerStays = true) {
  const bin = join(folder, name)
  mkdirSync(join(bin, 'systemd'), { recursive: true })
  writeFileSync(join(bin, 'systemd/private'), '')
  const script = answer === 'refuses' ? 'exit 1' : 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"'
  writeFileSync(join(bin, 'systemd-run'), `#!/bin/sh\necho "$*" >> ${bin}/calls\n${script}\n`, { mode: 0o755 })
  const local = new LocalHost({ log: silentLog, environment: { PATH: `${bin}:${process.env['PATH']}`, XDG_RUNTIME_DIR: bin }, managerStays: () => managerStays })
  return { local, calls: () => readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n') }
}

describe('LocalHost.launch beside a systemd user manager', () => {
  it('gives each process a scope of its own; the pid is the program', async () => {
    const { local, calls } = withUserManager('agrees', 'agrees')
    const started = await local.launch({ argv: ['sleep', '600'], logPath: join(folder, 'e5.log'), why: 'test' })
    await soon(() => expect(procfs.commandLine(started.pid)).toEqual(['sleep', '600']))
    expect(local.signal(started, 'SIGKILL', 'group')).toBe(true)
    await expect(local.launch({ argv: ['no-such-engine'], logPath: join(folder, 'e5.log'), why: 'test' })).rejects.toMatchObject({ fault: { code: 'TOOL_MISSING' } })
    expect(calls()).toEqual(['true', 'sleep 600'].map((program) => `--user --scope --quiet --collect -- ${program}`))
  })

  it('does without one that ends with the last login, and would take its scopes along', async () => {
    const { local } = withUserManager('leaves', 'agrees', false)
    const started = await local.launch({ argv: ['sleep', '600'], logPath: join(folder, 'e7.log'), why: 'test' })
    expect(existsSync(join(folder, 'leaves', 'calls'))).toBe(false)
    expect(local.signal(started, 'SIGKILL', 'group')).toBe(true)
  })

  it('does without one that refuses, and asks once', async () => {
    const { local, calls } = withUserManager('refuses', 'refuses')
    for (let i = 0; i < 2; i++) await local.launch({ argv: ['true'], logPath: join(folder, 'e6.log'), why: 'test' })
    await soon(() => expect(local.ledger.kept.filter((entry) => entry.way === 'launch').map((entry) => entry.exitCode)).toEqual([0, 0]))
    expect(calls()).toHaveLength(1)
  })
})

/** An Overlap that follows two children and launches one; prints their pids. */
const PARENT = `
import { LocalHost } from ${JSON.stringify(join(import.meta.dirname, 'localHost.ts'))}
const quiet = { info() {}, warn() {}, error() {} }
const host = new LocalHost({ log: quiet })
const watched = { why: 'test', silentAfterMs: 60000, firstLineMs: 60000, restartBudget: 0, onState() {} }
const talks = host.follow({ ...watched, argv: ['sh', '-c', 'while echo row; do sleep 0.05; done'], onLine() {} })
const silent = host.follow({ ...watched, argv: ['sleep', '600'], onLine() {} })
const launched = await host.launch({ argv: ['sleep', '600'], logPath: process.argv.at(-1), why: 'test' })
setTimeout(() => console.log(JSON.stringify({ talks: talks.pid, silent: silent.pid, launched })), 200)
`

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(String(chunk)))
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
}

describe('kill -9 of Overlap', () => {
  it('ends what it followed and leaves what it launched', async () => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, join(folder, 'e4.log')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const { talks, silent, launched } = JSON.parse(await firstLine(parent))
    expect([talks, silent, launched.pid].filter(alive)).toHaveLength(3)
    parent.kill('SIGKILL')
    await soon(() => expect(alive(talks)).toBe(false))
    if (hasDeathSignal) await soon(() => expect(alive(silent)).toBe(false))
    else process.kill(silent, 'SIGKILL')
    expect(procfs.isAlive(launched)).toBe(true)
    expect(host.signal(launched, 'SIGKILL', 'group')).toBe(true)
    await soon(() => expect(procfs.isAlive(launched)).toBe(false))
  })
})
